/*
 * Locks of this endpoint that the directory is to be told of ([lockout] report), one for each user, in the order in which they are to be told:
 * state_dir/reports, 0600, replaced by rename. Written under musterd's lock alone.
 *
 * Nobody hands a lock in: each sync looks at the tallies and takes what is new (reports_update()), so that locks which came
 * while no musterd lived are found as well. What was sent stays until its lock is over, so that it is not sent again;
 * what waits outlives a reboot, the tally does not.
 */
#ifndef AGENTD_REPORTS_H
#define AGENTD_REPORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/names.h"
#include "common/str.h"

#define REPORTS_FILE "reports"
#define REPORTS_MAX  10000

/* A lock: of whom, and since when by which boot's CLOCK_BOOTTIME. */
struct report {
	char id[OBJECT_ID_MAX + 1]; /* of the directory */
	uint32_t uid;
	char boot_id[BOOT_ID_SIZE];
	int64_t locked_at_ms;
	bool sent; /* and else waiting */
};

/* All zero is an empty one. */
struct reports {
	struct buf list; /* struct report */
	bool changed;	 /* since it was read or written */
};

void reports_done(struct reports *r);
uint32_t reports_count(const struct reports *r);
struct report *reports_at(const struct reports *r, uint32_t place);

/* Fill the empty R. No file: none. -EBADMSG: not what was written; -errno. */
int reports_load(const char *state_dir, struct reports *r) MUST_CHECK;
/* Write it, when it has changed. */
int reports_save(const char *state_dir, struct reports *r) MUST_CHECK;

/*
 * Bring R up to date with LOCKS, N of them by time, at most one a user: all that the tallies show in the boot BOOT_ID.
 * Locks not in R yet wait now, or take the place of an older one that was sent. A lock of this boot that the tallies do not
 * show any more was ended here, by an administrator or the right password: if it waits, it is not worth telling.
 * 0; -ENOSPC: more than REPORTS_MAX, the first ones are kept; -ENOMEM.
 */
int reports_update(struct reports *r, const struct report *locks, uint32_t n, const char *boot_id) MUST_CHECK;

void reports_mark_sent(struct reports *r, uint32_t place);
void reports_drop(struct reports *r, uint32_t place);
/* Behind all others: one that cannot be told must not keep others from being told. */
void reports_postpone(struct reports *r, uint32_t place);

#endif
