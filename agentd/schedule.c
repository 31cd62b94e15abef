#include "agentd/schedule.h"

/* LOW..HIGH by chance. */
static int64_t between(int64_t low, int64_t high, uint32_t random)
{
	return low + (int64_t)((uint64_t)(high - low) * random / UINT32_MAX);
}

static int64_t jitter(int64_t ms, uint32_t random)
{
	int64_t spread = ms * SCHEDULE_JITTER_PERCENT / 100;

	return between(ms - spread, ms + spread, random);
}

/* Doubled with each failure, and anywhere in the upper half of that. */
static int64_t backoff(const struct schedule *s, uint32_t random)
{
	int64_t ms = s->interval_ms < SCHEDULE_BACKOFF_FIRST_MS ? s->interval_ms : SCHEDULE_BACKOFF_FIRST_MS;

	for (uint32_t i = s->forgiven + 1; i < s->failures && ms < SCHEDULE_BACKOFF_MAX_MS; i++)
		ms *= 2;
	if (ms > SCHEDULE_BACKOFF_MAX_MS)
		ms = SCHEDULE_BACKOFF_MAX_MS;
	return between(ms / 2, ms, random);
}

void schedule_start(struct schedule *s, int64_t now_ms, uint32_t random)
{
	s->failures = s->forgiven = 0;
	s->not_before_ms = 0;
	s->next_ms = now_ms + (s->remote ? between(0, s->interval_ms, random) : 0);
}

void schedule_hurry(struct schedule *s, int64_t now_ms, int64_t delay_ms)
{
	int64_t at = now_ms + delay_ms;

	if (at < s->not_before_ms)
		at = s->not_before_ms;
	if (at < s->next_ms)
		s->next_ms = at;
}

void schedule_renew(struct schedule *s)
{
	s->not_before_ms = 0;
	s->forgiven = s->failures;
}

void schedule_done(struct schedule *s, bool ok, uint32_t retry_after_s, int64_t now_ms, uint32_t random)
{
	if (retry_after_s > SCHEDULE_RETRY_AFTER_MAX_S)
		retry_after_s = SCHEDULE_RETRY_AFTER_MAX_S;
	s->failures = ok ? 0 : s->failures + 1;
	s->forgiven = ok ? 0 : s->forgiven;
	s->not_before_ms = retry_after_s ? now_ms + retry_after_s * INT64_C(1000) : 0;
	s->next_ms = now_ms + (ok ? jitter(s->interval_ms, random) : backoff(s, random));
	if (s->next_ms < s->not_before_ms)
		s->next_ms = s->not_before_ms;
}
