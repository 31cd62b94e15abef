/*
 * Names, uids and gids. What the ledger gave stays, whatever the directory says today; who is new gets what the directory
 * asks for when that is valid and free, else a number from a hash. Users are looked at in the order of their ids,
 * so that of two who collide the greater is left out, on every host the same one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agentd/world_private.h"
#include "common/names.h"

static struct world_subject subject(const char *kind, const struct world_user *u)
{
	return (struct world_subject){kind, u->id, u->name};
}

static bool is_new(const struct world_user *u)
{
	return u->fate == WORLD_IN && u->given == INDEX_NONE;
}

static int keep_name(struct world *w, struct world_user *u)
{
	const struct ledger_user *given = ledger_user(w->ledger, u->given);
	struct world_subject s = subject("name", u);
	int r = 0;

	if (strcmp(u->name, given->name) != 0)
		r = world_reject(w, &s, "name_changed", "was '%s' here and stays so", given->name);
	u->name = given->name;
	return r;
}

/* A new user may not have a name that somebody had before: crontabs, mail and /etc/group go by names. */
static int check_new_name(struct world *w, struct world_user *u)
{
	uint32_t owner = ledger_find_name(w->ledger, u->name), present;

	if (ledger_find_group(w->ledger, u->name) != INDEX_NONE)
		return world_leave_out(w, u, "name_group", "a group has this name");
	if (owner == INDEX_NONE)
		return 0;
	present = world_find_user(w, ledger_user(w->ledger, owner)->id);
	if (present != INDEX_NONE && world_user(w, present)->fate != WORLD_GONE)
		return world_leave_out(w, u, "name_duplicate", "%s has it already",
				       ledger_user(w->ledger, owner)->id);
	if (world_named(&w->in.accept, u->name) && !world_is_leaving(w, ledger_user(w->ledger, owner))) {
		ledger_drop(w->ledger, owner);
		return 0;
	}
	return world_leave_out(w, u, "name_recycled", "it was %s's; 'musterctl accept %s' gives it to this one",
			       ledger_user(w->ledger, owner)->id, u->name);
}

/* What the ledger noted of a local user ends when he is taken over no longer: he never got an id of ours. */
static uint32_t find_given(struct world *w, const char *id)
{
	uint32_t place = ledger_find_id(w->ledger, id);

	if (place == INDEX_NONE || !ledger_user(w->ledger, place)->adopted ||
	    world_adoptable(w, ledger_user(w->ledger, place)->name))
		return place;
	ledger_drop(w->ledger, place);
	return INDEX_NONE;
}

static int give_name(struct world *w, struct world_user *u)
{
	int r;

	u->given = find_given(w, u->id);
	if (u->fate != WORLD_IN)
		return 0;
	r = u->given == INDEX_NONE ? check_new_name(w, u) : keep_name(w, u);
	if (r < 0 || u->fate != WORLD_IN)
		return r;
	if (local_name_taken(w->in.local, u->name))
		return world_adopt(w, u);
	if (local_shadow_left(w->in.local, u->name))
		return world_leave_out(w, u, "shadow_left",
				       "/etc/shadow has a password for this name, and /etc/passwd no such user");
	return name_reserved(u->name) ? world_leave_out(w, u, "name_reserved", "a name of the system") : 0;
}

/* Does another one, new as U, ask for its name? */
static bool name_doubled(const struct world *w, const struct world_user *u)
{
	uint32_t hash = hash_name(u->name);

	for (uint32_t step = 0, i; (i = index_next(&w->by_name, hash, &step)) != INDEX_NONE;)
		if (world_user(w, i) != u && !strcasecmp(world_user(w, i)->name, u->name))
			return true;
	return false;
}

/* Then nobody is left out for what it may say: more is lost when nobody is synced. */
static int check_shadow(struct world *w)
{
	if (!local_shadow_unseen(w->in.local))
		return 0;
	return world_reject(w, &(struct world_subject){"local_file", "", "/etc/shadow"}, "shadow_unseen",
			    "musterd may not read it: whose password was left over there is not known");
}

