#include "agentd/guard.h"

#include <errno.h>
#include <string.h>

#include "agentd/cache.h"
#include "agentd/kept.h"
#include "common/names.h"

_Static_assert(CACHE_SYNCS == GUARD_SYNCS - 1, "what the cache keeps is what is asked for");

/* Ids, found by what they are. */
struct ids {
	struct arena strings;
	struct buf all; /* const char * */
	struct index index;
};

struct judge {
	const struct guard_input *in;
	struct stage *stage;
	struct ledger *ledger;
	struct store *cache;
	struct guard *result;
	struct ids listed; /* users in the list, or said to be removed */
	struct ids groups; /* in the list */
	struct ids held;
	bool empty;
	struct buf packed;
};

static void ids_done(struct ids *x)
{
	arena_done(&x->strings);
	buf_done(&x->all);
	index_done(&x->index);
}

static void judge_done(struct judge *j)
{
	ids_done(&j->listed);
	ids_done(&j->groups);
	ids_done(&j->held);
	buf_wipe(&j->packed);
}

static bool ids_have(const struct ids *x, const char *id)
{
	const char *const *all = (const char *const *)(const void *)x->all.data;
	uint32_t hash = hash_string(id);

	for (uint32_t step = 0, i; (i = index_next(&x->index, hash, &step)) != INDEX_NONE;)
		if (!strcmp(all[i], id))
			return true;
	return false;
}

static int ids_add(struct ids *x, const char *id)
{
	const char *copy = arena_string(&x->strings, id);
	uint32_t place = (uint32_t)(x->all.len / sizeof(copy));
	int r = copy ? buf_add(&x->all, &copy, sizeof(copy)) : -ENOMEM;

	return r < 0 ? r : index_add(&x->index, hash_string(copy), place);
}

/* This sync, and those before it, back to the first of GUARD_SYNCS in a row. */
bool guard_confirmed(const struct guard_input *in, int64_t since)
{
	int64_t first = in->before[GUARD_SYNCS - 2];

	return since != 0 && since <= first && in->now - since >= in->hold_s;
}

/* ---- who is in the list */

static int note_account(struct judge *j, const struct stage_walk *s)
{
	const char *id;
	int r = record_account_id(s->record, s->place.len, &id);

	j->empty = false;
	return r < 0 ? r : ids_add(&j->listed, id);
}

/* Left out, but there. */
static int note_reject(struct judge *j, const struct stage_walk *s)
{
	struct reject rejected;
	int r = record_reject_unpack(s->record, s->place.len, &rejected);

	if (r < 0 || strcmp(rejected.kind, "user") != 0)
		return r;
	j->empty = false;
	return ids_add(&j->listed, rejected.id);
}

static int note_removed(struct judge *j, const struct stage_walk *s)
{
	struct membership m;
	const char *id = NULL;
	int r = record_membership_unpack(s->record, s->place.len, &m);

	while (r == 0 && (id = strlist_next(&m.user_ids, id)))
		r = ids_add(&j->listed, id);
	return r;
}

static int note_group(struct judge *j, const struct stage_walk *s)
{
	struct dir_group g;
	int r = record_group_unpack(s->record, s->place.len, &g);

	return r < 0 ? r : ids_add(&j->groups, g.id);
}

static int note(struct judge *j, const struct stage_walk *s)
{
	int kind = record_kind(s->record, s->place.len);

	if (kind == RECORD_ACCOUNT)
		return note_account(j, s);
	if (kind == RECORD_REJECT)
		return note_reject(j, s);
	if (kind == RECORD_REMOVED)
		return note_removed(j, s);
	return kind == RECORD_GROUP ? note_group(j, s) : 0;
}

static int read_list(struct judge *j)
{
	struct stage_walk walk = {.stage = j->stage};
	int r = index_reserve(&j->listed.index, j->stage->n_kind[RECORD_ACCOUNT]);

	j->empty = true;
	while (r == 0 && (r = stage_next(&walk)) > 0) {
		r = note(j, &walk);
		if (r < 0)
			break;
	}
	stage_walk_done(&walk);
	return r == -EBADMSG ? -EPROTO : r;
}

/* ---- who is missing */

static void set_missing(struct ledger_user *u, int64_t since)
{
	if (u->missing_since == since)
		return;
	u->missing_since = since;
	u->changed = true;
}

