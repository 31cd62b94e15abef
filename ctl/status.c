/* musterctl status: what an administrator asks first. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agentd/status.h"
#include "common/names.h"
#include "common/paths.h"
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

static bool is_online(const struct view *v)
{
	return v->sync == &v->last ? v->last.online : !v->sync->last_error[0];
}

/* Of the last revocation since the boot: how long it took from the question to the directory; NULL without one. */
static struct json_object *json_revocation(const struct view *v)
{
	const struct sync_status *s = v->sync;
	struct json_object *o;
	struct session_status done;

	if (!s->revocation || status_load_sessions(MUSTER_RUNTIME_DIR, &done) < 0)
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, "generation", json_object_new_uint64(s->revocation));
	json_object_object_add(o, "users", json_object_new_uint64(s->revocation_users));
	json_object_object_add(o, "at", time_to_json(s->revocation_at));
	json_object_object_add(o, "published_ms",
			       json_object_new_int64(s->revocation_published_ms - s->revocation_begun_ms));
	json_object_object_add(o, "ended_ms", done.revocation != s->revocation ? NULL :
					      json_object_new_int64(done.done_ms - s->revocation_begun_ms));
	json_object_object_add(o, "ended_at", time_to_json(done.ended_at));
	json_object_object_add(o, "ended_users", json_object_new_uint64(done.users));
	json_object_object_add(o, "ended_processes", json_object_new_uint64(done.processes));
	json_object_object_add(o, "left", json_object_new_uint64(done.left));
	return o;
}

static void json_sync(struct json_object *o, const struct view *v)
{
	const struct sync_status *s = v->sync;
	struct json_object *errors = json_object_new_array();

	for (const char *e = NULL; (e = strlist_next(&s->errors, e));)
		json_object_array_add(errors, text_to_json(e));
	json_object_object_add(o, "directory", text_to_json(s->directory_url));
	json_object_object_add(o, "driver", text_to_json(s->driver));
	json_object_object_add(o, "online", json_object_new_boolean(is_online(v)));
	json_object_object_add(o, "last_sync", time_to_json(s->last_sync_at));
	json_object_object_add(o, "last_attempt", time_to_json(s->last_attempt_at));
	json_object_object_add(o, "last_error", text_to_json(s->last_error));
	json_object_object_add(o, "errors", errors);
	json_object_object_add(o, "held", json_object_new_uint64(s->held));
	json_object_object_add(o, "held_until", time_to_json(s->held_until));
	json_object_object_add(o, "revocation", json_revocation(v));
}

static enum exit_code print_json(struct view *v)
{
	const struct snapshot_info *info = view_info(v);
	struct json_object *o = json_object_new_object();
	struct json_object *rejects = v->pam ? json_object_new_array() : NULL;
	int r = v->pam ? each_reject(v, add_reject, rejects) : 0;

