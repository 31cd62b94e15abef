/*
 * What musterctl directory does to users: pure functions on the tree of a document. All return 0, or
 * -errno with e->fault filled: -ESRCH no such user, -EEXIST taken, -EKEYREJECTED refused by a rule,
 * -EINVAL a value that cannot be, -ENOMEM. A failed edit may have changed the tree: drop it.
 */
#ifndef CTL_DIRECTORY_USER_H
#define CTL_DIRECTORY_USER_H

#include "common/account.h"
#include "ctl/command.h"
#include "ctl/directory/tree.h"

#define OBJECT_ID_SIZE 25 /* 24 hex digits, as JumpCloud's */

/* What add and set were told; NULL: not given. */
struct user_fields {
	const char *username, *displayname, *email, *uid, *gid, *sudo, *shell, *home;
	struct option_list keys; /* texts of one public key each */
	bool no_keys;            /* drop the keys that are there first */
};

/* A new directory object id. -EIO: no randomness. */
int object_id_make(char out[static OBJECT_ID_SIZE]) MUST_CHECK;

/* The local name of a user: systemUsername when set, else username; NULL when there is none. */
const char *user_local_name(const struct json_object *user);
const char *user_id(const struct json_object *user);
struct json_object *user_by_id(const struct edit *e, const char *id);

/* The user called NAME (username, systemUsername or id, exactly). Two that match: -EKEYREJECTED. */
int user_find(struct edit *e, const char *name, struct json_object **ret) MUST_CHECK;

/* A new user in STATE without a password. */
int user_add(struct edit *e, const char *name, enum user_state state, const struct user_fields *f,
	     struct json_object **ret) MUST_CHECK;
int user_set(struct edit *e, struct json_object *user, const struct user_fields *f) MUST_CHECK;
/* Also takes the user out of groups and bindings, and names the id in "removed". */
int user_delete(struct edit *e, struct json_object *user) MUST_CHECK;

/* "yes" or "", "nopasswd", "no": what follows --sudo. -EINVAL. */
int sudo_parse(struct edit *e, const char *word, bool *ret_sudo, bool *ret_nopasswd) MUST_CHECK;

/* May NAME, or the id of key "unix_uid" or "unix_guid", be given at all: rules, and this computer. */
int name_check_rules(struct edit *e, const char *name) MUST_CHECK;
int unix_id_check_rules(struct edit *e, const char *key, int64_t id) MUST_CHECK;

/* Also free in the directory, for a new user or group, or for the user with OWN_ID. */
int name_check_free(struct edit *e, const char *name, const char *own_id) MUST_CHECK;

#endif
