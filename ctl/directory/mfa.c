/* musterctl directory mfa. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/directory/actions.h"
#include "ctl/directory/enrolment.h"
#include "ctl/directory/qr.h"
#include "ctl/directory/session.h"
#include "ctl/directory/state.h"
#include "ctl/directory/user.h"
#include "ctl/text.h"

#define ISSUER "muster"

struct mfa_options {
	struct directory_options directory;
	bool require, exclude, enroll, reset;
	const char *until, *issuer;
};

static const struct option_spec options[] = {
	{DIRECTORY_OPTION_FILE},
	{DIRECTORY_OPTION_NO_PUBLISH},
	{"require", OPTION_FLAG, offsetof(struct mfa_options, require), NULL,
	 "let the user in with a second factor only"},
	{"exclude", OPTION_FLAG, offsetof(struct mfa_options, exclude), NULL, "do without it"},
	{"until", OPTION_TEXT, offsetof(struct mfa_options, until), "TIME",
	 "with --exclude: only until then"},
	{"enroll", OPTION_FLAG, offsetof(struct mfa_options, enroll), NULL,
	 "make a secret and print it for the user's authenticator app"},
	{"issuer", OPTION_TEXT, offsetof(struct mfa_options, issuer), "TEXT",
	 "with --enroll: whose account it is, as the app shows it (" ISSUER ")"},
	{"reset", OPTION_FLAG, offsetof(struct mfa_options, reset), NULL,
	 "forget the enrolled factor"},
	{0},
};

/* The address, and below it the same as a picture. Printed once it is saved: nobody scans what does not count. */
static int show(struct session *s, const char *uri)
{
	int r = session_say(s, uri, strlen(uri));

	if (r == 0)
		r = session_say(s, "\n", 1);
	if (r == 0 && qr_can_show())
		r = qr_draw(uri, &s->done);
	return r;
}

static int enroll(struct session *s, struct json_object *user, const char *issuer)
{
	char secret[TOTP_SECRET_SIZE];
	char *uri = NULL;
	int r = enrolment_make_secret(secret);

	if (r == 0)
		r = user_mfa_enroll(&s->edit, user, secret);
	if (r == 0)
		r = session_note(s, user, "second factor enrolled; the app takes this address:");
	if (r == 0) {
		uri = enrolment_uri(issuer, tree_text_or_empty(user, "username"), secret);
		r = uri ? show(s, uri) : -ENOMEM;
	}
	if (uri)
		wipe(uri, strlen(uri));
	free(uri);
	wipe(secret, sizeof(secret));
	return r;
}

static int check(struct session *s, const struct mfa_options *o, int64_t *ret_until)
{
	if (!(o->require || o->exclude || o->enroll || o->reset) || (o->require && o->exclude) ||
	    (o->until && !o->exclude) || (o->issuer && !o->enroll))
		return fault_set(&s->fault, -EINVAL,
				 "mfa: give --require, --exclude [--until TIME], --enroll "
				 "[--issuer TEXT] or --reset");
	if (o->until &&
	    (when_parse(o->until, s->edit.now, ret_until) < 0 || *ret_until <= s->edit.now))
		return fault_set(&s->fault, -EINVAL, "'%s' is not a time ahead, such as +7d",
				 o->until);
	if (o->issuer && (!o->issuer[0] || strchr(o->issuer, ':')))
		return fault_set(&s->fault, -EINVAL,
				 "'%s' cannot be an issuer: empty, or with a ':'", o->issuer);
	return 0;
}

static int mfa(struct session *s, struct json_object *user, const void *given)
{
	const struct mfa_options *o = given;
	int64_t until = 0;
	int r = check(s, o, &until);

	if (r == 0 && o->reset) {
		r = user_mfa_reset(&s->edit, user);
		if (r == 0)
			r = session_note(s, user, "second factor forgotten");
	}
	if (r == 0 && o->require) {
		r = user_mfa_require(&s->edit, user);
		if (r == 0)
			r = session_note(s, user, "second factor required");
	}
	if (r == 0 && o->exclude) {
		r = user_mfa_exclude(&s->edit, user, until);
		if (r == 0)
			r = session_note(s, user, "excluded from the second factor");
	}
	if (r == 0 && o->enroll)
		r = enroll(s, user, o->issuer ? o->issuer : ISSUER);
	return r;
}

static enum exit_code run(const struct invocation *in)
{
	return session_each_user(in, mfa);
}

const struct command action_mfa = {
	.name = "mfa",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Requires, excludes, enrols or resets the second factor of users.",
	.details = "--enroll prints an otpauth:// address for an authenticator app, on a terminal "
		   "also as a QR code. Whoever sees it\n"
		   "has the second factor: it is shown once.",
	.options = options,
	.options_size = sizeof(struct mfa_options),
	.run = run,
};
