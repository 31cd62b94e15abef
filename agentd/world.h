/*
 * The world as this host shall see it: what the directory sent, checked again field by field (D1-D6), with the ids and names
 * that the ledger has given or now gives, the groups, private groups and sudo groups that follow, and what was left
 * out and why. Pure: no file, no clock, no log; it changes the ledger in memory, and whoever saves that decides.
 *
 * One bad user or group is left out alone. Only what a working muster-fetch never sends fails the whole: -EPROTO.
 */
#ifndef AGENTD_WORLD_H
#define AGENTD_WORLD_H

#include "agentd/arena.h"
#include "agentd/index.h"
#include "agentd/stage.h"

struct conf;
struct ledger;
struct local;

/* What it is made of; all stay the caller's. */
struct world_input {
	const struct conf *conf;
	const struct local *local;
	const struct stage *stage; /* records as fetched */
	int64_t now;		   /* trusted time */
	bool remote;		   /* what it says can grow old: leases count */
	struct strlist accept;	   /* names that may go to a new directory id, when their owner left */
	struct strlist forget;	   /* names whose tombstone ends */
	bool other_rules;	   /* of [access] than the accounts in the cache were made with: these are not to be compared */
};

enum world_fate {
	WORLD_OUT = 0, /* in the directory, but left out */
	WORLD_IN,
	WORLD_GONE, /* named as removed */
	WORLD_HOLDER, /* keeps name, uid and gid of one who left or was left out; may not log in */
};

struct world_user {
	const char *id, *name;
	struct stage_place place; /* of the fetched record; of the finished one when the world is built */
	uint32_t want_uid, want_gid;
	uint32_t uid, gid;
	uint32_t given; /* place in the ledger, or INDEX_NONE */
	uint32_t rank;	/* among all published users, by name */
	uint32_t n_memberships;
	enum world_fate fate;
	bool private_group; /* gid is a group of its own, with the user's name */
	bool adopted;	    /* a local user's name, uid and gid: in pam.snapshot alone */
	bool pending;	    /* but 'musterctl adopt --apply' has not been there yet: it has no rights from us */
	bool sudo, sudo_nopasswd;
	uint32_t shell;	/* line of [shells], or CONF_SHELL_NONE */
	bool has_lease; /* of a group that is named in [lease] */
	int64_t lease_s;
	uint64_t access; /* rules of [access] that name a group of his, bit by bit */
};

/* A group of the directory. */
struct world_dir {
	const char *id;
	struct stage_place place; /* of the fetched record */
	bool left_out, sudo, sudo_nopasswd;
	const struct conf_lease *lease; /* NULL: none of its own */
	const struct conf_grant *grant; /* NULL: it carries no local group */
	const char *rule_name;		/* NULL: no access rule names it */
	uint64_t access;
	uint32_t shell;			/* line of [shells], or CONF_SHELL_NONE */
	uint32_t n_groups;
	uint32_t groups[GROUP_POSIX_MAX]; /* places in world.groups */
};

/*
 * A group of this host: POSIX groups of the directory, then local ones that they carry, then those primary groups that only the
 * ledger knows, then the two of sudo.
 */
struct world_group {
	const char *name;
	uint32_t gid;
	bool revived; /* only the ledger knows it today */
	bool local;   /* of /etc/group: its members are added to those it has there */
	uint32_t first_member, n_members; /* in world.members */
};

/* A local group that the configuration names. */
struct world_local {
	const char *name;
	uint32_t group; /* place in world.groups, or INDEX_NONE: it gives nothing */
};

/* Supplementary membership of one user; sorted by group and the user's name once the world is built. */
struct world_member {
	uint32_t group, user;
};

#define WORLD_METHODS_MAX 16
#define WORLD_METHOD_SIZE 64

/* How many users have a verifier of one method and cost. */
struct world_method {
	char example[WORLD_METHOD_SIZE * 2];
	size_t cost_len; /* the part of it that says method and cost */
	uint32_t users;
};

struct world {
	struct world_input in;
	struct ledger *ledger;
	struct arena strings;
	struct stage out;	  /* finished records: accounts by id, groups, memberships, lockout, rejects */
	struct buf users;	  /* struct world_user; those of the directory first, sorted by id */
	struct buf order;	  /* uint32_t: places of published users, sorted by id */
	struct buf dirs;	  /* struct world_dir */
	struct buf groups;	  /* struct world_group */
	struct buf members;	  /* struct world_member */
	struct buf locals;	  /* struct world_local */
	struct buf user_groups;	  /* uint32_t: places of supplementary groups, user by user */
	struct buf first_groups;  /* uint32_t: of each user, where they begin; one more at the end */
	struct buf removed;	  /* const char *: ids */
	struct index by_id, by_name, by_gid; /* users; by_gid: new ones who ask for a gid */
	struct index dir_by_id, group_by_name, group_by_gid;
	struct world_method methods[WORLD_METHODS_MAX];
	struct lockout_policy lockout;
	bool has_lockout;
	bool totp_wanted;                /* of somebody: struct policy */
	uint64_t access_unknown; /* rules of [access] that name a group which the directory does not have */
	uint32_t n_accounts, n_rejected; /* users who may exist; users and groups that may not */
	int64_t next_change_at; /* when time alone changes what is published; INT64_MAX: never */
};

/* Build it. -EPROTO; -ENOMEM; -errno of the stages. After any result free with world_done(). */
int world_build(struct world *w, const struct world_input *in, struct ledger *ledger) MUST_CHECK;
void world_done(struct world *w);

/* Give back what only the snapshots are made from, groups and members, and what finds users: before the cache takes its share. */
void world_trim(struct world *w);

/*
 * Did each name of in.accept go to a user who is here now, and each of in.forget to nobody? NULL, or the first one that did
 * not: in *RET_WHY why.
 */
const char *world_refused(const struct world *w, const char **ret_why);

static inline uint32_t world_n_users(const struct world *w)
{
	return (uint32_t)(w->users.len / sizeof(struct world_user));
}

static inline struct world_user *world_user(const struct world *w, uint32_t place)
{
	return (struct world_user *)(void *)w->users.data + place;
}

static inline uint32_t world_n_groups(const struct world *w)
{
	return (uint32_t)(w->groups.len / sizeof(struct world_group));
}

static inline struct world_group *world_group(const struct world *w, uint32_t place)
{
	return (struct world_group *)(void *)w->groups.data + place;
}

/* Places of supplementary groups of the user at PLACE. */
const uint32_t *world_user_groups(const struct world *w, uint32_t place, uint32_t *ret_n);

/* The verifier most like those of the users, of nobody's password: for names that are unknown. -ENOMEM, -EIO. */
int world_dummy_hash(const struct world *w, char **ret) MUST_CHECK;

#endif
