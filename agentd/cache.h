/*
 * cache.mdb: what the directory said last, as this host keeps it. Can always be rebuilt by a sync. Databases:
 *   accounts  directory id -> record 'A' as in pam.snapshot, holders and tombstones too
 *   records   number -> records 'G', 'M', 'L', 'R'
 *   meta      "meta" -> struct cache_meta
 */
#ifndef AGENTD_CACHE_H
#define AGENTD_CACHE_H

#include "agentd/store.h"
#include "agentd/world.h"

extern const char *const cache_dbs[];

struct cache_meta {
	uint64_t fingerprint; /* of all that the world was made from */
	uint64_t generation;  /* in which it was published */
	int64_t next_change_at;
};

struct cache_diff {
	uint32_t n_new, n_changed, n_gone;
	uint32_t n_worse; /* of these: for the worse (verdict_worse()) */
};

/* -ESRCH: never saved. */
int cache_meta_load(struct store *s, struct cache_meta *ret) MUST_CHECK;

/* What W changes. -EBADMSG: what is stored is damaged. */
int cache_compare(struct store *s, const struct world *w, struct cache_diff *ret) MUST_CHECK;

/* Make the cache equal to W, in one transaction that writes only what differs. */
int cache_save(struct store *s, const struct world *w, const struct cache_meta *meta) MUST_CHECK;

#endif
