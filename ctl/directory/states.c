/* musterctl directory activate, suspend, schedule, expire, unlock. */
#include <errno.h>
#include <string.h>

#include "ctl/directory/actions.h"
#include "ctl/directory/session.h"
#include "ctl/directory/state.h"
#include "ctl/directory/user.h"
#include "ctl/text.h"

static const struct option_spec plain_options[] = {
	{DIRECTORY_OPTION_FILE},
	{DIRECTORY_OPTION_NO_PUBLISH},
	{0},
};

/* Says what comes later by itself: an administrator who suspends for good must know of it. */
static int set_state(struct session *s, struct json_object *user, enum user_state state)
{
	struct scheduled_change next;
	char when[WHEN_TEXT_SIZE];
	int r = user_set_state(&s->edit, user, state);

	if (r < 0)
		return r;
	if (!user_next_change(&s->edit, user, state, &next))
		return session_note(s, user, "%s", user_state_name(state));
	when_text(next.at, s->edit.now, when);
	return session_note(s, user, "%s; still scheduled: %s at %s", user_state_name(state),
			    user_state_name(next.state), when);
}

static int activate(struct session *s, struct json_object *user, const void *options)
{
	(void)options;
	return set_state(s, user, USER_ACTIVATED);
}

static enum exit_code run_activate(const struct invocation *in)
{
	return session_each_user(in, activate);
}

const struct command action_activate = {
	.name = "activate",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Lets staged or suspended users in.",
	.options = plain_options,
	.options_size = sizeof(struct directory_options),
	.run = run_activate,
};

static int suspend(struct session *s, struct json_object *user, const void *options)
{
	(void)options;
	return set_state(s, user, USER_SUSPENDED);
}

static enum exit_code run_suspend(const struct invocation *in)
{
	return session_each_user(in, suspend);
}

const struct command action_suspend = {
	.name = "suspend",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Refuses users from now on, with passwords and keys.",
	.options = plain_options,
	.options_size = sizeof(struct directory_options),
	.run = run_suspend,
};

struct schedule_options {
	struct directory_options directory;
	bool cancel;
};

static const struct option_spec schedule_options[] = {
	{DIRECTORY_OPTION_FILE},
	{DIRECTORY_OPTION_NO_PUBLISH},
	{"cancel", OPTION_FLAG, offsetof(struct schedule_options, cancel), NULL,
	 "drop what is scheduled for NAME..."},
	{0},
};

/* The names end where "suspend TIME" or "activate TIME" begins. */
static int parse_change(const struct invocation *in, struct session *s,
			struct scheduled_change *ret)
{
	const char *action = in->n_args < 3 ? "" : in->args[in->n_args - 2];

	if (strcmp(action, "suspend") == 0)
		ret->state = USER_SUSPENDED;
	else if (strcmp(action, "activate") == 0)
		ret->state = USER_ACTIVATED;
	else
		return fault_set(
			&s->fault, -EINVAL,
			"schedule: NAME... must be followed by suspend or activate, and TIME");
	if (when_parse(in->args[in->n_args - 1], s->edit.now, &ret->at) < 0)
		return fault_set(&s->fault, -EINVAL,
				 "'%s' is not a time such as 2026-11-30T08:00:00Z or +2h",
				 in->args[in->n_args - 1]);
	return 0;
}

static int schedule_one(struct session *s, const char *name, const struct scheduled_change *c)
{
	struct json_object *user;
	char when[WHEN_TEXT_SIZE];
	int r = user_find(&s->edit, name, &user);

	if (r < 0)
		return r;
	if (c->at == 0) {
		r = user_schedule_cancel(&s->edit, user);
		return r < 0 ? r : session_note(s, user, "nothing is scheduled");
	}
	r = user_schedule(&s->edit, user, c->state, c->at);
	if (r < 0)
		return r;
	when_text(c->at, s->edit.now, when);
	return session_note(s, user, "%s at %s", user_state_name(c->state), when);
}

static enum exit_code run_schedule(const struct invocation *in)
{
	const struct schedule_options *o = in->options;
	AUTO_SESSION struct session s = SESSION_NONE;
	struct scheduled_change change = {0};
	int n_names = o->cancel ? in->n_args : in->n_args - 2;
	int r = session_open(&s, &o->directory, STORE_EDIT);

	if (r == 0 && !o->cancel)
		r = parse_change(in, &s, &change);
	for (int i = 0; r == 0 && i < n_names; i++)
		r = schedule_one(&s, in->args[i], &change);
	return session_finish(&s, r);
}

const struct command action_schedule = {
	.name = "schedule",
	.args = "NAME... suspend|activate TIME | NAME... --cancel",
	.min_args = 1,
	.max_args = -1,
	.summary = "Suspends or activates users at a time ahead.",
	.details = "TIME is 2026-11-30 (00:00 UTC), 2026-11-30T08:00:00Z, or +2h from now. It "
		   "takes effect on endpoints\n"
		   "that are off line, too.",
	.options = schedule_options,
	.options_size = sizeof(struct schedule_options),
	.run = run_schedule,
};

struct expire_options {
	struct directory_options directory;
	const char *at;
};

static const struct option_spec expire_options[] = {
	{DIRECTORY_OPTION_FILE},
	{DIRECTORY_OPTION_NO_PUBLISH},
	{"at", OPTION_TEXT, offsetof(struct expire_options, at), "TIME", "at this time, not now"},
	{0},
};

static int expire(struct session *s, struct json_object *user, const void *options)
{
	const struct expire_options *o = options;
	int64_t at = s->edit.now;
	char when[WHEN_TEXT_SIZE];
	int r;

	if (o->at && when_parse(o->at, s->edit.now, &at) < 0)
		return fault_set(&s->fault, -EINVAL,
				 "'%s' is not a time such as 2026-11-30T08:00:00Z or +2h", o->at);
	r = user_expire(&s->edit, user, at);
	if (r < 0)
		return r;
	if (at <= s->edit.now)
		return session_note(s, user, "the password has expired");
	when_text(at, s->edit.now, when);
	return session_note(s, user, "the password expires at %s", when);
}

static enum exit_code run_expire(const struct invocation *in)
{
	return session_each_user(in, expire);
}

const struct command action_expire = {
	.name = "expire",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Lets passwords expire: refused, with keys too, until a new password is set.",
	.options = expire_options,
	.options_size = sizeof(struct expire_options),
	.run = run_expire,
};

static int unlock(struct session *s, struct json_object *user, const void *options)
{
	int r = user_unlock(&s->edit, user);

	(void)options;
	if (r == 0)
		r = session_forget_tries(s, user);
	if (r < 0)
		return r;
	return session_note(s, user, "not locked%s",
			    tree_true(user, "password_expired") ? "; the password is still expired"
								: "");
}

static enum exit_code run_unlock(const struct invocation *in)
{
	return session_each_user(in, unlock);
}

const struct command action_unlock = {
	.name = "unlock",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Lifts the lock of users. An expired password stays expired.",
	.options = plain_options,
	.options_size = sizeof(struct directory_options),
	.run = run_unlock,
};
