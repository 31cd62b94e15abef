/* The living musterd and the end of sessions: when to look for them, and what became of the looking. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "agentd/daemon_private.h"
#include "agentd/log.h"

void daemon_want_sessions(struct daemon *d, int64_t delay_ms)
{
	int64_t at = daemon_now_ms() + delay_ms;

	if (at < d->sessions_at_ms)
		d->sessions_at_ms = at;
}

void daemon_renew_sessions(struct daemon *d)
{
	if (d->sessions.pid)
		kill(d->sessions.pid, SIGUSR1);
	daemon_want_sessions(d, 0);
}

static void start(struct daemon *d, int64_t now_ms)
{
	const struct worker_options o = {
		.task = WORKER_SESSIONS,
		.conf_fd = d->settings.fd,
		.conf_path = d->config,
		.fetch_fd = -1,
	};
	int r;

	d->sessions_at_ms = INT64_MAX;
	if (now_ms >= d->sessions_again_ms)
		d->sessions_again_ms = INT64_MAX;
	r = worker_start(&d->sessions, &o);
	if (r == 0)
		return;
	log_error("daemon: cannot look for sessions to end: %s", strerror(-r));
	daemon_want_sessions(d, SESSIONS_OFFLINE_MS);
}

static int64_t next_ms(const struct daemon *d)
{
	return d->sessions_at_ms < d->sessions_again_ms ? d->sessions_at_ms : d->sessions_again_ms;
}

int64_t daemon_step_sessions(struct daemon *d, int64_t now_ms)
{
	if (!d->sessions.pid && now_ms >= next_ms(d))
		start(d, now_ms);
	return d->sessions.pid ? INT64_MAX : next_ms(d); /* it ends by itself: agentd/sessions.h */
}

void daemon_sessions_ended(struct daemon *d, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		log_error("sessions: their end took too long; it is tried again");
	else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM && WTERMSIG(status) != SIGUSR1)
		log_error("sessions: musterd died of signal %d while it ended them; it is tried again", WTERMSIG(status));
	if (status != 0 || d->schedule.failures)
		daemon_want_sessions(d, SESSIONS_OFFLINE_MS);
	if (d->sessions_late)
		d->sessions_again_ms = daemon_now_ms() + SESSIONS_LATE_MS;
	d->sessions_late = false;
}
