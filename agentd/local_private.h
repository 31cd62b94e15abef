/* What local.c reads, and local_shell.c and local_shadow.c look at. */
#ifndef AGENTD_LOCAL_PRIVATE_H
#define AGENTD_LOCAL_PRIVATE_H

#include "agentd/local.h"
#include "common/str.h"

#define FILE_LIMIT (64 << 20)

/* Each file's text stays: the tables point into it. */
enum file {
	FILE_PASSWD,
	FILE_GROUP,
	FILE_SUBUID,
	FILE_SUBGID,
	FILE_LOGIN_DEFS,
	FILE_SHELLS,
	FILE_ADOPTED,
	N_FILES,
};

struct local {
	struct buf text[N_FILES];
	struct buf users;  /* struct entry, in the order of the file; no lines of NIS */
	struct buf groups; /* the same */
	struct buf names;  /* const char *: users and groups, sorted without case */
	struct buf uids;   /* uint32_t, sorted */
	struct buf gids;
	struct buf ranges; /* struct range */
	struct buf shells; /* strings with their NUL */
	struct buf missing; /* the same: shells that cannot be run */
	struct buf adopted; /* struct local_adopted */
	struct buf shadow_left; /* strings with their NUL: names */
	bool shadow_unseen;
	uint32_t uid_min;
	uint64_t fingerprint;
};

/* local_look_at_shell() for those of /etc/shells. */
int local_look_at_shells(struct local *l) MUST_CHECK;

/* Is WANTED one of STRINGS, each with its NUL? */
bool local_has_string(const struct buf *strings, const char *wanted);

#endif
