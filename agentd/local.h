/*
 * What this host has of its own: names and ids that the directory may not take (D1, D4), and its shells. Read from
 * the files, never through NSS: we would ask ourselves.
 */
#ifndef AGENTD_LOCAL_H
#define AGENTD_LOCAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

#define LOCAL_ERROR_SIZE 256

struct local;

/*
 * Read ETC/passwd and ETC/group (they must be there), ETC/subuid, ETC/subgid, ETC/login.defs, ETC/shells and
 * ETC/muster/adopted (they need not). A line that is no entry counts as far as it can be read: its name, at least.
 *   ret_error  which file, and why; "" on success
 * 0 or -errno.
 */
int local_load(const char *etc, struct local **ret, char ret_error[static LOCAL_ERROR_SIZE]) MUST_CHECK;
void local_free(struct local *l);
void local_freep(struct local **l);

/* A user's or a group's name, compared without case. */
bool local_name_taken(const struct local *l, const char *name);
bool local_uid_taken(const struct local *l, uint32_t uid);
bool local_gid_taken(const struct local *l, uint32_t gid);
/* Inside a range of /etc/subuid or /etc/subgid, or where login.defs lets new ones be made. */
bool local_id_subordinate(const struct local *l, uint32_t id);
/* Listed in /etc/shells; without that file /bin/sh and /bin/csh are. */
bool local_shell_listed(const struct local *l, const char *shell);

/*
 * A shell that the configuration names, looked at like those of /etc/shells: it counts in local_fingerprint(), too, whether it is
 * there. -ENOMEM.
 */
int local_look_at_shell(struct local *l, const char *shell) MUST_CHECK;
/* SHELL was looked at, and there is no such program; one that is out of sight (ProtectHome of the unit) is not missing. */
bool local_shell_missing(const struct local *l, const char *shell);

/*
 * Look for lines of ETC/shadow that somebody could log in by, and that no name of ETC/passwd or ETC/group goes with; they count in
 * local_fingerprint(), and nothing else of that file does. Apart from local_load(), since it takes root.
 *   ret_error  set on failure alone
 * 0, also when there is no such file, or it is not to be seen; -errno.
 */
int local_look_at_shadow(struct local *l, const char *etc, char ret_error[static LOCAL_ERROR_SIZE]) MUST_CHECK;
/* NAME has such a line. */
bool local_shadow_left(const struct local *l, const char *name);
/* There is the file, and it was not to be seen: EACCES, EPERM. */
bool local_shadow_unseen(const struct local *l);

/* The ids of the local user NAME. -ESRCH. */
int local_user(const struct local *l, const char *name, uint32_t *ret_uid, uint32_t *ret_gid) MUST_CHECK;

/* The gid of the local group NAME, which is taken exactly. -ESRCH. */
int local_group(const struct local *l, const char *name, uint32_t *ret_gid) MUST_CHECK;

/*
 * Why the directory can never take over the local user NAME, in one word: "adopt_system", an account of the system's, by uid or
 * shell; "adopt_uid_shared", another one has the same uid. NULL: it can, or there is no such user.
 */
const char *local_adopt_fault(const struct local *l, const char *name);

#define LOCAL_ADOPTED_LOCKED "locked"
#define LOCAL_ADOPTED_KEPT   "kept"

/* One line "NAME:UID:WHAT" of ETC/muster/adopted, as 'musterctl adopt --apply' left it. */
struct local_adopted {
	const char *name;
	uint32_t uid;
	bool locked; /* WHAT: its password was locked then; kept: it was locked before, or there was none */
};

/* In the order of the file; NULL at the end. */
const struct local_adopted *local_adopted(const struct local *l, size_t place);
/* Was the user NAME taken over, who has the same uid today? */
bool local_is_adopted(const struct local *l, const char *name);

/* Of everything that was read: equal as long as the files say the same. */
uint64_t local_fingerprint(const struct local *l);

#endif
