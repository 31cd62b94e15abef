/*
 * The living musterd and users who are asked for one by one because they log in: a worker and a muster-fetch of their own, so that
 * a login never waits behind a sync.
 */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "agentd/daemon_private.h"
#include "agentd/log.h"

_Static_assert(ENGINE_AT_ONCE <= WORKER_USERS_MAX, "one worker takes them");

static void ended(struct daemon *d, int status, bool started)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct sync_status said = {.last_error = "", .next_change_at = INT64_MAX};
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	bool good = started && (code == WORKER_GOOD || code == WORKER_ALARM), whole = started && code == WORKER_WHOLE;
	struct engine_view view, before;

	engine_view(d->engine, &before);
	if (status_load_last(&d->settings.conf, &buf, &said) < 0)
		said.generation = 0;
	daemon_make_view(&said, good, said.last_error, &view);
	engine_end_users(d->engine, good, whole, &view);
	d->ask_until_ms = daemon_now_ms() + REFRESH_KEEP_MS;
	if (!good)
		keeper_drop(&d->ask);
	if (!good && !whole) /* the next sync tells when the directory is there again */
		schedule_done(&d->schedule, false, said.retry_after_s, daemon_now_ms(), daemon_chance());
	if (good && said.generation == before.generation)
		return; /* no news */
	daemon_note_published(d, &said);
	daemon_take_changes(d, ~WATCH_STATUS); /* that was our own */
}

void daemon_refresh_ended(struct daemon *d, int status)
{
	if (d->refresh.killed)
		log_error("daemon: asking for a user took more than %d s, and was given up", REFRESH_LIMIT_MS / 1000);
	else if (WIFSIGNALED(status))
		log_error("daemon: asking for a user died of signal %d", WTERMSIG(status));
	ended(d, status, true);
}

static void start(struct daemon *d, int64_t now_ms)
{
	CLEANUP(buf_done) struct buf ids = {0};
	struct worker_options o = {
		.task = WORKER_REFRESH,
		.conf_fd = d->settings.fd,
		.conf_path = d->config,
		.fetch_fd = -1,
	};
	int r;

	o.users.count = engine_begin_users(d->engine, &ids);
	if (!o.users.count)
		return;
	o.users.data = (const char *)ids.data;
	o.users.len = (uint32_t)ids.len;
	o.fetch_fd = keeper_get(&d->ask, &d->settings.conf);
	d->refresh_began_ms = now_ms;
	r = worker_start(&d->refresh, &o);
	if (r == 0)
		return;
	log_error("daemon: cannot ask for a user: %s", strerror(-r));
	ended(d, 0, false);
}

int64_t daemon_step_refresh(struct daemon *d, int64_t now_ms)
{
	if (!d->refresh.pid)
		start(d, now_ms);
	if (d->refresh.pid)
		return worker_limit(&d->refresh, now_ms, d->refresh_began_ms + REFRESH_LIMIT_MS);
	if (d->ask.sock < 0)
		return INT64_MAX;
	if (now_ms < d->ask_until_ms)
		return d->ask_until_ms;
	keeper_drop(&d->ask); /* nobody has logged in for a while */
	return INT64_MAX;
}
