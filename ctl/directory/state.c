#include "ctl/directory/state.h"

#include <errno.h>

#include "common/str.h"
#include "common/verdict.h"
#include "ctl/message.h"

/* The change that array item O stands for; false when it is not one that muster obeys. */
static bool change_read(const struct json_object *o, struct scheduled_change *ret)
{
	const char *state = tree_text(o, "state");

	return state && tree_time(o, "scheduledDate", &ret->at) &&
	       user_state_parse(state, &ret->state) == 0 &&
	       (ret->state == USER_ACTIVATED || ret->state == USER_SUSPENDED);
}

/* What verdict_state_at() needs, of a user in the tree. */
static void account_of(const struct json_object *user, struct account *ret)
{
	struct json_object *list = tree_array(user, "scheduled");
	size_t n = list ? json_object_array_length(list) : 0;
	const char *state = tree_text(user, "state");

	*ret = (struct account){.suspended = tree_true(user, "suspended"), .state = USER_ACTIVATED};
	if (state && user_state_parse(state, &ret->state) < 0)
		ret->state = USER_STATE_NONE;
	for (size_t i = 0; i < n && ret->n_scheduled < ACCOUNT_SCHEDULED_MAX; i++)
		ret->n_scheduled += change_read(json_object_array_get_idx(list, i),
						&ret->scheduled[ret->n_scheduled]);
}

int user_write_state(struct edit *e, struct json_object *user, enum user_state state)
{
	int r = tree_set_text(e, user, "state", user_state_name(state));

	return r < 0 ? r : tree_set_bool(e, user, "suspended", state == USER_SUSPENDED);
}

/* Drops the changes that are due (AHEAD false) or that lie ahead, and, when STATE is not NONE, to STATE only. */
static void drop_changes(struct edit *e, struct json_object *user, bool ahead,
			 enum user_state state)
{
	struct json_object *list = tree_array(user, "scheduled");

	for (size_t i = list ? json_object_array_length(list) : 0; i-- > 0;) {
		struct scheduled_change c;

		if (!change_read(json_object_array_get_idx(list, i), &c) ||
		    (c.at > e->now) != ahead || (state != USER_STATE_NONE && c.state != state))
			continue;
		json_object_array_del_idx(list, i, 1);
		e->changed = true;
	}
	if (list && json_object_array_length(list) == 0)
		tree_unset(e, user, "scheduled");
}

int user_settle(struct edit *e, struct json_object *user)
{
	struct account a;
	enum user_state state;

	account_of(user, &a);
	state = verdict_state_at(&a, e->now);
	drop_changes(e, user, false, USER_STATE_NONE);
	return state == a.state || state == USER_STATE_NONE ? 0 : user_write_state(e, user, state);
}

int user_set_state(struct edit *e, struct json_object *user, enum user_state state)
{
	int r = user_settle(e, user);

	return r < 0 ? r : user_write_state(e, user, state);
}

int user_schedule(struct edit *e, struct json_object *user, enum user_state state, int64_t at)
{
	struct json_object *list, *change;
	int r;

	if (at <= e->now)
		return fault_set(e->fault, -EINVAL, "a scheduled change must lie ahead");
	r = user_settle(e, user);
	if (r < 0)
		return r;
	drop_changes(e, user, true, state);
	list = tree_need_array(e, user, "scheduled");
	if (!list)
		return -ENOMEM;
	if (json_object_array_length(list) >= ACCOUNT_SCHEDULED_MAX)
		return fault_set(e->fault, -EKEYREJECTED, "more than %d scheduled changes",
				 ACCOUNT_SCHEDULED_MAX);
	change = json_object_new_object();
	r = tree_append(e, list, change);
	if (r == 0)
		r = tree_set_text(e, change, "state", user_state_name(state));
	return r < 0 ? r : tree_set_time(e, change, "scheduledDate", at);
}

