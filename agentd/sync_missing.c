/* Who is bound here, but not in what the directory told. */
#include "agentd/sync_private.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "agentd/kept.h"
#include "agentd/log.h"

static void log_held(const struct sync *s)
{
	struct tm t;
	char until[32];

	if (!gmtime_r(&(time_t){s->guard.until}, &t) || !strftime(until, sizeof(until), "%Y-%m-%d %H:%M UTC", &t))
		until[0] = '\0';
	log_error("sync: %s lacks %u of %u users and does not say that they were removed: %u stay as they were until it "
		  "has said so %d times and after %s, or 'musterctl sync --accept-removals'",
		  s->conf->url, s->guard.n_missing, s->guard.n_known, s->guard.n_held, GUARD_SYNCS, until);
}

/* Where the last commit was lost, what is published is what is known. */
static struct snapshot *newer_than_cache(const struct sync *s)
{
	struct snapshot *p = state_open_published(s->conf);

	if (p && snapshot_info(p)->generation <= s->known.generation)
		snapshot_close(TAKE(p));
	return p;
}

int sync_keep_unreadable(struct sync *s)
{
	CLEANUP(snapshot_closep) struct snapshot *published = newer_than_cache(s);
	uint32_t n;
	int r = kept_apply(&s->stage, &s->state.cache, published, &n);

	if (r < 0)
		return sync_failed_errno("cannot keep who could not be read", r);
	if (n)
		log_error("sync: %s does not show the records of %u users who are bound here: they stay as they were last known, "
			  "bad news about them is not seen; may the key read users?", s->conf->url, n);
	return 0;
}

int sync_guard_removals(struct sync *s)
{
	CLEANUP(snapshot_closep) struct snapshot *published = newer_than_cache(s);
	struct guard_input in = {
		.published = published,
		.now = s->now,
		.hold_s = s->conf->removal_hold_ms / 1000,
		.accepted = s->wishes.accept_removals,
	};
	int r;

	if (!s->source.remote)
		return 0;
	memcpy(in.before, s->known.synced_at, sizeof(in.before));
	r = guard_apply(&in, &s->stage, &s->state.ledger, &s->state.cache, &s->guard);
	if (r == -ENOENT)
		return sync_failed("too many users are missing to believe it, and those who were here are not in the cache: "
			      "if it is right, run 'musterctl sync --accept-removals'");
	if (r < 0)
		return sync_failed_errno("cannot tell who is missing", r);
	if (!s->guard.n_held)
		return 0;
	s->state.alarms++;
	log_held(s);
	return 0;
}
