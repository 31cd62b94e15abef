/* musterctl directory group add, set, delete, members. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/names.h"
#include "ctl/directory/actions.h"
#include "ctl/directory/group.h"
#include "ctl/directory/session.h"
#include "ctl/directory/user.h"

struct group_options {
	struct directory_options directory;
	struct group_fields fields;
};

static const struct option_spec field_options[] = {
	{DIRECTORY_OPTION_FILE},
	{DIRECTORY_OPTION_NO_PUBLISH},
	{"posix", OPTION_TEXT, offsetof(struct group_options, fields.posix), "GID[:NAME]|none",
	 "the local group that it becomes (NAME: the group's own)"},
	{"sudo", OPTION_OPTIONAL, offsetof(struct group_options, fields.sudo), "yes|nopasswd|no",
	 "members may use sudo, with or without a password"},
	{0},
};

static int check_single(const struct invocation *in, struct fault *f)
{
	const struct group_options *o = in->options;

	return in->n_args > 1 && o->fields.posix ? fault_set(f, -EINVAL, "--posix is for one group")
						 : 0;
}

static enum exit_code run_add(const struct invocation *in)
{
	const struct group_options *o = in->options;
	AUTO_SESSION struct session s = SESSION_NONE;
	struct json_object *group;
	int r = check_single(in, &s.fault);

	if (r == 0)
		r = session_open(&s, &o->directory, STORE_CREATE);
	for (int i = 0; r == 0 && i < in->n_args; i++) {
		r = group_add(&s.edit, in->args[i], &o->fields);
		if (r == 0)
			r = group_find(&s.edit, in->args[i], &group);
		if (r == 0)
			r = session_note(&s, group, "added");
	}
	return session_finish(&s, r);
}

static enum exit_code run_set(const struct invocation *in)
{
	const struct group_options *o = in->options;
	AUTO_SESSION struct session s = SESSION_NONE;
	struct json_object *group;
	int r = check_single(in, &s.fault);

	if (r == 0)
		r = session_open(&s, &o->directory, STORE_EDIT);
	for (int i = 0; r == 0 && i < in->n_args; i++) {
		r = group_find(&s.edit, in->args[i], &group);
		if (r == 0)
			r = group_set(&s.edit, group, &o->fields);
		if (r == 0)
			r = session_note(&s, group, "set");
	}
	return session_finish(&s, r);
}

static enum exit_code run_delete(const struct invocation *in)
{
	AUTO_SESSION struct session s = SESSION_NONE;
	struct json_object *group;
	int r = session_open(&s, in->options, STORE_EDIT);

	for (int i = 0; r == 0 && i < in->n_args; i++) {
		r = group_find(&s.edit, in->args[i], &group);
		if (r == 0)
			r = session_note(&s, group, "deleted; its members stay users");
		if (r == 0)
			r = group_delete(&s.edit, group);
	}
	return session_finish(&s, r);
}

struct members_options {
	struct directory_options directory;
	struct option_list add, remove;
};

static const struct option_spec members_options[] = {
	{DIRECTORY_OPTION_FILE},
	{DIRECTORY_OPTION_NO_PUBLISH},
	{"add", OPTION_LIST, offsetof(struct members_options, add), "USER", "make USER a member"},
	{"remove", OPTION_LIST, offsetof(struct members_options, remove), "USER", "take USER out"},
	{0},
};

static void print_members(const struct edit *e, const struct json_object *group)
{
	struct json_object *members = tree_array(group, "members");
	size_t n = members ? json_object_array_length(members) : 0;

	for (size_t i = 0; i < n; i++) {
		const char *id = json_object_get_string(json_object_array_get_idx(members, i));
		const struct json_object *user = id ? user_by_id(e, id) : NULL;
		char name[128];

		name_escape(user ? tree_text_or_empty(user, "username")
			    : id ? id
				 : "?",
			    name, sizeof(name));
		printf("%s%s\n", name, user ? "" : " (no such user)");
	}
}

static int change_members(struct session *s, struct json_object *group,
			  const struct members_options *o)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < o->remove.count; i++)
		r = group_member_remove(&s->edit, group, o->remove.items[i]);
	for (unsigned i = 0; r == 0 && i < o->add.count; i++)
		r = group_member_add(&s->edit, group, o->add.items[i]);
	return r == 0 ? session_note(s, group, "%u added, %u removed", o->add.count,
				     o->remove.count)
		      : r;
}

static enum exit_code run_members(const struct invocation *in)
{
	const struct members_options *o = in->options;
	bool change = o->add.count + o->remove.count > 0;
	AUTO_SESSION struct session s = SESSION_NONE;
	struct json_object *group;
	int r = session_open(&s, &o->directory, change ? STORE_EDIT : STORE_READ);

	if (r == 0)
		r = group_find(&s.edit, in->args[0], &group);
	if (r == 0 && change)
		r = change_members(&s, group, o);
	if (r < 0 || change)
		return session_finish(&s, r);
	print_members(&s.edit, group);
	return EXIT_OK;
}

static const struct command group_command_add = {
	.name = "add",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Adds groups.",
	.details = "A group carries rights; a local group comes of it with --posix only.",
	.options = field_options,
	.options_size = sizeof(struct group_options),
	.run = run_add,
};

static const struct command group_command_set = {
	.name = "set",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Changes the local group or the sudo right of groups.",
	.options = field_options,
	.options_size = sizeof(struct group_options),
	.run = run_set,
};

static const struct option_spec delete_options[] = {
	{DIRECTORY_OPTION_FILE},
	{DIRECTORY_OPTION_NO_PUBLISH},
	{0},
};

static const struct command group_command_delete = {
	.name = "delete",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Deletes groups.",
	.options = delete_options,
	.options_size = sizeof(struct directory_options),
	.run = run_delete,
};

static const struct command group_command_members = {
	.name = "members",
	.args = "NAME",
	.min_args = 1,
	.max_args = 1,
	.summary = "Lists the members of a group, or changes them.",
	.options = members_options,
	.options_size = sizeof(struct members_options),
	.run = run_members,
};

static const struct command *const group_commands[] = {
	&group_command_add, &group_command_set, &group_command_delete, &group_command_members, NULL,
};

const struct command action_group = {
	.name = "group",
	.summary = "Edits groups of the directory.",
	.sub = group_commands,
};
