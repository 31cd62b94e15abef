/*
 * cache.mdb: what the directory said last, as this host keeps it. Can always be rebuilt by a sync. Databases:
 *   accounts  directory id -> record 'A' as in pam.snapshot, holders and tombstones too
 *   records   number -> records 'G', 'M', 'L', 'R'
 *   meta      "meta" -> struct cache_meta
 */
#ifndef AGENTD_CACHE_H
#define AGENTD_CACHE_H

#include "agentd/fetch/protocol.h"
#include "agentd/store.h"
#include "agentd/world.h"

extern const char *const cache_dbs[];

#define CACHE_SYNCS 2 /* before the next one: GUARD_SYNCS */

struct cache_meta {
	uint64_t fingerprint; /* of all that the world was made from; 0: of nothing that may come again */
	uint64_t inputs;      /* of all that is not the directory's, rules apart */
	uint64_t rules;	      /* of [access], and local time */
	uint64_t generation;  /* in which it was published */
	int64_t next_change_at;
	int64_t synced_at[CACHE_SYNCS]; /* the last one first; 0: there was none */
	int64_t confirmed_at; /* as the document says by itself; 0: whoever asked for it has confirmed it */
	char validator[VALIDATOR_SIZE]; /* of what the directory said, "" = none */
};

struct cache_diff {
	uint32_t n_new, n_changed, n_gone;
	uint32_t n_worse; /* of these: for the worse (verdict_worse()) */
};

/* -ESRCH: never saved. */
int cache_meta_load(struct store *s, struct cache_meta *ret) MUST_CHECK;

/* The same world once more, under another validator. */
int cache_meta_save(struct store *s, const struct cache_meta *meta) MUST_CHECK;

/* The account of this directory id, appended to OUT. -ESRCH. */
int cache_account(struct store *s, const char *id, struct buf *out) MUST_CHECK;

/* Call FN for each account, or each record 'G', 'M', 'L', 'R', until it returns other than 0, which is returned. */
typedef int cache_record_fn(const void *record, size_t len, void *context);
int cache_each_account(struct store *s, cache_record_fn *fn, void *context) MUST_CHECK;
int cache_each_record(struct store *s, cache_record_fn *fn, void *context) MUST_CHECK;

/* What W changes. -EBADMSG: what is stored is damaged. */
int cache_compare(struct store *s, const struct world *w, struct cache_diff *ret) MUST_CHECK;

/* Make the cache equal to W, in one transaction that writes only what differs. */
int cache_save(struct store *s, const struct world *w, const struct cache_meta *meta) MUST_CHECK;

#endif
