/* musterctl status: what an administrator asks first. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/names.h"
#include "common/str.h"
#include "ctl/commands.h"
#include "ctl/text.h"
#include "ctl/view.h"

struct status_options {
	bool json;
};

static const struct option_spec options[] = {
	{"json", OPTION_FLAG, offsetof(struct status_options, json), NULL, "print JSON"},
	{0},
};

/* Calls EACH for every entry that was left out, or taken otherwise than asked for; 0 or the first error. */
static int each_reject(struct view *v, void (*each)(const struct reject *, void *), void *data)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct reject reject;

	for (uint32_t i = 0;; i++) {
		int r = snapshot_reject(v->pam, i, &buf);

		if (r < 0)
			return r == -ESRCH ? 0 : r;
		r = record_reject_unpack(buf.data, buf.len, &reject);
		if (r < 0)
			return r;
		each(&reject, data);
	}
}

static void add_reject(const struct reject *reject, void *data)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "kind", text_to_json(reject->kind));
	json_object_object_add(o, "name", text_to_json(reject->name));
	json_object_object_add(o, "id", text_to_json(reject->id));
	json_object_object_add(o, "reason", text_to_json(reject->reason));
	json_object_object_add(o, "detail", text_to_json(reject->detail));
	json_object_array_add(data, o);
}

static enum exit_code print_json(struct view *v)
{
	const struct snapshot_info *info = view_info(v);
	struct json_object *o = json_object_new_object();
	struct json_object *rejects = json_object_new_array();

	json_object_object_add(o, "generation", json_object_new_uint64(info->generation));
	json_object_object_add(o, "accounts",
			       json_object_new_uint64(v->pam ? v->status.accounts : info->n_users));
	json_object_object_add(o, "groups",
			       json_object_new_uint64(v->pam ? v->status.groups : info->n_groups));
	json_object_object_add(o, "data_age_s", json_object_new_int64(view_age_s(v)));
	json_object_object_add(o, "published_at", time_to_json(info->created_at));
	if (v->pam) {
		int r = each_reject(v, add_reject, rejects);

		if (r < 0) {
			json_object_put(o);
			json_object_put(rejects);
			return fault_print(
				&(struct fault){.text = "cannot read the rejected entries"}, r);
		}
		json_object_object_add(o, "directory", text_to_json(v->status.directory_url));
		json_object_object_add(o, "driver", text_to_json(v->status.driver));
		json_object_object_add(o, "serial", json_object_new_uint64(v->status.serial));
		json_object_object_add(o, "online",
				       json_object_new_boolean(!v->status.last_error[0]));
		json_object_object_add(o, "last_sync", time_to_json(v->status.last_sync_at));
		json_object_object_add(o, "last_error", text_to_json(v->status.last_error));
		json_object_object_add(o, "rejected", json_object_new_uint64(v->status.rejected));
	}
	json_object_object_add(o, "rejects", rejects);
	return json_print(o);
}

static void print_reject(const struct reject *reject, void *data)
{
	char name[256], detail[512];

	(void)data;
	name_escape(reject->name[0] ? reject->name : reject->id, name, sizeof(name));
	name_escape(reject->detail, detail, sizeof(detail));
	printf("  %s %s: %s%s%s\n", reject->kind, name, reject->reason, detail[0] ? ": " : "",
	       detail);
}

static void print_sync(const struct view *v)
{
	char when[WHEN_TEXT_SIZE], text[512];

	name_escape(v->status.directory_url, text, sizeof(text));
	printf("directory:   %s (driver %s, serial %" PRIu64 ")\n", text, v->status.driver,
	       v->status.serial);
	when_text(v->status.last_sync_at, v->now, when);
	printf("last sync:   %s\n", when);
	if (!v->status.last_error[0])
		return;
	when_text(v->status.last_attempt_at, v->now, when);
	name_escape(v->status.last_error, text, sizeof(text));
	printf("last try:    %s: %s\n", when, text);
}

static enum exit_code print_text(struct view *v)
{
	const struct snapshot_info *info = view_info(v);
	char span[SPAN_TEXT_SIZE], when[WHEN_TEXT_SIZE];

	when_text(info->created_at, v->now, when);
	printf("generation:  %" PRIu64 ", published %s\n", info->generation, when);
	span_text(view_age_s(v), span);
	printf("data age:    %s\n", span);
	if (v->pam)
		print_sync(v);
	if (!v->pam) {
		printf("users:       %u\nlocal groups: %u\n", info->n_users, info->n_groups);
		message_hint("directory, states and rejected entries are shown to root only");
		return EXIT_OK;
	}
	printf("accounts:    %u\ngroups:      %u\n", v->status.accounts, v->status.groups);
	printf("rejected:    %u\n", v->status.rejected);
	int r = each_reject(v, print_reject, NULL);

	return r < 0 ? fault_print(&(struct fault){.text = "cannot read the rejected entries"}, r)
		     : EXIT_OK;
}

static enum exit_code run(const struct invocation *in)
{
	const struct status_options *o = in->options;
	AUTO_VIEW struct view v;
	struct fault f = {0};
	int r = view_open(&v, &f);

	if (r < 0)
		return fault_print(&f, r);
	return o->json ? print_json(&v) : print_text(&v);
}

const struct command command_status = {
	.name = "status",
	.summary = "Shows generation, age and source of the data, counts, and what was left out "
		   "and why.",
	.options = options,
	.options_size = sizeof(struct status_options),
	.run = run,
};
