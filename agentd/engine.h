/*
 * Where the threads of the server meet the one that syncs: they ask for data that is new enough and wait for it, it runs one
 * refresh at a time (a process, agentd/worker.h) and tells them all how it ended. Holds no account; what a refresh
 * brings is in the published snapshots when a wait is over. Thread-safe.
 *
 * A directory in a file is as new as its file: one stat tells whether there is anything to refresh.
 */
#ifndef AGENTD_ENGINE_H
#define AGENTD_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"

#define ENGINE_ERROR_SIZE 256

struct engine; /* opaque */

struct engine_view {
	bool online;		 /* the directory answered when it was last asked, and nobody waits in vain */
	uint64_t generation;	 /* published last; 0: none known */
	int64_t last_sync_at;	 /* the last good one; 0: none known */
	int64_t last_attempt_at; /* wall clock, seconds */
	char error[ENGINE_ERROR_SIZE]; /* of the last attempt; "" when it was good */
};

/* For the server's threads. */

/*
 * Wait until the directory has confirmed its data at most MAX_AGE_MS before this call, and they are published. DEADLINE_MS
 * is CLOCK_MONOTONIC, as in common/wire.h. Of all who wait, one refresh at most is in flight.
 * 0; -EHOSTUNREACH: known to be off line, returned at once; -ETIMEDOUT: and from now on the directory is off line, so that
 * nobody else waits, until an attempt of the engine's own succeeds.
 */
int engine_refresh(struct engine *e, int64_t max_age_ms, int64_t deadline_ms) MUST_CHECK;

/* The same without waiting: asks for a refresh where engine_refresh() would. */
void engine_poke(struct engine *e, int64_t max_age_ms);

void engine_view(struct engine *e, struct engine_view *ret);

/* For the thread that syncs. */

/* DOCUMENT: path of a directory in a file, NULL when it is asked over the network. -ENOMEM, -errno. */
int engine_new(const char *document, struct engine **ret) MUST_CHECK;
void engine_free(struct engine *e);

/* After a reload: another directory, of which nothing is known. Unchanged when it is the same. -ENOMEM. */
int engine_set_document(struct engine *e, const char *document) MUST_CHECK;

/* A descriptor that is readable when engine_wanted() should be asked. */
int engine_fd(const struct engine *e);

/* Makes the descriptor silent. Does anybody want a refresh that has not begun? */
bool engine_wanted(struct engine *e);

/* A refresh begins, and is over. OK: the directory answered, and what it said is published. Wakes all who wait. */
void engine_begin(struct engine *e);
void engine_end(struct engine *e, bool ok, const struct engine_view *view);

/* Somebody else's sync is over (musterd --once by hand). */
void engine_note(struct engine *e, const struct engine_view *view);

#endif
