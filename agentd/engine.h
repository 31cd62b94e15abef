/*
 * Where the threads of the server meet the one that syncs: they ask for data that is new enough and wait for it, it runs one
 * refresh at a time (a process, agentd/worker.h) and tells them all how it ended. Holds no account; what a refresh
 * brings is in the published snapshots when a wait is over. Thread-safe.
 *
 * A directory in a file is as new as its file: one stat tells whether there is anything to refresh. One that can be asked for a
 * user alone (JumpCloud's) is asked so: whoever logs in waits for his own record, and for nobody else's.
 */
#ifndef AGENTD_ENGINE_H
#define AGENTD_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

#define ENGINE_ERROR_SIZE 256
#define ENGINE_USERS	  64 /* who are asked for one by one, and remembered, at a time */
#define ENGINE_AT_ONCE	  16 /* of them, in one refresh */
#define ENGINE_ALL_MS	  60000 /* where users are asked for one by one, all are for nobody's sake asked for more often */

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
 * Wait until the directory has confirmed what it says of the user ID (its own id for him; NULL: of all) at most MAX_AGE_MS before
 * this call, and that is published. DEADLINE_MS is CLOCK_MONOTONIC, as in common/wire.h. Of all who wait for the same, one
 * refresh at most is in flight.
 * 0; -EHOSTUNREACH: known to be off line, returned at once; -EBUSY: too many others wait, at once; -ETIMEDOUT: and from now on
 * the directory is off line, so that nobody else waits, until an attempt of the engine's own succeeds.
 */
int engine_refresh(struct engine *e, const char *id, int64_t max_age_ms, int64_t deadline_ms) MUST_CHECK;

/*
 * As much time, MOST_MS at most, as engine_refresh() of a user would take now, for a NAME that nobody knows: that one waits for the
 * directory and another does not would tell a stranger which names there are (P8). Nobody is asked.
 */
void engine_pretend(struct engine *e, const char *name, int64_t max_age_ms, int64_t most_ms);

/* As engine_refresh(), without waiting: asks for a refresh where engine_refresh() would. */
void engine_poke(struct engine *e, const char *id, int64_t max_age_ms);

void engine_view(struct engine *e, struct engine_view *ret);

/* For the thread that syncs. */

/* Of a directory over the network that is asked for all users at a time. -ENOMEM, -errno. */
int engine_new(struct engine **ret) MUST_CHECK;
void engine_free(struct engine *e);

/*
 * DOCUMENT: path of a directory in a file, NULL when it is asked over the network; BY_USER: there it can be asked for one. Nothing
 * is known of another directory than before. -ENOMEM.
 */
int engine_set_directory(struct engine *e, const char *document, bool by_user) MUST_CHECK;

/* A descriptor that is readable when engine_wanted() should be asked. */
int engine_fd(const struct engine *e);

/* Makes the descriptor silent. Does anybody want a refresh of all that has not begun? */
bool engine_wanted(struct engine *e);

/* A refresh begins, and is over. OK: the directory answered, and what it said is published. Wakes all who wait. */
void engine_begin(struct engine *e);
void engine_end(struct engine *e, bool ok, const struct engine_view *view);

/* Users who want one: their ids are appended to IDS, each with its NUL, and their refresh begins. How many; not more than ENGINE_AT_ONCE. */
uint32_t engine_begin_users(struct engine *e, struct buf *ids);

/*
 * It is over, as above. WHOLE: that can only be done after a sync of all, which those who wait are now waiting for; neither OK
 * nor VIEW count then.
 */
void engine_end_users(struct engine *e, bool ok, bool whole, const struct engine_view *view);

/* Somebody else's sync is over (musterd --once by hand). */
void engine_note(struct engine *e, const struct engine_view *view);

#endif
