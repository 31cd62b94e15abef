#include "agentd/fetch/jumpcloud.h"

#include <string.h>

#include "agentd/fetch/jumpcloud_private.h"

#define ESCAPED_SIZE 256

void jumpcloud_done(struct jumpcloud *j)
{
	json_parser_done(&j->json);
	user_reader_done(&j->user);
	jumpcloud_unbind(j);
	buf_done(&j->users);
	buf_done(&j->groups);
	buf_done(&j->members);
	buf_done(&j->kept.ids);
}

int jumpcloud_reject(void *context, const struct reject *reject)
{
	struct jumpcloud *j = context;
	char name[ESCAPED_SIZE], detail[ESCAPED_SIZE];
	struct reject r = *reject;

	name_escape(r.name, name, sizeof(name));
	name_escape(r.detail, detail, sizeof(detail));
	r.name = name;
	r.detail = detail;
	return j->sink->reject(j->sink->context, &r);
}

/*
 * Sudo by group is in what the server compiled for each user: the groups themselves grant none. One whose attributes cannot
 * be read is left out: 1; one whose name is not told is not, but it is said, since leases go by names.
 */
static int tell_group(struct jumpcloud *j, const struct bound_group *g)
{
	const struct json_node attributes = { g->attributes, &j->fault };
	struct dir_group d = { .id = g->id, .name = g->name };
	int r;

	j->fault.reason[0] = '\0';
	r = group_attributes_read(&attributes, jumpcloud_reject, j, &d);
	if (r == -EINVAL)
		return jumpcloud_reject(j, &(struct reject){ "group", g->id, g->name, j->fault.reason,
							     j->fault.detail }) ?: 1;
	d.sudo = d.sudo_nopasswd = false;
	if (r == 0 && !*d.name)
		r = jumpcloud_reject(j, &(struct reject){ "group", g->id, "", "name_unknown",
							  "JumpCloud does not tell its name; no [lease] goes by it" });
	return r < 0 ? r : j->sink->group(j->sink->context, &d);
}

/* Those of group G, who begin at *NEXT; both are sorted by group. */
static int tell_members(struct jumpcloud *j, const struct bound_group *g, bool left_out, size_t *next)
{
	const struct bound_member *members = (const struct bound_member *)(const void *)j->members.data;
	struct id_list list = { .send = j->sink->membership, .context = j->sink->context, .group_id = g->id };
	size_t n = j->members.len / sizeof(*members);
	int r = 0;

	for (; r == 0 && *next < n && strcmp(members[*next].group_id, g->id) == 0; ++*next)
		r = left_out ? 0 : id_list_add(&list, members[*next].user_id);
	if (r == 0)
		r = id_list_flush(&list);
	buf_done(&list.ids);
	return r;
}

static int tell_groups(struct jumpcloud *j)
{
	size_t next = 0;
	int r = 0;

	for (uint32_t i = 0; r >= 0 && i < bound_groups_n(j); i++) {
		r = tell_group(j, bound_group_at(j, i));
		if (r >= 0)
			r = tell_members(j, bound_group_at(j, i), r > 0, &next);
	}
	return r;
}

int jumpcloud_sync(const struct jumpcloud_api *api, const struct jumpcloud_options *options,
		   struct jumpcloud_memory *memory, const struct document_sink *sink,
		   char ret_text[static JUMPCLOUD_TEXT_SIZE])
{
	CLEANUP(jumpcloud_done) struct jumpcloud j = {
		.api = api,
		.options = options,
		.sink = sink,
		.text = ret_text,
		.kept = { .send = sink->kept, .context = sink->context, .group_id = "" },
	};
	struct lockout_policy policy;
	int r = jumpcloud_bound(&j);

	if (r == 0)
		r = jumpcloud_users(&j);
	if (r == 0)
		r = jumpcloud_groups(&j, memory);
	if (r == 0)
		r = tell_groups(&j);
	if (r == 0)
		r = jumpcloud_policy(&j, memory, &policy);
	return r > 0 ? sink->lockout(sink->context, &policy) : r;
}
