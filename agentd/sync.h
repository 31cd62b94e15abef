/*
 * One sync: fetch, resolve, publish, keep (DESIGN.md 3, 5). Worse news reaches the modules before anything is written to
 * disk, and also when nothing can be. Logs what happened, and writes sync.status (agentd/status.h).
 */
#ifndef AGENTD_SYNC_H
#define AGENTD_SYNC_H

#include "agentd/conf.h"

/* What an administrator allows in one sync. Names are account names. All zero: nothing. */
struct sync_wishes {
	struct strlist accept; /* names that go to a new directory id */
	struct strlist forget; /* names whose tombstone ends */
	bool accept_removals;  /* who is missing is gone, however many (agentd/guard.h) */
};

/*
 * WISHES that cannot be granted fail the sync, and nothing changes. FETCH_FD: the socket of a muster-fetch that somebody keeps, or
 * -1 for one of its own. Returns 0 when everything was done, or nothing had to be; -ECANCELED when the sync failed and
 * the old state stays; -EIO when it was published, but something needs an administrator. All is logged.
 */
int sync_once(const struct conf *c, const struct sync_wishes *wishes, int fetch_fd) MUST_CHECK;

/*
 * The same for USERS alone (directory ids), of a directory that can be asked so; what is known of all others stays as old as it is.
 * -ESTALE: what is known cannot be completed so, it takes a whole sync; nothing is logged then.
 */
int sync_users(const struct conf *c, const struct strlist *users, int fetch_fd) MUST_CHECK;

/* After a boot: bring what was published before it back to runtime_dir, and ask nobody. Returns as sync_once(). */
int sync_publish(const struct conf *c) MUST_CHECK;

#endif
