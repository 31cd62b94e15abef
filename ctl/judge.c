#include "ctl/judge.h"

#include "common/clock.h"

static int read_tally(const struct policy *p, uint32_t uid, struct judgement *j)
{
	const struct tally_policy policy = {.max_attempts = p->max_attempts,
					    .window_s = p->window_s,
					    .lock_time_s = p->lock_time_s};
	struct clock_reading reading;
	int r = clock_read(&reading);

	if (r < 0)
		return r;
	j->boottime_ms = reading.boottime_ms;
	return tally_read(TALLY_PATH, uid, NULL, &policy, reading.boottime_ms, &j->tally);
}

void judge(const struct view *v, const struct account *a, int64_t now, int64_t confirmed_at,
	   struct judgement *ret)
{
	struct verdict_input in = {.account = a,
				   .policy = &v->policy,
				   .phase = VERDICT_ACCOUNT,
				   .now = now,
				   .confirmed_at = confirmed_at};

	*ret = (struct judgement){0};
	ret->tally_error = read_tally(&v->policy, a->uid, ret);
	ret->account = verdict_decide(&in);
	in.phase = VERDICT_AUTH;
	in.tally_locked = ret->tally.locked;
	ret->password = verdict_decide(&in);
	if (ret->tally_error < 0 && ret->password.reason == REASON_OK)
		ret->password.reason = REASON_UNAVAILABLE;
}