	json_object_object_add(o, "generation", json_object_new_uint64(info->generation));
	json_object_object_add(o, "published_at", time_to_json(info->created_at));
	json_object_object_add(o, "data_age_s", json_object_new_int64(view_age_s(v)));
	if (v->sync)
		json_sync(o, v);
	json_object_object_add(o, "accounts",
			       json_object_new_uint64(v->pam ? v->status.accounts : info->n_users));
	json_object_object_add(o, "groups",
			       json_object_new_uint64(v->pam ? v->status.groups : info->n_groups));
	if (v->pam) {
		json_object_object_add(o, "serial", json_object_new_uint64(v->status.serial));
		json_object_object_add(o, "rejected", json_object_new_uint64(v->status.rejected));
		json_object_object_add(o, "access_rules", json_object_new_uint64(v->policy.access.n));
	}
	json_object_object_add(o, "rejects", rejects);
	if (r == 0)
		return json_print(o);
	json_object_put(o);
	return fault_print(&(struct fault){.text = "cannot read the rejected entries"}, r);
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

static void print_errors(const struct sync_status *s)
{
	char text[512];

	for (const char *e = NULL; (e = strlist_next(&s->errors, e));) {
		name_escape(e, text, sizeof(text));
		printf("  %s\n", text);
	}
}

/* Many vanished at once: a mishap, or an administrator's word is missing. */
static void print_holds(const struct view *v)
{
	char when[WHEN_TEXT_SIZE];

	if (!v->sync->held)
		return;
	when_text(v->sync->held_until, v->now, when);
	printf("held:         %" PRIu32
	       " accounts are missing from the directory and stay until %s, or until\n"
	       "              'musterctl sync --accept-removals'\n",
	       v->sync->held, when);
}

static void print_revocation(const struct view *v)
{
	const struct sync_status *s = v->sync;
	struct session_status done;
	char when[WHEN_TEXT_SIZE];

	if (!s->revocation || status_load_sessions(MUSTER_RUNTIME_DIR, &done) < 0)
		return;
	when_text(s->revocation_at, v->now, when);
	printf("revocation:   %" PRIu32 " user%s, %s: published after %.1f s", s->revocation_users,
	       s->revocation_users == 1 ? "" : "s", when,
	       (double)(s->revocation_published_ms - s->revocation_begun_ms) / 1000);
	if (done.revocation == s->revocation)
		printf(", no session left after %.1f s\n", (double)(done.done_ms - s->revocation_begun_ms) / 1000);
	else
		printf(", sessions are ending\n");
	if (done.left)
		printf("              %" PRIu32 " processes do not end: see what musterd logged\n", done.left);
}

static void print_sync(const struct view *v)
{
	const struct sync_status *s = v->sync;
	char when[WHEN_TEXT_SIZE], text[512];

	name_escape(s->directory_url, text, sizeof(text));
	printf("directory:    %s (%s), %s\n", text, s->driver,
	       is_online(v) ? "on line" : "off line");
	when_text(s->last_sync_at, v->now, when);
	printf("last sync:    %s\n", when);
	print_holds(v);
	print_revocation(v);
	if (s->errors.count == 0)
		return;
	when_text(s->last_attempt_at, v->now, when);
	printf("last attempt: %s\n", when);
	print_errors(s);
}

static enum exit_code print_text(struct view *v)
{
	const struct snapshot_info *info = view_info(v);
	char span[SPAN_TEXT_SIZE], when[WHEN_TEXT_SIZE];
	int r;

	when_text(info->created_at, v->now, when);
	printf("generation:   %" PRIu64 ", published %s\n", info->generation, when);
	span_text(view_age_s(v), span);
	printf("data age:     %s\n", span);
	if (v->sync)
		print_sync(v);
	if (!v->pam) {
		printf("users:        %u\nlocal groups: %u\n", info->n_users, info->n_groups);
		message_hint("states and rejected entries are shown to root only");
		return EXIT_OK;
	}
	printf("serial:       %" PRIu64 "\n", v->status.serial);
	printf("accounts:     %u\ngroups:       %u\n", v->status.accounts, v->status.groups);
	if (v->policy.access.n)
		printf("access rules: %u\n", v->policy.access.n);
	printf("rejected:     %u\n", v->status.rejected);
	r = each_reject(v, print_reject, NULL);
	return r < 0 ? fault_print(&(struct fault){.text = "cannot read the rejected entries"}, r)
		     : EXIT_OK;
}

static enum exit_code run(const struct invocation *in)
{
	const struct status_options *o = in->options;
	AUTO_VIEW struct view v;
	struct fault f = {0};
	int r = view_open(&v, &f);

	if (r == 0)
		return o->json ? print_json(&v) : print_text(&v);
	fault_print(&f, r);
	if (v.sync && v.sync->last_error[0]) {
		char text[512];

		name_escape(v.sync->last_error, text, sizeof(text));
		message_hint("the last sync failed: %s", text);
	}
	return EXIT_ERROR;
}

const struct command command_status = {
	.name = "status",
	.summary = "Shows generation, age and source of the data, counts, and what was left out "
		   "and why.",
	.options = options,
	.options_size = sizeof(struct status_options),
	.run = run,
};