int world_give_names(struct world *w)
{
	uint32_t n = world_n_users(w);
	int r = index_reserve(&w->by_name, n);

	if (r == 0)
		r = check_shadow(w);
	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = give_name(w, world_user(w, i));
	for (uint32_t i = 0; r == 0 && i < n; i++)
		if (world_user(w, i)->fate == WORLD_IN)
			r = index_add(&w->by_name, hash_name(world_user(w, i)->name), i);
	for (uint32_t i = 0; r == 0 && i < n; i++)
		if (is_new(world_user(w, i)) && name_doubled(w, world_user(w, i)))
			r = world_leave_out(w, world_user(w, i), "name_duplicate",
					    "more than one asks for this name");
	return r;
}

/* What the ledger gave still has to be allowed: a local user may have come in between, or another range. */
static int keep_uid(struct world *w, struct world_user *u)
{
	struct world_subject s = subject("uid", u);
	const char *fault;
	char reason[32];

	u->uid = ledger_user(w->ledger, u->given)->uid;
	fault = world_uid_fault(w, u->uid);
	if (fault) {
		snprintf(reason, sizeof(reason), "uid_%s", fault);
		return world_leave_out(w, u, reason, "its uid here, %u, is not free any more", u->uid);
	}
	if (u->want_uid && u->want_uid != u->uid)
		return world_reject(w, &s, "uid_changed", "the directory says %u, it stays %u", u->want_uid,
				    u->uid);
	return 0;
}

static int choose_uid(struct world *w, struct world_user *u)
{
	struct world_subject s = subject("uid", u);
	const char *fault = u->want_uid ? world_uid_fault(w, u->want_uid) : NULL;
	char reason[32];
	int r;

	u->uid = u->want_uid;
	if (u->want_uid && !fault)
		return 0;
	u->uid = id_from_hash(u->id);
	if (fault) {
		snprintf(reason, sizeof(reason), "uid_%s", fault);
		r = world_reject(w, &s, reason, "the directory says %u, here it is %u", u->want_uid, u->uid);
		if (r < 0)
			return r;
	}
	fault = world_uid_fault(w, u->uid);
	if (!fault)
		return 0;
	snprintf(reason, sizeof(reason), "uid_%s", fault);
	return world_leave_out(w, u, reason, "its uid by hash, %u, may not be given", u->uid);
}

static bool uid_taken(const struct world *w, const struct index *taken, uint32_t uid)
{
	uint32_t hash = hash_number(uid);

	if (ledger_find_uid(w->ledger, uid) != INDEX_NONE)
		return true;
	for (uint32_t step = 0, i; (i = index_next(taken, hash, &step)) != INDEX_NONE;)
		if (world_user(w, i)->uid == uid)
			return true;
	return false;
}

static int give_uid(struct world *w, struct index *taken, uint32_t place)
{
	struct world_user *u = world_user(w, place);
	int r;

	if (u->fate != WORLD_IN || u->adopted)
		return 0;
	if (u->given != INDEX_NONE)
		return keep_uid(w, u);
	r = choose_uid(w, u);
	if (r < 0 || u->fate != WORLD_IN)
		return r;
	if (uid_taken(w, taken, u->uid))
		return world_leave_out(w, u, "id_collision", "uid %u is somebody else's", u->uid);
	return index_add(taken, hash_number(u->uid), place);
}

int world_give_uids(struct world *w)
{
	CLEANUP(index_done) struct index taken = {0}; /* by new users */
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < world_n_users(w); i++)
		r = give_uid(w, &taken, i);
	return r;
}

/* Who is new and asks for GID, U apart? */
static bool gid_asked(const struct world *w, uint32_t gid, const struct world_user *u)
{
	uint32_t hash = hash_number(gid);

	for (uint32_t step = 0, i; (i = index_next(&w->by_gid, hash, &step)) != INDEX_NONE;)
		if (world_user(w, i) != u && world_user(w, i)->want_gid == gid)
			return true;
	return false;
}

/* A primary group of which only the ledger knows today: its members keep it. */
static int revive_group(struct world *w, struct world_user *u, const struct ledger_group *g)
{
	uint32_t place;
	int r;

	if (local_name_taken(w->in.local, g->name) || world_find_group(w, g->name) != INDEX_NONE)
		return world_leave_out(w, u, "gid_local", "its group's name is taken, gid %u", u->gid);
	r = world_add_group(w, g->name, g->gid, &place);
	if (r == 0)
		world_group(w, place)->revived = true;
	return r;
}

