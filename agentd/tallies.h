/*
 * The tallies of failed attempts (common/tally.h), as a sync sees them: whose end with what the directory says now.
 *
 * They end here, by removal, and not where they are judged: their records carry this boot's clock, the directory's dates
 * carry its own, and a lock must not depend on how the two compare.
 */
#ifndef AGENTD_TALLIES_H
#define AGENTD_TALLIES_H

#include "common/snapshot_reader.h"
#include "common/tally_list.h"

struct world;

/*
 * Forget the tallies of those who left, and of those whom the directory has unlocked or given a new password, which is what
 * differs between BEFORE, the published pam.snapshot (NULL: there is none), and W, which is about to take its place. An
 * expiry is the account's: it stays as the directory says.
 * To be called before W is published: a sync that dies in between does it again, and takes away nothing that should stay.
 * Logs what it forgot. 0; -errno: the last thing that failed, all else was done.
 */
int tallies_end(const char *runtime_dir, struct snapshot *before, const struct world *w) MUST_CHECK;

#endif
