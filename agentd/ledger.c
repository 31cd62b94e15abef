#include "agentd/ledger.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/names.h"

void ledger_done(struct ledger *l)
{
	arena_done(&l->strings);
	buf_done(&l->users);
	buf_done(&l->groups);
	index_done(&l->by_id);
	index_done(&l->by_uid);
	index_done(&l->by_name);
	index_done(&l->by_gid);
	index_done(&l->group_by_name);
	index_done(&l->group_by_gid);
	*l = (struct ledger){0};
}

uint32_t ledger_n_users(const struct ledger *l)
{
	return (uint32_t)(l->users.len / sizeof(struct ledger_user));
}

uint32_t ledger_n_groups(const struct ledger *l)
{
	return (uint32_t)(l->groups.len / sizeof(struct ledger_group));
}

struct ledger_user *ledger_user(const struct ledger *l, uint32_t place)
{
	return (struct ledger_user *)(void *)l->users.data + place;
}

struct ledger_group *ledger_group(const struct ledger *l, uint32_t place)
{
	return (struct ledger_group *)(void *)l->groups.data + place;
}

uint32_t ledger_find_id(const struct ledger *l, const char *id)
{
	uint32_t hash = hash_string(id);

	for (uint32_t step = 0, i; (i = index_next(&l->by_id, hash, &step)) != INDEX_NONE;)
		if (!ledger_user(l, i)->dropped && !strcmp(ledger_user(l, i)->id, id))
			return i;
	return INDEX_NONE;
}

uint32_t ledger_find_uid(const struct ledger *l, uint32_t uid)
{
	uint32_t hash = hash_number(uid);

	for (uint32_t step = 0, i; (i = index_next(&l->by_uid, hash, &step)) != INDEX_NONE;)
		if (!ledger_user(l, i)->dropped && ledger_user(l, i)->uid == uid)
			return i;
	return INDEX_NONE;
}

uint32_t ledger_find_name(const struct ledger *l, const char *name)
{
	uint32_t hash = hash_name(name);

	for (uint32_t step = 0, i; (i = index_next(&l->by_name, hash, &step)) != INDEX_NONE;)
		if (!ledger_user(l, i)->dropped && !strcasecmp(ledger_user(l, i)->name, name))
			return i;
	return INDEX_NONE;
}

uint32_t ledger_find_private(const struct ledger *l, uint32_t gid)
{
	uint32_t hash = hash_number(gid);

	for (uint32_t step = 0, i; (i = index_next(&l->by_gid, hash, &step)) != INDEX_NONE;)
		if (!ledger_user(l, i)->dropped && ledger_user(l, i)->gid == gid)
			return i;
	return INDEX_NONE;
}

uint32_t ledger_find_group(const struct ledger *l, const char *name)
{
	uint32_t hash = hash_name(name);

	for (uint32_t step = 0, i; (i = index_next(&l->group_by_name, hash, &step)) != INDEX_NONE;)
		if (!strcasecmp(ledger_group(l, i)->name, name))
			return i;
	return INDEX_NONE;
}

uint32_t ledger_find_gid(const struct ledger *l, uint32_t gid)
{
	uint32_t hash = hash_number(gid);

	for (uint32_t step = 0, i; (i = index_next(&l->group_by_gid, hash, &step)) != INDEX_NONE;)
		if (ledger_group(l, i)->gid == gid)
			return i;
	return INDEX_NONE;
}

static bool user_clashes(const struct ledger *l, const struct ledger_user *u)
{
	if (ledger_find_id(l, u->id) != INDEX_NONE || ledger_find_uid(l, u->uid) != INDEX_NONE ||
	    ledger_find_name(l, u->name) != INDEX_NONE)
		return true;
	return u->private_group && ledger_find_private(l, u->gid) != INDEX_NONE;
}

int ledger_reserve(struct ledger *l, size_t n)
{
	struct index *const indexes[] = {&l->by_id, &l->by_uid, &l->by_name, &l->by_gid};
	int r = n < INDEX_NONE ? buf_reserve(&l->users, n * sizeof(struct ledger_user)) : -E2BIG;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(indexes); i++)
		r = index_reserve(indexes[i], (uint32_t)n);
	return r;
}

int ledger_add_user(struct ledger *l, const struct ledger_user *u)
{
	struct ledger_user copy = *u;
	uint32_t place = ledger_n_users(l);
	int r;

	if (!object_id_valid(u->id) || !name_valid(u->name) || !id_floor_ok(u->uid) ||
	    (!u->adopted && !id_floor_ok(u->gid)))
		return -EINVAL;
	if (user_clashes(l, u))
		return -EEXIST;
	copy.id = arena_string(&l->strings, u->id);
	copy.name = arena_string(&l->strings, u->name);
	if (!copy.id || !copy.name)
		return -ENOMEM;
	r = buf_add(&l->users, &copy, sizeof(copy));
	if (r == 0)
		r = index_add(&l->by_id, hash_string(copy.id), place);
	if (r == 0)
		r = index_add(&l->by_uid, hash_number(copy.uid), place);
	if (r == 0)
		r = index_add(&l->by_name, hash_name(copy.name), place);
	if (r == 0 && copy.private_group)
		r = index_add(&l->by_gid, hash_number(copy.gid), place);
	return r;
}

int ledger_add_group(struct ledger *l, const struct ledger_group *g)
{
	struct ledger_group copy = *g;
	uint32_t place = ledger_n_groups(l);
	int r;

	if (!name_valid(g->name) || !id_floor_ok(g->gid))
		return -EINVAL;
	if (ledger_find_group(l, g->name) != INDEX_NONE || ledger_find_gid(l, g->gid) != INDEX_NONE)
		return -EEXIST;
	copy.name = arena_string(&l->strings, g->name);
	if (!copy.name)
		return -ENOMEM;
	r = buf_add(&l->groups, &copy, sizeof(copy));
	if (r == 0)
		r = index_add(&l->group_by_name, hash_name(copy.name), place);
	if (r == 0)
		r = index_add(&l->group_by_gid, hash_number(copy.gid), place);
	return r;
}

void ledger_drop(struct ledger *l, uint32_t place)
{
	ledger_user(l, place)->dropped = ledger_user(l, place)->changed = true;
}

uint64_t ledger_url_hash(const char *url)
{
	return XXH3_64bits(url, strlen(url));
}