static int keep_gid(struct world *w, struct world_user *u)
{
	const struct ledger_user *given = ledger_user(w->ledger, u->given);
	struct world_subject s = subject("gid", u);
	const char *fault = world_gid_fault(w, given->gid);
	uint32_t group = ledger_find_gid(w->ledger, given->gid);
	char reason[32];
	int r;

	u->gid = given->gid;
	if (fault) {
		snprintf(reason, sizeof(reason), "gid_%s", fault);
		return world_leave_out(w, u, reason, "its gid here, %u, is not free any more", u->gid);
	}
	if (u->want_gid && u->want_gid != u->gid) {
		r = world_reject(w, &s, "gid_changed", "the directory says %u, it stays %u", u->want_gid,
				 u->gid);
		if (r < 0)
			return r;
	}
	if (world_find_gid(w, u->gid) != INDEX_NONE)
		return 0;
	if (group != INDEX_NONE)
		return revive_group(w, u, ledger_group(w->ledger, group));
	u->private_group = given->private_group;
	return u->private_group ? 0 : world_leave_out(w, u, "gid_shared", "no group has gid %u", u->gid);
}

/* May GID be the private group of U, who did not ask for it? */
static bool gid_free(const struct world *w, const struct world_user *u, uint32_t gid)
{
	return !world_gid_fault(w, gid) && world_find_gid(w, gid) == INDEX_NONE &&
	       ledger_find_gid(w->ledger, gid) == INDEX_NONE &&
	       ledger_find_private(w->ledger, gid) == INDEX_NONE && !gid_asked(w, gid, u);
}

static int choose_own_gid(struct world *w, struct world_user *u)
{
	u->private_group = true;
	u->gid = u->uid;
	if (gid_free(w, u, u->gid))
		return 0;
	u->gid = id_from_hash(u->id);
	if (gid_free(w, u, u->gid))
		return 0;
	return world_leave_out(w, u, "id_collision", "gid %u is somebody else's", u->gid);
}

static int choose_gid(struct world *w, struct world_user *u)
{
	struct world_subject s = subject("gid", u);
	uint32_t group = world_find_gid(w, u->want_gid);
	const char *fault;
	char reason[32];
	int r;

	u->gid = u->want_gid;
	if (!u->want_gid)
		return choose_own_gid(w, u);
	if (group != INDEX_NONE && !world_group(w, group)->revived)
		return 0;
	fault = world_gid_fault(w, u->gid);
	if (fault) {
		r = choose_own_gid(w, u);
		snprintf(reason, sizeof(reason), "gid_%s", fault);
		if (r < 0 || u->fate != WORLD_IN)
			return r;
		return world_reject(w, &s, reason, "the directory says %u, here it is %u", u->want_gid,
				    u->gid);
	}
	if (ledger_find_gid(w->ledger, u->gid) != INDEX_NONE ||
	    ledger_find_private(w->ledger, u->gid) != INDEX_NONE || gid_asked(w, u->gid, u))
		return world_leave_out(w, u, "gid_shared",
				       "gid %u is another's too, and no group of the directory", u->gid);
	u->private_group = true;
	return 0;
}

static int give_gid(struct world *w, struct world_user *u)
{
	int r;

	if (u->fate != WORLD_IN)
		return 0;
	if (u->given != INDEX_NONE)
		return u->adopted ? 0 : keep_gid(w, u);
	r = u->adopted ? 0 : choose_gid(w, u);
	if (r < 0 || u->fate != WORLD_IN)
		return r;
	r = ledger_add_user(w->ledger, &(struct ledger_user){.id = u->id,
							     .name = u->name,
							     .uid = u->uid,
							     .gid = u->gid,
							     .private_group = u->private_group,
							     .adopted = u->adopted,
							     .changed = true});
	if (r == -EEXIST) /* every clash was looked for; should one be left, nobody gets the same twice */
		return world_leave_out(w, u, "id_collision", "given to somebody else already");
	u->given = ledger_n_users(w->ledger) - 1;
	return r;
}

int world_give_gids(struct world *w)
{
	uint32_t n = world_n_users(w);
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n; i++)
		if (is_new(world_user(w, i)) && world_user(w, i)->want_gid)
			r = index_add(&w->by_gid, hash_number(world_user(w, i)->want_gid), i);
	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = give_gid(w, world_user(w, i));
	return r;
}
