#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>

#include "agentd/daemon_private.h"
#include "agentd/log.h"
#include "agentd/status.h"

int64_t daemon_now_ms(void)
{
	return clock_boottime_ms();
}

uint32_t daemon_chance(void)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		return (uint32_t)daemon_now_ms(); /* early in a boot: spread enough */
	return random;
}

static void save_metrics(struct daemon *d, const struct sync_status *status)
{
	struct engine_view view;
	int r;

	engine_view(d->engine, &view);
	r = metrics_save(d->settings.conf.runtime_dir, &d->metrics, status, view.online);
	if (r < 0)
		log_error("metrics: %s/" METRICS_FILE ": %s", d->settings.conf.runtime_dir, strerror(-r));
}

/* In the second in which something falls due, or when somebody sets the clock. */
static void arm_change(struct daemon *d, int64_t at)
{
	struct itimerspec t = {.it_value.tv_sec = at > time(NULL) && at < INT64_MAX ? at : 0};

	if (timerfd_settime(d->change_timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL) < 0)
		log_error("daemon: cannot set a timer: %s", strerror(errno));
}

void daemon_expect_changes(struct daemon *d)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct sync_status status;

	if (status_load_last(&d->settings.conf, &buf, &status) < 0 || !status.next_change_at)
		return;
	arm_change(d, status.next_change_at);
	if (status.next_change_at <= time(NULL))
		schedule_hurry(&d->schedule, daemon_now_ms(), 0);
}

void daemon_make_view(const struct sync_status *s, bool online, const char *error, struct engine_view *ret)
{
	*ret = (struct engine_view){
		.online = online,
		.generation = s->generation,
		.last_sync_at = s->last_sync_at,
		.last_attempt_at = s->last_attempt_at,
	};
	if (str_print(ret->error, sizeof(ret->error), "%.*s", (int)sizeof(ret->error) - 1, error) < 0)
		ret->error[0] = '\0';
}

static bool was_good(int status)
{
	return WIFEXITED(status) && (WEXITSTATUS(status) == WORKER_GOOD || WEXITSTATUS(status) == WORKER_ALARM);
}

/* What the worker could not say itself, "" when it could. */
static void describe_death(const struct daemon *d, int status, char *out, size_t size)
{
	int r = 0;

	out[0] = '\0';
	if (d->worker.killed)
		r = str_print(out, size, "the sync took more than %d s, and was killed", WORKER_LIMIT_MS / 1000);
	else if (WIFSIGNALED(status))
		r = str_print(out, size, "the sync died of signal %d", WTERMSIG(status));
	else if (!was_good(status) && WEXITSTATUS(status) != WORKER_FAILED)
		r = str_print(out, size, "the sync ended with status %d", WEXITSTATUS(status));
	if (r < 0)
		log_error("daemon: a text is too long");
}

static void count(struct daemon *d, bool good, bool died)
{
	if (good && d->schedule.failures)
		log_notice("sync: good again after %u that failed", d->schedule.failures);
	if (good)
		d->metrics.syncs_ok++;
	else if (died)
		d->metrics.syncs_died++;
	else
		d->metrics.syncs_failed++;
}

void daemon_note_published(struct daemon *d, const struct sync_status *s)
{
	arm_change(d, s->next_change_at);
	d->sessions_late = d->sessions_late || s->n_worse > 0;
	daemon_want_sessions(d, 0);
	save_metrics(d, s);
}

/* A sync that somebody else made counts as ours. */
static void note_status(struct daemon *d)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct sync_status status;
	struct engine_view view;

	if (status_load(d->settings.conf.runtime_dir, &buf, &status) < 0)
		return;
	daemon_make_view(&status, status.online, status.last_error, &view);
	engine_note(d->engine, &view);
	daemon_note_published(d, &status);
}

void daemon_take_changes(struct daemon *d, int mask)
{
	int changed = watch_read(&d->watch) & mask;

	if (changed & WATCH_INPUT)
		d->edited = true;
	if (changed & WATCH_CONF)
		d->reload = true;
	if (changed & WATCH_STATUS && !d->worker.pid)
		note_status(d);
}

/* While the sync was at work, which may have looked at the clock before, and held up the one that was due. */
static bool fell_due(const struct daemon *d, int64_t at)
{
	int64_t now = time(NULL), took_s = (daemon_now_ms() - d->worker_began_ms) / 1000 + 1;

	return at <= now && at > now - took_s;
}

void daemon_renew_sync(struct daemon *d)
{
	schedule_renew(&d->schedule);
	d->outdated = d->worker.pid && d->worker.task == WORKER_SYNC && d->schedule.remote;
	if (d->outdated)
		kill(d->worker.pid, SIGTERM);
}

/* Nobody is told: who waits for it waits for the next one, which begins at once. */
static bool was_given_up(const struct daemon *d, int wait_status)
{
	return d->outdated && WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGTERM;
}

void daemon_sync_ended(struct daemon *d, int wait_status)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct sync_status status = {.last_error = "", .next_change_at = INT64_MAX};
	struct engine_view view;
	char death[96];
	bool good;

	if (was_given_up(d, wait_status))
		return;
	if (status_load_last(&d->settings.conf, &buf, &status) < 0)
		status.generation = 0; /* nothing is known, nothing was published */
	good = was_good(wait_status);
	if (!good)
		keeper_drop(&d->fetch);
	describe_death(d, wait_status, death, sizeof(death));
	if (death[0] && !d->worker.killed) /* of that one it was told */
		log_error("daemon: %s; what was published stays", death);
	daemon_make_view(&status, good, death[0] ? death : status.last_error, &view);
	engine_end(d->engine, good, &view);
	count(d, good, death[0]);
	schedule_done(&d->schedule, good, status.retry_after_s, daemon_now_ms(), daemon_chance());
	if (good && fell_due(d, status.next_change_at))
		schedule_hurry(&d->schedule, daemon_now_ms(), 0);
	daemon_note_published(d, &status);
	daemon_take_changes(d, ~WATCH_STATUS); /* that was our own */
}

void daemon_start_worker(struct daemon *d, enum worker_task task)
{
	bool keep = task == WORKER_SYNC && d->schedule.remote;
	const struct worker_options o = {
		.task = task,
		.conf_fd = d->settings.fd,
		.conf_path = d->config,
		.fetch_fd = keep ? keeper_get(&d->fetch, &d->settings.conf) : -1,
	};
	int r;

	watch_renew(&d->watch); /* before anything is read: what changes from now on is seen */
	d->edited = d->outdated = false;
	d->worker_began_ms = daemon_now_ms();
	if (task == WORKER_SYNC)
		engine_begin(d->engine);
	r = worker_start(&d->worker, &o);
	if (r == 0)
		return;
	log_error("daemon: cannot start a sync: %s", strerror(-r));
	if (task == WORKER_SYNC)
		daemon_sync_ended(d, W_EXITCODE(WORKER_FAILED, 0));
}
