/*
 * JumpCloud's user object, with the fields that the document adds (DESIGN.md 5), to struct account.
 */
#ifndef AGENTD_FETCH_USER_H
#define AGENTD_FETCH_USER_H

#include "agentd/fetch/json.h"
#include "common/account.h"

#define USER_TEXT_MAX 255	/* displayname, email, home, shell */
#define USER_KEYS_LEN_MAX 49152 /* all keys of a user: with the rest they fit a record */

/* Reads one user after another; the first members are the caller's, the rest zero. */
struct user_reader {
	/*
	 * Called for what is left out of an account that is taken otherwise: kind "key" or
	 * "password". 0 or -errno, which ends the reading.
	 */
	int (*drop)(void *context, const struct reject *reject);
	void *context;
	/*
	 * The object comes from JumpCloud, which has a key `public_key` beside ssh_keys; what only documents say is not read:
	 * password_hash, totp_secret, home, shell, scheduled.
	 */
	bool api;
	bool passwords_elsewhere; /* struct document_options */
	struct buf keys;
	char gecos[USER_TEXT_MAX + 1];
};
void user_reader_done(struct user_reader *u);

/*
 * The account of the user object N.
 *   ret	Points into N's tree and U: good until either goes on. `bound` is true. id and name are set as far as they are
 *		known, on failure too, else "".
 * Returns 0; -EINVAL the user must be left out, N's fault says why; -ENOMEM; what drop() returned.
 *
 * Absent and null are the same. Absent `state`: SUSPENDED or ACTIVATED, as `suspended` says
 * (JumpCloud before 2021; of an `api` that says neither: USER_STATE_NONE); a word that is no state of ours: USER_STATE_NONE, which denies. Absent
 * `activated`: whether there is a password_hash, or passwords are elsewhere. Absent `allow_public_key`: true.
 */
int user_read(struct user_reader *u, const struct json_node *n, struct account *ret) MUST_CHECK;

/* Adds CHANGE to what is scheduled for A, which has room for it, in order. */
void account_schedule(struct account *a, struct scheduled_change change);

/* `id` or `_id` of a user or group; both must agree. 1, or -EINVAL: id_missing, id_type, id_invalid. */
int object_id_read(const struct json_node *n, const char **ret) MUST_CHECK;

#endif