int user_schedule_cancel(struct edit *e, struct json_object *user)
{
	int r = user_settle(e, user);

	if (r == 0)
		drop_changes(e, user, true, USER_STATE_NONE);
	return r;
}

bool user_next_change(const struct edit *e, const struct json_object *user, enum user_state state,
		      struct scheduled_change *ret)
{
	struct json_object *list = tree_array(user, "scheduled");
	size_t n = list ? json_object_array_length(list) : 0;
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		struct scheduled_change c;

		if (!change_read(json_object_array_get_idx(list, i), &c) || c.at <= e->now ||
		    c.state == state || (found && c.at >= ret->at))
			continue;
		*ret = c;
		found = true;
	}
	return found;
}

int user_expire(struct edit *e, struct json_object *user, int64_t at)
{
	if (at <= e->now)
		return tree_set_bool(e, user, "password_expired", true);

	int r = tree_set_time(e, user, "password_expiration_date", at);

	return r < 0 ? r : tree_set_bool(e, user, "password_never_expires", false);
}

int user_unlock(struct edit *e, struct json_object *user)
{
	tree_unset(e, user, "account_locked_date");
	return tree_set_bool(e, user, "account_locked", false);
}

int user_set_password(struct edit *e, struct json_object *user, const char *hash)
{
	int r = tree_set_text(e, user, "password_hash", hash);

	if (r == 0)
		r = tree_set_time(e, user, "password_date", e->now);
	if (r == 0)
		r = tree_set_bool(e, user, "activated", true);
	if (r == 0)
		r = tree_set_bool(e, user, "password_expired", false);
	if (r < 0)
		return r;
	/* The date was the old password's; a policy that gives new ones is not kept in a document. */
	tree_unset(e, user, "password_expiration_date");
	return user_unlock(e, user);
}

int user_mfa_require(struct edit *e, struct json_object *user)
{
	struct json_object *mfa = tree_need_object(e, user, "mfa");
	int r = mfa ? tree_set_bool(e, mfa, "exclusion", false) : -ENOMEM;

	if (r < 0)
		return r;
	tree_unset(e, mfa, "exclusionUntil");
	tree_unset(e, mfa, "exclusionDays");
	return tree_set_bool(e, user, "enable_user_portal_multifactor", true);
}

int user_mfa_exclude(struct edit *e, struct json_object *user, int64_t until)
{
	struct json_object *mfa = tree_need_object(e, user, "mfa");
	int r = mfa ? tree_set_bool(e, mfa, "exclusion", true) : -ENOMEM;

	if (r < 0)
		return r;
	tree_unset(e, mfa, "exclusionDays");
	if (until != 0)
		return tree_set_time(e, mfa, "exclusionUntil", until);
	tree_unset(e, mfa, "exclusionUntil");
	return 0;
}

int user_mfa_enroll(struct edit *e, struct json_object *user, const char *secret)
{
	struct json_object *mfa;
	int r;

	if (tree_text(user, "totp_secret")) {
		fault_set(e->fault, -EKEYREJECTED, "'%s' has a second factor already",
			  tree_text_or_empty(user, "username"));
		fault_hint(e->fault,
			   "--reset --enroll makes a new one; codes of the old one count no more");
		return -EKEYREJECTED;
	}
	mfa = tree_need_object(e, user, "mfa");
	r = mfa ? tree_set_bool(e, mfa, "configured", true) : -ENOMEM;
	if (r == 0)
		r = tree_set_text(e, user, "totp_secret", secret);
	return r < 0 ? r : tree_set_bool(e, user, "totp_enabled", true);
}

int user_mfa_reset(struct edit *e, struct json_object *user)
{
	struct json_object *mfa = tree_need_object(e, user, "mfa");
	int r = mfa ? tree_set_bool(e, mfa, "configured", false) : -ENOMEM;

	if (r < 0)
		return r;
	tree_unset(e, user, "totp_secret");
	return tree_set_bool(e, user, "totp_enabled", false);
}
