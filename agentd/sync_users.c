/* Some users alone, because one of them logs in: their records are new, and everybody else's as old as they were. */
#include <errno.h>

#include "agentd/refresh.h"
#include "agentd/status.h"
#include "agentd/sync_private.h"

int sync_cache_possible(const struct sync *s)
{
	if (!s->source.remote || !s->state.cache.env || s->state.cache.read_only || !s->known.generation ||
	    state_published_generation(s->conf) > s->known.generation)
		return -ESTALE;
	return 0;
}

/* A commit that failed, another configuration, a file of this host that has changed: all of them need all records. */
int sync_users_possible(const struct sync *s)
{
	int r = s->known.rules == s->rules && s->known.inputs == s->inputs ? sync_cache_possible(s) : -ESTALE;

	return r == 0 && state_published_generation(s->conf) != s->known.generation ? -ESTALE : r;
}

int sync_users_list(struct sync *s)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct sync_status status = {0};
	struct stage list;
	int r = refresh_list(&s->stage, &s->state.cache, s->now, s->conf->n_access || s->conf->n_leases, &list);

	stage_done(&s->stage);
	s->stage = list;
	if (r == 0)
		r = status_load_last(s->conf, &buf, &status);
	s->confirmed_at = status.last_sync_at;
	s->reply.end.serial = status.serial;
	s->reply.end.groups = list.n_kind[RECORD_GROUP];
	if (r == -ESTALE)
		return r;
	return r < 0 ? sync_failed_errno("cannot put an answer among what is known", r) : 0;
}
