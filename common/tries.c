#include "common/tries.h"

#include <errno.h>

#include "common/dirs.h"
#include "common/factor.h"
#include "common/paths.h"

#define TALLY_DIR MUSTER_RUNTIME_DIR "/tally"

static int reserve(const struct subject *s, const char *rhost, struct tally *ret)
{
	const struct tally_policy p = {
		.max_attempts = s->policy.max_attempts,
		.window_s = s->policy.window_s,
		.lock_time_s = s->policy.lock_time_s,
	};

	return tally_reserve(TALLY_DIR, s->account.uid, rhost, &p, s->boottime_ms, ret);
}

/* Needed at most once a boot, where nothing else made them. The outer one is for all. */
static int make_dirs(void)
{
	int r = dir_make(MUSTER_RUNTIME_DIR, 0755);

	return r < 0 ? r : dir_make(TALLY_DIR, 0700);
}

int tries_reserve(const struct subject *s, const char *rhost, struct tally *ret)
{
	int r;

	if (factor_is_uncounted(&s->account))
		return 0;
	r = reserve(s, rhost, ret);
	if (r != -ENOENT)
		return r;
	r = make_dirs();
	return r < 0 ? r : reserve(s, rhost, ret);
}

int tries_forgive(const struct subject *s, const char *rhost)
{
	if (factor_is_uncounted(&s->account))
		return 0;
	return tally_succeed(TALLY_DIR, s->account.uid, rhost, s->boottime_ms);
}

int tries_cancel(const struct subject *s, const char *rhost)
{
	if (factor_is_uncounted(&s->account))
		return 0;
	return tally_cancel(TALLY_DIR, s->account.uid, rhost, s->boottime_ms);
}
