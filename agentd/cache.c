#include "agentd/cache.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/verdict.h"

enum {
	DB_ACCOUNTS,
	DB_RECORDS,
	DB_META,
};
const char *const cache_dbs[] = {"accounts", "records", "meta", NULL};

struct stored_meta {
	uint64_t version, fingerprint, inputs, rules, generation, next_change_at, confirmed_at;
	uint64_t synced_at[CACHE_SYNCS];
	uint64_t records_hash; /* of all that is in "records" */
	char validator[VALIDATOR_SIZE];
};
#define VERSION 3

/* One step of a walk over stored and new accounts side by side, both sorted by id. */
struct step {
	MDB_txn *txn;
	MDB_cursor *cursor;
	MDB_dbi dbi;
	const struct world *world;
	bool at_end;	    /* of the stored ones */
	MDB_val key, old;   /* the stored one; old is empty when there is none */
	const struct world_user *user;
	struct buf now;	    /* the new one's record; empty when there is none */
	void *context;
};
typedef int step_fn(struct step *s);

static int next_stored(struct step *s)
{
	int r = mdb_cursor_get(s->cursor, &s->key, &s->old, MDB_NEXT);

	if (r == MDB_NOTFOUND)
		s->at_end = true;
	return s->at_end ? 0 : r;
}

static int compare_key(const struct step *s, const char *id)
{
	size_t len = strlen(id), least = len < s->key.mv_size ? len : s->key.mv_size;
	int r = memcmp(s->key.mv_data, id, least);

	return r ? r : (s->key.mv_size > len) - (s->key.mv_size < len);
}

/* Call FN for each stored account below the new one's id, which has no new record. */
static int pass_gone(struct step *s, const char *id, step_fn *fn)
{
	int r = 0;

	s->now.len = 0;
	s->user = NULL;
	while (r == 0 && !s->at_end && (!id || compare_key(s, id) < 0)) {
		r = fn(s);
		if (r == 0)
			r = next_stored(s);
	}
	return r;
}

static int pass_user(struct step *s, const struct world_user *u, step_fn *fn)
{
	bool same = !s->at_end && compare_key(s, u->id) == 0;
	MDB_val stored = s->old;
	int r = stage_get(&s->world->out, u->place, &s->now);

	if (r < 0)
		return r;
	s->user = u;
	if (!same)
		s->old = (MDB_val){0, NULL};
	r = fn(s);
	if (r != 0 || same)
		return r != 0 ? r : next_stored(s);
	s->old = stored;
	/* what was written may have moved it within its page */
	return s->at_end ? 0 : mdb_cursor_get(s->cursor, &s->key, &s->old, MDB_GET_CURRENT);
}

static int walk(MDB_txn *txn, MDB_dbi dbi, const struct world *w, step_fn *fn, void *context)
{
	const uint32_t *order = (const uint32_t *)(const void *)w->order.data;
	struct step s = {.txn = txn, .dbi = dbi, .world = w, .context = context};
	int r = mdb_cursor_open(txn, dbi, &s.cursor);

	if (r != 0)
		return r;
	r = next_stored(&s);
	for (size_t i = 0; r == 0 && i < w->order.len / sizeof(*order); i++) {
		const struct world_user *u = world_user(w, order[i]);

		r = pass_gone(&s, u->id, fn);
		if (r == 0)
			r = pass_user(&s, u, fn);
	}
	if (r == 0)
		r = pass_gone(&s, NULL, fn);
	mdb_cursor_close(s.cursor);
	buf_wipe(&s.now);
	return r;
}

static bool unchanged(const struct step *s)
{
	return s->old.mv_size == s->now.len && !memcmp(s->old.mv_data, s->now.data, s->now.len);
}

static int count_step(struct step *s)
{
	struct cache_diff *diff = s->context;
	struct account before, after;

	if (!s->old.mv_data) {
		diff->n_new++;
		return 0;
	}
	if (unchanged(s))
		return 0;
	if (record_account_unpack(s->old.mv_data, s->old.mv_size, &before) < 0)
		return -EBADMSG;
	if (s->user) {
		diff->n_changed++;
		if (record_account_unpack(s->now.data, s->now.len, &after) < 0)
			return -EBADMSG;
		if (s->world->in.other_rules) {
			before.access_allow = after.access_allow;
			before.access_deny = after.access_deny;
		}
	} else {
		diff->n_gone++;
	}
	if (verdict_worse(&before, s->user ? &after : NULL, s->world->in.now))
		diff->n_worse++;
	return 0;
}

