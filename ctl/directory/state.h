/* What musterctl directory does to the state of a user: as directory/user.h, pure. */
#ifndef CTL_DIRECTORY_STATE_H
#define CTL_DIRECTORY_STATE_H

#include "common/account.h"
#include "ctl/directory/tree.h"

/* STATE is recorded, with the 'suspended' flag that agrees; changes that are due go on to count on top of it. */
int user_write_state(struct edit *e, struct json_object *user, enum user_state state) MUST_CHECK;
/* The state that is in force becomes the recorded one, and what is due is forgotten. */
int user_settle(struct edit *e, struct json_object *user) MUST_CHECK;
/* Now: STATE, with the 'suspended' flag that agrees. Changes that are due are settled first, later ones stay. */
int user_set_state(struct edit *e, struct json_object *user, enum user_state state) MUST_CHECK;
/* At AT, which lies ahead (else -EINVAL), ACTIVATED or SUSPENDED; replaces one to the same state. */
int user_schedule(struct edit *e, struct json_object *user, enum user_state state,
		  int64_t at) MUST_CHECK;
/* Drops what is scheduled ahead. */
int user_schedule_cancel(struct edit *e, struct json_object *user) MUST_CHECK;
/* The next scheduled change away from STATE; false when there is none. */
bool user_next_change(const struct edit *e, const struct json_object *user, enum user_state state,
		      struct scheduled_change *ret);

/* The password expires at AT (now or before: at once). */
int user_expire(struct edit *e, struct json_object *user, int64_t at) MUST_CHECK;
/* Lifts the lock. An expiry stays: only a new password ends that. */
int user_unlock(struct edit *e, struct json_object *user) MUST_CHECK;
/* A new password: HASH of verifier_make(). Ends pending, lock and expiry. */
int user_set_password(struct edit *e, struct json_object *user, const char *hash) MUST_CHECK;

/* The second factor: JumpCloud's fields. Exclusion until UNTIL, 0 = without end. */
int user_mfa_require(struct edit *e, struct json_object *user) MUST_CHECK;
int user_mfa_exclude(struct edit *e, struct json_object *user, int64_t until) MUST_CHECK;
/* SECRET, in base32, is the user's from now on. -EKEYREJECTED: another one is enrolled. */
int user_mfa_enroll(struct edit *e, struct json_object *user, const char *secret) MUST_CHECK;
int user_mfa_reset(struct edit *e, struct json_object *user) MUST_CHECK;

#endif
