/* musterctl directory bind, unbind. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/directory/actions.h"
#include "ctl/directory/binding.h"
#include "ctl/directory/group.h"
#include "ctl/directory/session.h"
#include "ctl/directory/user.h"
#include "ctl/message.h"

#define HOST_SIZE 256

struct bind_options {
	struct directory_options directory;
	const char *system;
	bool group;
};

static const struct option_spec options[] = {
	{DIRECTORY_OPTION_FILE},
	{DIRECTORY_OPTION_NO_PUBLISH},
	{"system", OPTION_TEXT, offsetof(struct bind_options, system), "ID|HOST",
	 "another computer than this one"},
	{"group", OPTION_FLAG, offsetof(struct bind_options, group), NULL, "NAME... are groups"},
	{0},
};

/* This computer: the system id that muster.conf gives it, which its host name stands beside, or its host name. */
static int own_system(struct session *s, char host[static HOST_SIZE], struct binding_target *t)
{
	if (gethostname(host, HOST_SIZE) < 0)
		return fault_set(&s->fault, -errno, "cannot read the host name: %s",
				 strerror(errno));
	host[HOST_SIZE - 1] = '\0';
	t->system = s->conf.system_id[0] ? s->conf.system_id : host;
	t->alias = s->conf.system_id[0] ? host : NULL;
	return 0;
}

static int find(struct session *s, enum binding_kind kind, const char *name,
		struct json_object **ret)
{
	return kind == BINDING_GROUP ? group_find(&s->edit, name, ret)
				     : user_find(&s->edit, name, ret);
}

static int change_each(struct session *s, const struct invocation *in, bool bind)
{
	const struct bind_options *o = in->options;
	struct binding_target t = {.system = o->system,
				   .kind = o->group ? BINDING_GROUP : BINDING_USER};
	char host[HOST_SIZE];
	int r = t.system ? 0 : own_system(s, host, &t);

	for (int i = 0; r == 0 && i < in->n_args; i++) {
		struct json_object *object;

		r = bind ? binding_add(&s->edit, &t, in->args[i])
			 : binding_remove(&s->edit, &t, in->args[i]);
		if (r == 0)
			r = find(s, t.kind, in->args[i], &object);
		if (r == 0)
			r = session_note(s, object, "%s %s",
					 bind       ? "bound to"
					 : o->group ? "unbound, with all its members, from"
						    : "unbound from",
					 t.system);
	}
	for (int i = 0; r == 0 && !bind && i < in->n_args; i++) {
		r = binding_check_removed(&s->edit, &t, in->args[i]);
		if (r == -EKEYREJECTED && o->group) { /* groups overlap: theirs is not undone by this one's */
			message_warning("%s", s->fault.text);
			r = 0;
		}
	}
	return r;
}

/* A document without bindings binds everybody everywhere: the first list changes that for all computers. */
static int check_first(struct session *s, const struct bind_options *o, bool bind)
{
	if (!binding_open(&s->edit) || o->system)
		return 0;
	if (bind) {
		fault_set(&s->fault, -EEXIST,
			  "everybody is bound already: the directory binds all users to every "
			  "computer");
		fault_hint(&s->fault, "'bind --system HOST' starts a list; from then on only "
				      "listed users are bound");
		return -EEXIST;
	}
	if (s->own)
		return 0;
	fault_set(&s->fault, -EKEYREJECTED, "the directory binds all users to every computer");
	fault_hint(&s->fault, "'unbind --system HOST' starts a list; computers without a list then "
			      "have no users");
	return -EKEYREJECTED;
}

static enum exit_code run(const struct invocation *in, bool bind)
{
	const struct bind_options *o = in->options;
	AUTO_SESSION struct session s = SESSION_NONE;
	bool was_open;
	int r = session_open(&s, &o->directory, STORE_EDIT);

	if (r == 0)
		r = check_first(&s, o, bind);
	was_open = r == 0 && binding_open(&s.edit);
	if (r == 0)
		r = change_each(&s, in, bind);
	if (r == 0 && was_open)
		message_warning(
			"from now on users are bound only to computers whose list has them");
	return session_finish(&s, r);
}

static enum exit_code run_bind(const struct invocation *in)
{
	return run(in, true);
}

static enum exit_code run_unbind(const struct invocation *in)
{
	return run(in, false);
}

const struct command action_bind = {
	.name = "bind",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Lets users, or the members of groups, onto a computer.",
	.details = "A directory without bindings lets all its users onto every computer that reads "
		   "it.",
	.options = options,
	.options_size = sizeof(struct bind_options),
	.run = run_bind,
};

const struct command action_unbind = {
	.name = "unbind",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Takes users, or the members of groups, off a computer.",
	.details =
		"Members of a group that is unbound are not bound singly either; whoever is in another "
		"group that is bound\n"
		"stays bound by that, and is named.",
	.options = options,
	.options_size = sizeof(struct bind_options),
	.run = run_unbind,
};
