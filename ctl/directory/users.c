/* musterctl directory add, set, delete. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ctl/directory/actions.h"
#include "ctl/directory/session.h"
#include "ctl/directory/state.h"
#include "ctl/directory/user.h"

#define KEY_FILE_MAX 65536

struct user_options {
	struct directory_options directory;
	struct user_fields fields;
	const char *state;
};

/* clang-format off */
#define FIELD(name, kind, field, arg, help) \
	{ name, kind, offsetof(struct user_options, fields.field), arg, help }
#define FIELD_OPTIONS \
	FIELD("displayname", OPTION_TEXT, displayname, "TEXT", "full name"), \
	FIELD("email", OPTION_TEXT, email, "ADDRESS", "mail address"), \
	FIELD("uid", OPTION_TEXT, uid, "NUMBER", "user id; without it the object id gives one"), \
	FIELD("gid", OPTION_TEXT, gid, "NUMBER", "primary group id"), \
	FIELD("sudo", OPTION_OPTIONAL, sudo, "yes|nopasswd|no", "may use sudo, with or without a password"), \
	FIELD("key", OPTION_LIST, keys, "FILE|TEXT", "add the SSH public keys of a file, or this one"), \
	FIELD("shell", OPTION_TEXT, shell, "PATH", "login shell"), \
	FIELD("home", OPTION_TEXT, home, "PATH", "home directory"), \
	{ "state", OPTION_TEXT, offsetof(struct user_options, state), "STATE", "ACTIVATED, STAGED or SUSPENDED" }
/* clang-format on */

/* The keys of --key, one a line, and the texts that they lie in. */
struct key_texts {
	char *files[OPTION_LIST_MAX];
	unsigned n_files;
	struct option_list lines;
};

static void key_texts_done(struct key_texts *k)
{
	for (unsigned i = 0; i < k->n_files; i++)
		free(k->files[i]);
}

static int read_key_file(const char *path, char **ret)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	AUTO_FREE char *text = calloc(1, KEY_FILE_MAX);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (!text)
		return -ENOMEM;
	while ((n = read(fd, text + len, KEY_FILE_MAX - 1 - len)) > 0)
		len += n;
	if (n < 0)
		return -errno;
	if (len == KEY_FILE_MAX - 1)
		return -EFBIG;
	*ret = TAKE(text);
	return 0;
}

/* Cuts TEXT into lines; empty ones and comments are no keys. */
static int take_lines(struct key_texts *k, char *text)
{
	for (char *line; (line = strsep(&text, "\r\n"));) {
		if (!line[0] || line[0] == '#')
			continue;
		if (k->lines.count == OPTION_LIST_MAX)
			return -E2BIG;
		k->lines.items[k->lines.count++] = line;
	}
	return 0;
}

/* --key FILE|TEXT: what holds a blank is a key, anything else the name of a file. */
static int read_keys(const struct option_list *given, struct key_texts *k, struct fault *f)
{
	for (unsigned i = 0; i < given->count; i++) {
		const char *item = given->items[i];
		char **text = &k->files[k->n_files];
		int r;

		if (strchr(item, ' '))
			r = (*text = strdup(item)) ? 0 : -ENOMEM;
		else
			r = read_key_file(item, text);
		if (r < 0)
			return fault_set(f, r, "--key %s: %s", item, strerror(-r));
		k->n_files++;
		r = take_lines(k, *text);
		if (r < 0)
			return fault_set(f, r, "more than %d keys", OPTION_LIST_MAX);
	}
	return 0;
}

static const struct option_spec add_options[] = {
	{DIRECTORY_OPTION_FILE},
	{DIRECTORY_OPTION_NO_PUBLISH},
	FIELD_OPTIONS,
	{0},
};

static int add_one(struct session *s, const char *name, enum user_state state,
		   const struct user_fields *fields)
{
	struct json_object *user;
	int r = user_add(&s->edit, name, state, fields, &user);

	return r < 0 ? r
		     : session_note(s, user, "added, %s, %s", user_state_name(state),
				    "no password yet ('musterctl directory passwd' sets one)");
}

