/*
 * The ledger in memory: which ids and names were given to whom. What was given stays given (DESIGN.md 5): files,
 * crontabs and mail go by them long after a user left. No I/O here: agentd/ledger_store.h reads and writes it.
 */
#ifndef AGENTD_LEDGER_H
#define AGENTD_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "agentd/arena.h"
#include "agentd/index.h"
#include "common/clock.h"
#include "common/str.h"

struct ledger_user {
	const char *id; /* directory id: the identity */
	const char *name;
	uint32_t uid, gid;
	bool private_group; /* gid is a group of the user's own, with the user's name */
	int64_t removed_at; /* 0: was there when last seen; LEDGER_FORGOTTEN */
	int64_t missing_since; /* held: not in the directory's list, and not gone yet; 0: is there */
	bool adopted; /* uid and gid are those of a local user, and are given to nobody: as long as that is taken over */
	bool changed;	    /* not yet stored */
	bool dropped;	    /* ledger_drop() */
};

/* As removed_at: an administrator ended the tombstone. */
#define LEDGER_FORGOTTEN 1

/* A POSIX group of the directory. */
struct ledger_group {
	const char *name;
	uint32_t gid;
	bool changed;
};

/* What else outlives a rebuild of the cache. */
struct ledger_state {
	uint64_t generation; /* of the last publish */
	uint64_t serial;     /* the highest of the directory at url_hash */
	uint64_t url_hash;
};

/* All zero is an empty one. Users and groups stay at their place; pointers to them until the next add. */
struct ledger {
	struct ledger_state state;
	struct arena strings;
	struct buf users, groups;
	struct index by_id, by_uid, by_name, by_gid;	 /* users; by_gid those with a private group */
	struct index group_by_name, group_by_gid;
};

void ledger_done(struct ledger *l);

uint32_t ledger_n_users(const struct ledger *l);
uint32_t ledger_n_groups(const struct ledger *l);
struct ledger_user *ledger_user(const struct ledger *l, uint32_t place);
struct ledger_group *ledger_group(const struct ledger *l, uint32_t place);

/* The place, or INDEX_NONE. Names are compared without case. */
uint32_t ledger_find_id(const struct ledger *l, const char *id);
uint32_t ledger_find_uid(const struct ledger *l, uint32_t uid);
uint32_t ledger_find_name(const struct ledger *l, const char *name);
/* The user whose private group GID is. */
uint32_t ledger_find_private(const struct ledger *l, uint32_t gid);
uint32_t ledger_find_group(const struct ledger *l, const char *name);
uint32_t ledger_find_gid(const struct ledger *l, uint32_t gid);

/* Room for N users in all, so that it need not grow on the way. -ENOMEM, -E2BIG. */
int ledger_reserve(struct ledger *l, size_t n) MUST_CHECK;

/*
 * Add a copy of U or G. -EEXIST: its id, name, uid or gid is given already; -EINVAL: not what may be given
 * (object_id_valid(), name_valid(), id_floor_ok(), which no gid of a local user has to be); -ENOMEM.
 */
int ledger_add_user(struct ledger *l, const struct ledger_user *u) MUST_CHECK;
int ledger_add_group(struct ledger *l, const struct ledger_group *g) MUST_CHECK;

/* Take back all that was given to the user at PLACE: found by nothing from now on, and not stored any more. */
void ledger_drop(struct ledger *l, uint32_t place);

/* Of a directory's URL: a serial counts only for the directory that gave it. */
uint64_t ledger_url_hash(const char *url);

#endif
