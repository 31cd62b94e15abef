/* musterctl directory passwd. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/str.h"
#include "common/verifier.h"
#include "ctl/directory/actions.h"
#include "ctl/directory/password.h"
#include "ctl/directory/session.h"
#include "ctl/directory/state.h"
#include "ctl/directory/user.h"

struct passwd_options {
	struct directory_options directory;
	bool from_stdin;
};

static const struct option_spec options[] = {
	{DIRECTORY_OPTION_FILE},
	{DIRECTORY_OPTION_NO_PUBLISH},
	{"stdin", OPTION_FLAG, offsetof(struct passwd_options, from_stdin), NULL,
	 "read it from stdin, one line for each NAME"},
	{0},
};

/* The new verifier of NAME, freed by the caller. The password itself lives only here. */
static int make_hash(const char *name, bool from_stdin, char **ret, struct fault *f)
{
	char password[PASSWORD_SIZE];
	int r = from_stdin ? password_from_stdin(password, f)
			   : password_from_terminal(name, password, f);

	if (r == 0) {
		r = verifier_make(password, ret);
		if (r < 0)
			fault_set(f, r, "cannot hash the password: %s", strerror(-r));
	}
	wipe(password, sizeof(password));
	return r;
}

/* Asking and hashing take their time: done before the lock, on users that are known to be there. */
static int make_hashes(const struct invocation *in, char **hashes, struct fault *f)
{
	const struct passwd_options *o = in->options;
	AUTO_SESSION struct session s = SESSION_NONE;
	struct json_object *user;
	int r = session_open(&s, &o->directory, STORE_READ);

	for (int i = 0; r == 0 && i < in->n_args; i++)
		r = user_find(&s.edit, in->args[i], &user);
	*f = s.fault;
	for (int i = 0; r == 0 && i < in->n_args; i++)
		r = make_hash(in->args[i], o->from_stdin, &hashes[i], f);
	return r;
}

static enum exit_code set_passwords(const struct invocation *in, char **hashes)
{
	AUTO_SESSION struct session s = SESSION_NONE;
	struct json_object *user;
	int r = make_hashes(in, hashes, &s.fault);

	if (r == 0)
		r = session_open(&s, in->options, STORE_EDIT);
	for (int i = 0; r == 0 && i < in->n_args; i++) {
		r = user_find(&s.edit, in->args[i], &user);
		if (r == 0)
			r = user_set_password(&s.edit, user, hashes[i]);
		if (r == 0)
			r = session_forget_tries(&s, user);
		if (r == 0)
			r = session_note(&s, user, "password set");
	}
	return session_finish(&s, r);
}

static enum exit_code run(const struct invocation *in)
{
	AUTO_FREE char **hashes = calloc(in->n_args, sizeof(*hashes));
	enum exit_code code;

	if (!hashes)
		return message_out_of_memory();
	code = set_passwords(in, hashes);
	for (int i = 0; i < in->n_args; i++)
		free(hashes[i]);
	return code;
}

const struct command action_passwd = {
	.name = "passwd",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Sets the password of users.",
	.details = "Asks twice on the terminal, or reads stdin; a password is never an argument. A "
		   "new password also\n"
		   "ends an expiry and a lock.",
	.options = options,
	.options_size = sizeof(struct passwd_options),
	.run = run,
};
