/*
 * What the published pam.snapshot says about one name, ready for a decision: by the PAM module, and by the agent for callers who
 * may not read the file. All that is read belongs to one generation.
 */
#ifndef COMMON_SUBJECT_H
#define COMMON_SUBJECT_H

#include "common/account.h"
#include "common/snapshot_reader.h"
#include "common/verdict.h"

/* What pam.snapshot says about one name, and when that is. */
struct subject {
	struct snapshot *snapshot;
	struct buf policy_data, account_data;
	struct policy policy;
	struct account account;
	uint64_t generation;
	int64_t confirmed_at;
	int64_t now;         /* trusted time */
	int64_t boottime_ms; /* for the tally */
	const char *service; /* as struct verdict_input: set by whoever asks for a verdict */
};

/*
 * Fill S, all zero before but its service, from the published snapshot.
 * Returns 0; -ESRCH when a good snapshot does not know NAME (policy and times are filled all the same); another -errno when it
 * cannot be known: policy.dummy_hash is NULL when even the policy could not be read.
 */
int subject_load(const char *name, struct subject *s) MUST_CHECK;
/* The same without a name: policy and times alone. 0; -errno. */
int subject_load_policy(struct subject *s) MUST_CHECK;
/* What time it is, as trusted as pam.snapshot S and this machine can say (common/clock.h); and CLOCK_BOOTTIME. -errno. */
int subject_time(struct snapshot *s, int64_t *ret_now, int64_t *ret_boottime_ms) MUST_CHECK;

/* Wipes the verifier. */
void subject_done(struct subject *s);

struct verdict subject_verdict(const struct subject *s, enum verdict_phase phase,
			       bool tally_locked) MUST_CHECK;

/* What subject_load() returned, as a reason. */
enum reason subject_load_reason(int r);

#endif
