/*
 * What musterd keeps between runs: its directories, the lock that lets one run at a time, ledger and cache. What is damaged
 * is set aside, and what can be rebuilt is; only the lock and the directory of published files are needed. Logs.
 */
#ifndef AGENTD_STATE_H
#define AGENTD_STATE_H

#include "agentd/conf.h"
#include "agentd/ledger.h"
#include "agentd/store.h"
#include "common/snapshot_reader.h"

struct state {
	const struct conf *conf;
	int lock;
	struct store ledger_store, cache; /* env NULL: cannot be used */
	struct ledger ledger;
	unsigned int alarms; /* things that an administrator must see to */
};

/*
 * Make the directories, lock, open the cache. The ledger is not read yet: an unchanged directory needs none of it.
 * Returns 0; -EBUSY another musterd holds the lock; -errno. Close with state_close() in any case.
 */
int state_open(const struct conf *c, struct state *ret) MUST_CHECK;

/*
 * Let others sync while the directory is asked, which may take minutes; and have the lock again, with the cache as they have
 * left it. -EBUSY, -errno: as state_open().
 */
void state_unlock(struct state *s);
int state_relock(struct state *s) MUST_CHECK;

/* Of a cache that was read from end to end: give back the memory that its pages are mapped to. Logs. */
void state_unmap_cache(struct state *s);

/* Read the ledger, and take from the published snapshots what it has lost. -ENOMEM alone. */
int state_read_ledger(struct state *s) MUST_CHECK;

void state_close(struct state *s);

/* The pam.snapshot that is read until now: runtime_dir's, or state_dir's where that has none. NULL: there is none. */
struct snapshot *state_open_published(const struct conf *c);

/* The highest generation of the four published files, 0 for none. */
uint64_t state_published_generation(const struct conf *c);

#endif
