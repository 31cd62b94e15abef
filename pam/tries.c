#include "pam/tries.h"

#include <errno.h>
#include <sys/stat.h>

#include "common/paths.h"

#define TALLY_DIR MUSTER_RUNTIME_DIR "/tally"

static struct tally_policy limits(const struct subject *s)
{
	return (struct tally_policy){
		.max_attempts = s->policy.max_attempts,
		.window_s = s->policy.window_s,
		.lock_time_s = s->policy.lock_time_s,
	};
}

int tries_read(const struct call *c, const struct subject *s, struct tally *ret)
{
	const struct tally_policy p = limits(s);

	*ret = (struct tally){0};
	if (s->account.disable_lockout)
		return 0;
	return tally_read(TALLY_DIR, s->account.uid, call_rhost(c), &p, s->boottime_ms, ret);
}

/* Needed once a boot where nothing else made them. The umask is the host's: the outer one must stay readable. */
static int make_dirs(void)
{
	if (mkdir(MUSTER_RUNTIME_DIR, 0755) == 0) {
		if (chmod(MUSTER_RUNTIME_DIR, 0755) < 0)
			return -errno;
	} else if (errno != EEXIST)
		return -errno;
	if (mkdir(TALLY_DIR, 0700) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

int tries_reserve(const struct call *c, const struct subject *s)
{
	const struct tally_policy p = limits(s);
	int r;

	if (s->account.disable_lockout)
		return 0;
	r = tally_reserve(TALLY_DIR, s->account.uid, call_rhost(c), &p, s->boottime_ms, NULL);
	if (r != -ENOENT)
		return r;
	r = make_dirs();
	if (r < 0)
		return r;
	return tally_reserve(TALLY_DIR, s->account.uid, call_rhost(c), &p, s->boottime_ms, NULL);
}

int tries_forgive(const struct subject *s)
{
	if (s->account.disable_lockout)
		return 0;
	return tally_succeed(TALLY_DIR, s->account.uid, s->boottime_ms);
}