/* Of those who are missing, the ones whom the directory has not said often enough. */
static int find_missing(struct judge *j)
{
	struct guard *g = j->result;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < ledger_n_users(j->ledger); i++) {
		struct ledger_user *u = ledger_user(j->ledger, i);
		bool listed = ids_have(&j->listed, u->id);

		if (u->dropped || u->removed_at != 0)
			continue;
		g->n_known++;
		if (listed) {
			set_missing(u, 0);
			continue;
		}
		g->n_missing++;
		if (u->missing_since == 0 || u->missing_since > j->in->now) /* a clock was ahead then */
			set_missing(u, j->in->now);
		if (!j->in->accepted && !guard_confirmed(j->in, u->missing_since))
			r = ids_add(&j->held, u->id);
	}
	return r;
}

static int64_t first_end(const struct judge *j)
{
	int64_t first = INT64_MAX;

	for (uint32_t i = 0; i < ledger_n_users(j->ledger); i++) {
		const struct ledger_user *u = ledger_user(j->ledger, i);

		if (u->missing_since && u->missing_since < first && ids_have(&j->held, u->id))
			first = u->missing_since;
	}
	return first + j->in->hold_s;
}

/* ---- who stays */

static int add_record(struct judge *j, const void *record, size_t len)
{
	struct stage_place place;

	return stage_add(j->stage, record, len, &place);
}

/* Is the cache of what was published last? Then whom it lacks was left out here, with not even a name to hold. */
static bool cache_complete(const struct judge *j)
{
	struct cache_meta meta;

	return cache_meta_load(j->cache, &meta) == 0 && meta.generation + 1 >= j->ledger->state.generation;
}

/* What the cache has is finished, and so asks for exactly what was given. One who was left out has nothing to keep. */
static int keep_account(struct judge *j, const char *id)
{
	struct account a;
	int r;

	r = kept_account(j->cache, j->in->published, id, &j->packed);
	if (r == -ESRCH && cache_complete(j)) {
		j->result->n_held++;
		return 0;
	}
	if (r == 0)
		r = record_account_unpack(j->packed.data, j->packed.len, &a);
	if (r < 0)
		return r;
	j->result->n_held++;
	return a.bound ? add_record(j, j->packed.data, j->packed.len) : 0;
}

/* A group that is gone from the list comes back with those of its members who are held. */
static int keep_membership(struct judge *j, const void *record, size_t len)
{
	CLEANUP(buf_done) struct buf ids = {0};
	struct membership m;
	const char *id = NULL;
	uint32_t count = 0;
	int r = record_membership_unpack(record, len, &m);

	while (r == 0 && (id = strlist_next(&m.user_ids, id)))
		if (ids_have(&j->held, id)) {
			r = buf_add(&ids, id, strlen(id) + 1);
			count++;
		}
	if (r < 0 || count == 0)
		return r;
	m.user_ids = (struct strlist){(const char *)ids.data, (uint32_t)ids.len, count};
	j->packed.len = 0;
	r = record_membership_pack(RECORD_MEMBERSHIP, &m, &j->packed);
	return r < 0 ? r : add_record(j, j->packed.data, j->packed.len);
}

static int keep_group(struct judge *j, const void *record, size_t len)
{
	struct dir_group g;
	int r = record_group_unpack(record, len, &g);

	return r < 0 || ids_have(&j->groups, g.id) ? r : add_record(j, record, len);
}

static int keep_record(const void *record, size_t len, void *context)
{
	int kind = record_kind(record, len);

	if (kind == RECORD_MEMBERSHIP)
		return keep_membership(context, record, len);
	return kind == RECORD_GROUP ? keep_group(context, record, len) : 0;
}

static int keep_held(struct judge *j)
{
	const char *const *held = (const char *const *)(const void *)j->held.all.data;
	int r = j->cache->env ? 0 : -ENOENT;

	for (size_t i = 0; r == 0 && i < j->held.all.len / sizeof(*held); i++)
		r = keep_account(j, held[i]);
	if (r == 0)
		r = cache_each_record(j->cache, keep_record, j);
	if (r == -ESRCH)
		r = -ENOENT;
	return r < 0 ? r : stage_flush(j->stage);
}

static int judge(struct judge *j)
{
	int r = read_list(j);

	if (r == 0)
		r = find_missing(j);
	if (r < 0 || !guard_many(j->result->n_known, (uint32_t)(j->held.all.len / sizeof(char *)), j->empty))
		return r;
	j->result->until = first_end(j);
	return keep_held(j);
}

int guard_apply(const struct guard_input *in, struct stage *stage, struct ledger *ledger, struct store *cache,
		struct guard *ret)
{
	CLEANUP(judge_done) struct judge j = {
		.in = in, .stage = stage, .ledger = ledger, .cache = cache, .result = ret,
	};

	*ret = (struct guard){.until = INT64_MAX};
	return judge(&j);
}
