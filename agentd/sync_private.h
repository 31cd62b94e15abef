/* One sync and its steps, in two files: sync_ask.c asks the directory, sync.c makes of the answer what is published. */
#ifndef AGENTD_SYNC_PRIVATE_H
#define AGENTD_SYNC_PRIVATE_H

#include "agentd/cache.h"
#include "agentd/guard.h"
#include "agentd/snapshots.h"
#include "agentd/source.h"
#include "agentd/state.h"
#include "agentd/sync.h"
#include "agentd/world.h"

struct sync {
	const struct conf *conf;
	struct sync_wishes wishes;
	struct state state;
	struct local *local;
	struct source source;
	uint64_t inputs;      /* of all that the world is made from but the directory */
	uint64_t fingerprint; /* of all */
	struct cache_meta known; /* of the last good sync */
	bool current;		 /* the published files are of it, and still what they should be, if the directory is */
	struct clock_reading clock;
	int64_t now;
	struct stage stage;
	struct fetcher_reply reply;
	struct guard guard;
	struct world world;
	struct cache_diff diff;
	struct snapshots snapshots;
	uint64_t generation;
	int64_t next_change_at;
	bool online; /* the directory answered */
};

/* Log that the sync failed, and that nothing was changed. -ECANCELED. */
int sync_failed(const char *what);
int sync_failed_errno(const char *what, int r);

/* All that the world is made from, but what the directory has to say over a network. */
int sync_read_inputs(struct sync *s) MUST_CHECK;

/* Ask it, unless it is a file of which everything is known. */
int sync_ask(struct sync *s) MUST_CHECK;

/* It says what it said before, and all of that is published. */
bool sync_unchanged(const struct sync *s);

/* Write that down. */
void sync_confirm(struct sync *s);

/* What time it is, as far as this host or a server it trusts can say. */
int64_t sync_time(const struct sync *s);

/* For how long what is published holds; 0: for ever. */
int64_t sync_lease_s(const struct sync *s);

#endif
