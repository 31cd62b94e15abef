/* Steps of world_build(), in their order, and what they share. Each returns 0 or -errno. */
#ifndef AGENTD_WORLD_PRIVATE_H
#define AGENTD_WORLD_PRIVATE_H

#include "agentd/conf.h"
#include "agentd/ledger.h"
#include "agentd/local.h"
#include "agentd/world.h"

int world_read(struct world *w) MUST_CHECK;	      /* records to users and directory groups; fields checked */
int world_give_names(struct world *w) MUST_CHECK;     /* names that are held, doubled, recycled, local */
int world_make_groups(struct world *w) MUST_CHECK;    /* POSIX groups */
int world_make_local(struct world *w) MUST_CHECK;      /* local groups that directory groups carry */
int world_give_uids(struct world *w) MUST_CHECK;
int world_give_gids(struct world *w) MUST_CHECK;      /* and new users into the ledger */
int world_leave(struct world *w) MUST_CHECK;	      /* who left: tombstones and holders */
int world_join_rules(struct world *w) MUST_CHECK;     /* groups that access rules name */
int world_join_members(struct world *w) MUST_CHECK;   /* memberships, sudo */
int world_sort_members(struct world *w) MUST_CHECK;
int world_finish_accounts(struct world *w) MUST_CHECK; /* accounts as they are stored and published */

static inline struct world_dir *world_dir(const struct world *w, uint32_t place)
{
	return (struct world_dir *)(void *)w->dirs.data + place;
}

static inline uint32_t world_n_dirs(const struct world *w)
{
	return (uint32_t)(w->dirs.len / sizeof(struct world_dir));
}

/* The user or directory group with this id, the user with this name, the group; or INDEX_NONE. */
uint32_t world_find_user(const struct world *w, const char *id);
uint32_t world_find_name(const struct world *w, const char *name); /* of those who are WORLD_IN after world_give_names() */
uint32_t world_find_dir(const struct world *w, const char *id);
uint32_t world_find_group(const struct world *w, const char *name);
uint32_t world_find_gid(const struct world *w, uint32_t gid);
int world_add_group(struct world *w, const char *name, uint32_t gid, uint32_t *ret_place) MUST_CHECK;

/* The user at place USER is a supplementary member of the group at GROUP; of the local ones of G. */
int world_add_member(struct world *w, uint32_t group, uint32_t user) MUST_CHECK;
int world_join_local(struct world *w, const struct conf_grant *g, uint32_t user) MUST_CHECK;

/* "range", "local", "subordinate" when ID may not be given on this host as a uid or gid; NULL when it may. */
const char *world_uid_fault(const struct world *w, uint32_t uid);
const char *world_gid_fault(const struct world *w, uint32_t gid);

/* The local user NAME is in the directory's hands, or is to be: agentd/world_adopt.c. */
bool world_adoptable(const struct world *w, const char *name);
/* U, whose name is local, with that user's ids, or left out. */
int world_adopt(struct world *w, struct world_user *u) MUST_CHECK;

/* Is NAME, in any case, one that an administrator named? */
bool world_named(const struct strlist *names, const char *name);

/*
 * May sessions of G, who is not in the directory, still have to be ended? They are found by what is published of G alone: the name is
 * neither forgotten nor given away before a sync has published that he left, and before [accounts] end_grace is over.
 */
bool world_is_leaving(const struct world *w, const struct ledger_user *g);

/* Which access rules fit U. */
void world_give_access(const struct world *w, const struct world_user *u, struct account *a);

/* At time AT something that is published changes by itself. */
void world_note_change(struct world *w, int64_t at);

/*
 * Say why something is left out (kind "user" or "group") or taken otherwise than the directory says (any other kind).
 * Foreign text is escaped here.
 */
struct world_subject {
	const char *kind, *id, *name;
};
int world_reject(struct world *w, const struct world_subject *s, const char *reason, const char *detail, ...)
	PRINTF_LIKE(4, 5) MUST_CHECK;
/* The user U is left out. */
int world_leave_out(struct world *w, struct world_user *u, const char *reason, const char *detail, ...)
	PRINTF_LIKE(4, 5) MUST_CHECK;

#endif