struct compare {
	const struct world *world;
	struct cache_diff *diff;
};

static int compare(struct store *s, MDB_txn *txn, void *context)
{
	const struct compare *c = context;

	return walk(txn, s->dbi[DB_ACCOUNTS], c->world, count_step, c->diff);
}

int cache_compare(struct store *s, const struct world *w, struct cache_diff *ret)
{
	struct cache_diff diff = {0};
	int r = store_read(s, compare, &(struct compare){w, &diff});

	if (r == 0)
		*ret = diff;
	return r;
}

static int save_step(struct step *s)
{
	MDB_val key = {s->user ? strlen(s->user->id) : 0, s->user ? (void *)(uintptr_t)s->user->id : NULL};
	MDB_val value = {s->now.len, s->now.data};

	if (!s->user)
		return mdb_cursor_del(s->cursor, 0);
	if (s->old.mv_data && unchanged(s))
		return 0;
	/* behind the last stored one: whole pages get filled, instead of split */
	return mdb_put(s->txn, s->dbi, &key, &value, s->at_end ? MDB_APPEND : 0);
}

static bool is_account(const struct stage_walk *s)
{
	return record_kind(s->record, s->place.len) == RECORD_ACCOUNT;
}

static int hash_records(const struct world *w, uint64_t *ret)
{
	struct stage_walk s = {.stage = &w->out};
	uint64_t hash = 0;
	int r;

	while ((r = stage_next(&s)) > 0)
		if (!is_account(&s))
			hash = XXH3_64bits_withSeed(s.record, s.place.len, hash + 1);
	stage_walk_done(&s);
	*ret = hash;
	return r;
}

static int save_records(MDB_txn *txn, MDB_dbi dbi, const struct world *w)
{
	struct stage_walk s = {.stage = &w->out};
	uint32_t number = 0;
	int r = mdb_drop(txn, dbi, 0);

	while (r == 0 && (r = stage_next(&s)) > 0) {
		uint32_t big_endian = htonl(number++);
		MDB_val key = {sizeof(big_endian), &big_endian};
		MDB_val value = {s.place.len, (void *)(uintptr_t)s.record};

		r = is_account(&s) ? 0 : mdb_put(txn, dbi, &key, &value, MDB_APPEND);
	}
	stage_walk_done(&s);
	return r;
}

static int meta_get(MDB_txn *txn, MDB_dbi dbi, struct stored_meta *ret)
{
	MDB_val key = {4, (void *)(uintptr_t) "meta"}, value;
	int r = mdb_get(txn, dbi, &key, &value);

	if (r != 0)
		return r;
	if (value.mv_size != sizeof(*ret))
		return -EBADMSG;
	memcpy(ret, value.mv_data, sizeof(*ret));
	return le64toh(ret->version) == VERSION && memchr(ret->validator, '\0', VALIDATOR_SIZE) ? 0 : -EBADMSG;
}

static int meta_put(MDB_txn *txn, MDB_dbi dbi, const struct cache_meta *meta, uint64_t records_hash)
{
	struct stored_meta stored = {
		.version = htole64(VERSION),
		.fingerprint = htole64(meta->fingerprint),
		.inputs = htole64(meta->inputs),
		.rules = htole64(meta->rules),
		.generation = htole64(meta->generation),
		.next_change_at = htole64((uint64_t)meta->next_change_at),
		.confirmed_at = htole64((uint64_t)meta->confirmed_at),
		.records_hash = records_hash,
	};
	MDB_val key = {4, (void *)(uintptr_t) "meta"}, value = {sizeof(stored), &stored};

	for (size_t i = 0; i < CACHE_SYNCS; i++)
		stored.synced_at[i] = htole64((uint64_t)meta->synced_at[i]);
	memcpy(stored.validator, meta->validator, strlen(meta->validator) + 1);
	return mdb_put(txn, dbi, &key, &value, 0);
}