/* What is one user's alone cannot be given to several. */
static int check_single(const struct invocation *in, const struct user_fields *f,
			struct fault *fault)
{
	if (in->n_args > 1 && (f->uid || f->home || f->email || f->username || f->keys.count > 0))
		return fault_set(
			fault, -EINVAL,
			"a uid, home, mail address, name or key is for one user, not for %d",
			in->n_args);
	return 0;
}

/* --state, when it is given. */
static int parse_state(struct session *s, const struct user_options *o, enum user_state *ret)
{
	if (!o->state || user_state_parse(o->state, ret) == 0)
		return 0;
	return fault_set(&s->fault, -EINVAL, "--state %s: it may be ACTIVATED, STAGED or SUSPENDED",
			 o->state);
}

static int add_users(struct session *s, const struct invocation *in,
		     const struct user_fields *fields)
{
	enum user_state state = s->conf.default_state_manual;
	int r = parse_state(s, in->options, &state);

	for (int i = 0; r == 0 && i < in->n_args; i++)
		r = add_one(s, in->args[i], state, fields);
	return r;
}

static int set_users(struct session *s, const struct invocation *in,
		     const struct user_fields *fields)
{
	const struct user_options *o = in->options;
	enum user_state state = USER_STATE_NONE;
	struct json_object *user;
	int r = parse_state(s, o, &state);

	for (int i = 0; r == 0 && i < in->n_args; i++) {
		r = user_find(&s->edit, in->args[i], &user);
		if (r == 0)
			r = user_set(&s->edit, user, fields);
		if (r == 0 && o->state)
			r = user_set_state(&s->edit, user, state);
		if (r == 0)
			r = session_note(s, user, "set");
	}
	return r;
}

static enum exit_code run_fields(const struct invocation *in, enum store_mode mode,
				 int (*act)(struct session *, const struct invocation *,
					    const struct user_fields *))
{
	const struct user_options *o = in->options;
	CLEANUP(key_texts_done) struct key_texts keys = {0};
	struct user_fields fields = o->fields;
	AUTO_SESSION struct session s = SESSION_NONE;
	int r = check_single(in, &fields, &s.fault);

	if (r == 0)
		r = read_keys(&o->fields.keys, &keys, &s.fault);
	fields.keys = keys.lines;
	if (r == 0)
		r = session_open(&s, &o->directory, mode);
	if (r == 0)
		r = act(&s, in, &fields);
	return session_finish(&s, r);
}

static enum exit_code run_add(const struct invocation *in)
{
	return run_fields(in, STORE_CREATE, add_users);
}

const struct command action_add = {
	.name = "add",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Adds users.",
	.details = "State: '[directory] default_state_manual' of muster.conf, unless --state says "
		   "otherwise.\n"
		   "A new user has no password: 'musterctl directory passwd NAME' sets one. Until "
		   "then keys\n"
		   "do not open the account either.",
	.options = add_options,
	.options_size = sizeof(struct user_options),
	.run = run_add,
};

static const struct option_spec set_options[] = {
	{DIRECTORY_OPTION_FILE},
	{DIRECTORY_OPTION_NO_PUBLISH},
	FIELD("username", OPTION_TEXT, username, "NAME", "another login name; the id stays"),
	FIELD_OPTIONS,
	FIELD("no-keys", OPTION_FLAG, no_keys, NULL,
	      "drop the SSH keys there are, before --key adds any"),
	{0},
};

static enum exit_code run_set(const struct invocation *in)
{
	return run_fields(in, STORE_EDIT, set_users);
}

const struct command action_set = {
	.name = "set",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Changes fields of users.",
	.options = set_options,
	.options_size = sizeof(struct user_options),
	.run = run_set,
};

static const struct option_spec delete_options[] = {
	{DIRECTORY_OPTION_FILE},
	{DIRECTORY_OPTION_NO_PUBLISH},
	{0},
};

static int delete(struct session *s, struct json_object *user, const void *options)
{
	int r = session_note(s, user, "deleted");

	(void)options;
	return r < 0 ? r : user_delete(&s->edit, user);
}

static enum exit_code run_delete(const struct invocation *in)
{
	return session_each_user(in, delete);
}

const struct command action_delete = {
	.name = "delete",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Deletes users, also from groups and bindings.",
	.details = "Their files stay, and their names resolve until the tombstone ends ([accounts] "
		   "tombstone).",
	.options = delete_options,
	.options_size = sizeof(struct directory_options),
	.run = run_delete,
};
