/*
 * When the next sync begins. Pure: time and chance are arguments. NOW_MS is a clock that counts sleep (CLOCK_BOOTTIME);
 * RANDOM is any 32 bits.
 */
#ifndef AGENTD_SCHEDULE_H
#define AGENTD_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#define SCHEDULE_BACKOFF_FIRST_MS 5000	 /* or the interval, when that is shorter */
#define SCHEDULE_BACKOFF_MAX_MS	  900000 /* also where the interval is longer: off line is worth a try */
#define SCHEDULE_RETRY_AFTER_MAX_S 3600
#define SCHEDULE_JITTER_PERCENT	  10

struct schedule {
	int64_t interval_ms;
	bool remote; /* asked over a network, by a fleet */
	uint32_t failures; /* in a row */
	uint32_t forgiven; /* of these: by settings that are no longer in force */
	int64_t next_ms;
	int64_t not_before_ms; /* as the directory asked; 0: it did not */
};

/* The first: at once, or spread over the interval when remote, so that a fleet that boots together does not come together. */
void schedule_start(struct schedule *s, int64_t now_ms, uint32_t random);

/* Not later than DELAY_MS from now, unless the directory asked to be left alone. */
void schedule_hurry(struct schedule *s, int64_t now_ms, int64_t delay_ms);

/* Settings are new: whom the old ones asked, and what he answered, is no reason to wait. */
void schedule_renew(struct schedule *s);

/* A sync ended. RETRY_AFTER_S as the directory said, 0 = nothing. */
void schedule_done(struct schedule *s, bool ok, uint32_t retry_after_s, int64_t now_ms, uint32_t random);

#endif