struct save {
	const struct world *world;
	const struct cache_meta *meta;
	uint64_t records_hash;
};

static int save(struct store *s, MDB_txn *txn, void *context)
{
	const struct save *c = context;
	struct stored_meta meta = {0};
	MDB_stat stat;
	int r;

	if (meta_get(txn, s->dbi[DB_META], &meta) != 0 || le64toh(meta.records_hash) != c->records_hash) {
		r = save_records(txn, s->dbi[DB_RECORDS], c->world);
		if (r != 0)
			return r;
	}
	r = walk(txn, s->dbi[DB_ACCOUNTS], c->world, save_step, NULL);
	if (r == 0)
		r = mdb_stat(txn, s->dbi[DB_ACCOUNTS], &stat);
	if (r != 0)
		return r;
	if (stat.ms_entries != c->world->order.len / sizeof(uint32_t))
		return -EBADMSG; /* not what was meant: what was there stays */
	return meta_put(txn, s->dbi[DB_META], c->meta, htole64(c->records_hash));
}

int cache_save(struct store *s, const struct world *w, const struct cache_meta *meta)
{
	struct save c = {.world = w, .meta = meta};
	int r = hash_records(w, &c.records_hash);

	return r < 0 ? r : store_write(s, save, &c);
}

static int load_meta(struct store *s, MDB_txn *txn, void *context)
{
	return meta_get(txn, s->dbi[DB_META], context);
}

int cache_meta_load(struct store *s, struct cache_meta *ret)
{
	struct stored_meta meta;
	int r = store_read(s, load_meta, &meta);

	if (r < 0)
		return r;
	ret->fingerprint = le64toh(meta.fingerprint);
	ret->inputs = le64toh(meta.inputs);
	ret->rules = le64toh(meta.rules);
	ret->generation = le64toh(meta.generation);
	ret->next_change_at = (int64_t)le64toh(meta.next_change_at);
	for (size_t i = 0; i < CACHE_SYNCS; i++)
		ret->synced_at[i] = (int64_t)le64toh(meta.synced_at[i]);
	ret->confirmed_at = (int64_t)le64toh(meta.confirmed_at);
	memcpy(ret->validator, meta.validator, sizeof(ret->validator));
	return 0;
}

static int save_meta(struct store *s, MDB_txn *txn, void *context)
{
	struct stored_meta meta;
	int r = meta_get(txn, s->dbi[DB_META], &meta);

	return r != 0 ? r : meta_put(txn, s->dbi[DB_META], context, meta.records_hash);
}

int cache_meta_save(struct store *s, const struct cache_meta *meta)
{
	return store_write(s, save_meta, (void *)(uintptr_t)meta);
}

struct get {
	const char *id;
	struct buf *out;
};

static int get_account(struct store *s, MDB_txn *txn, void *context)
{
	const struct get *g = context;
	MDB_val key = {strlen(g->id), (void *)(uintptr_t)g->id}, value;
	int r = mdb_get(txn, s->dbi[DB_ACCOUNTS], &key, &value);

	return r != 0 ? r : buf_add(g->out, value.mv_data, value.mv_size);
}

int cache_account(struct store *s, const char *id, struct buf *out)
{
	return store_read(s, get_account, &(struct get){id, out});
}

struct each {
	int db;
	cache_record_fn *fn;
	void *context;
};

static int each(struct store *s, MDB_txn *txn, void *context)
{
	const struct each *e = context;
	MDB_cursor *cursor;
	MDB_val key, value;
	int r = mdb_cursor_open(txn, s->dbi[e->db], &cursor);

	if (r != 0)
		return r;
	while ((r = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		r = e->fn(value.mv_data, value.mv_size, e->context);
		if (r != 0)
			break;
	}
	mdb_cursor_close(cursor);
	return r == MDB_NOTFOUND ? 0 : r;
}

int cache_each_record(struct store *s, cache_record_fn *fn, void *context)
{
	return store_read(s, each, &(struct each){DB_RECORDS, fn, context});
}

int cache_each_account(struct store *s, cache_record_fn *fn, void *context)
{
	return store_read(s, each, &(struct each){DB_ACCOUNTS, fn, context});
}
