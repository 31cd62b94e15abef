/* What sync.status says of a sync: an attempt that failed leaves as it was what it does not know. */
#include <errno.h>

#include "agentd/log.h"
#include "agentd/status.h"
#include "agentd/sync_private.h"

static void report_attempt(const struct sync *s, struct sync_status *status)
{
	status->errors = *log_errors();
	status->last_attempt_at = s->clock.wall_s;
	status->online = s->online;
	status->retry_after_s = s->online ? 0 : s->reply.server.retry_after_s;
}

int sync_save_status(const struct sync *s, bool good, bool changed)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct sync_status status = {0};
	int r = status_load_last(s->conf, &buf, &status);

	if (r < 0 && r != -ENOENT)
		return r;
	if (s->users.count && good && !changed)
		return 0;
	status.directory_url = s->conf->url;
	status.driver = conf_driver_name(s->conf->driver);
	if (!s->users.count || !good)
		report_attempt(s, &status);
	status.n_new = s->diff.n_new;
	status.n_changed = s->diff.n_changed;
	status.n_gone = s->diff.n_gone;
	status.n_worse = s->diff.n_worse;
	if (good || s->alone) {
		status.last_sync_at = s->confirmed_at;
		status.generation = s->generation;
		/* soon: a lock that is lifted before we have read it there would be none that was lifted */
		status.next_change_at = s->told ? s->now + 1 : s->next_change_at;
	}
	if (good && changed) {
		status.serial = s->reply.end.serial;
		status.accounts = s->world.n_accounts;
		status.groups = (uint32_t)s->reply.end.groups;
		status.rejected = s->world.n_rejected;
	}
	if (good && changed && !s->users.count) {
		status.held = s->guard.n_held;
		status.held_until = s->guard.n_held ? s->guard.until : 0;
	}
	if (good && s->diff.n_worse > 0) {
		status.revocation = s->generation;
		status.revocation_users = s->diff.n_worse;
		status.revocation_at = s->clock.wall_s;
		status.revocation_begun_ms = s->clock.boottime_ms;
		status.revocation_published_ms = s->published_ms;
	}
	return status_save(s->conf->runtime_dir, &status);
}
