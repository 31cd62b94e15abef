#include "agentd/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "agentd/daemon_private.h"
#include "agentd/file.h"
#include "agentd/log.h"
#include "agentd/server.h"
#include "agentd/status.h"
#include "common/paths.h"

#define PID_FILE "musterd.pid" /* locked as long as it lives */

/* Whoever edits a file often edits a second one, or syncs himself: musterctl directory does. */
#define SETTLE_MS 100

/* Told of once: it is tried again after each sync. */
static void start_server(struct daemon *d)
{
	const struct server_options o = {
		.runtime_dir = d->settings.conf.runtime_dir,
		.auth = d->auth,
		.engine = d->engine,
		.recheck_after_ms = d->settings.conf.recheck_after_ms,
		.recheck_timeout_ms = d->settings.conf.recheck_timeout_ms,
	};
	const char *what;
	int r = server_start(&o, &d->server, &what);

	if (r < 0 && r != d->server_error)
		log_error("daemon: %s/%s: %s; logins go on without the agent", o.runtime_dir, what,
			  strerror(-r));
	d->server_error = r;
}

static bool is_published(const char *dir)
{
	AUTO_FREE char *path = str_format("%s/" PAM_SNAPSHOT, dir);

	return path && access(path, F_OK) == 0;
}

static void be_ready(struct daemon *d)
{
	const struct conf *c = &d->settings.conf;

	schedule_start(&d->schedule, daemon_now_ms(), daemon_chance());
	if (!is_published(c->runtime_dir) && !is_published(c->state_dir))
		schedule_hurry(&d->schedule, daemon_now_ms(), 0); /* nobody can log in yet: no time to spread */
	daemon_expect_changes(d);
	notify_send(&d->notify, "READY=1");
	log_notice("daemon: ready");
}

static void take_worker(struct daemon *d, int status)
{
	if (d->worker.task == WORKER_SYNC)
		daemon_sync_ended(d, status);
	if (!d->server)
		start_server(d);
	if (d->worker.task != WORKER_SYNC) {
		/* what is published may be bad news: from before a crash or a boot, or of one user */
		d->sessions_late = true;
		daemon_want_sessions(d, 0);
	}
	if (d->worker.task == WORKER_PUBLISH)
		be_ready(d);
}

/* It is told of now, since one that hangs in the kernel, on a disk that does not answer, may not end for long. */
static int64_t limit_worker(struct daemon *d, int64_t now_ms)
{
	bool killed = d->worker.killed;
	int64_t next_ms = worker_limit(&d->worker, now_ms, d->worker_began_ms + WORKER_LIMIT_MS);

	if (d->worker.killed && !killed)
		log_error("daemon: process %d takes more than %d s for a sync, and is killed; before it has ended, no other one "
			  "begins, and what was published stays",
			  (int)d->worker.pid, WORKER_LIMIT_MS / 1000);
	return next_ms;
}

/* Whatever is due now. Returns when to be called again. */
static int64_t step(struct daemon *d)
{
	bool wanted = engine_wanted(d->engine);
	int64_t now = daemon_now_ms();

	if (d->worker.pid)
		return limit_worker(d, now);
	if (d->edited)
		schedule_hurry(&d->schedule, now, SETTLE_MS);
	if (wanted)
		schedule_hurry(&d->schedule, now, 0);
	if (now >= d->schedule.next_ms)
		daemon_start_worker(d, WORKER_SYNC);
	return d->worker.pid ? d->worker_began_ms + WORKER_LIMIT_MS : d->schedule.next_ms;
}

static int watch_files(struct daemon *d)
{
	static const char *const local[] = {"passwd", "shadow", "group", "shells", "subuid", "subgid", "localtime", "muster/adopted"};
	AUTO_FREE char *status = str_format("%s/%s", d->settings.conf.runtime_dir, STATUS_FILE);
	AUTO_FREE char *config = realpath(d->config ? d->config : MUSTER_CONF, NULL);
	const char *document = settings_document(&d->settings);
	int r = status ? watch_add(&d->watch, WATCH_STATUS, status) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(local); i++) {
		AUTO_FREE char *path = str_format(MUSTER_ETC "/%s", local[i]);

		r = path ? watch_add(&d->watch, WATCH_INPUT, path) : -ENOMEM;
	}
	if (r == 0 && document)
		r = watch_add(&d->watch, WATCH_INPUT, document);
	if (r == 0)
		r = watch_add(&d->watch, WATCH_CONF, config ? config : MUSTER_CONF);
	watch_renew(&d->watch);
	return r;
}

/* Settings S take force. */
static int apply(struct daemon *d, struct settings *s)
{
	int r;

	keeper_drop(&d->fetch);
	keeper_drop(&d->ask);
	auth_set(d->auth, &s->conf);
	settings_done(&d->settings);
	d->settings = *s;
	*s = (struct settings){.fd = -1};
	d->schedule.interval_ms = d->settings.conf.poll_interval_ms;
	d->schedule.remote = !settings_document(&d->settings);
	if (d->server)
		server_set(d->server, d->settings.conf.recheck_after_ms,
			   d->settings.conf.recheck_timeout_ms);
	watch_clear(&d->watch);
	r = watch_files(d);
	return r < 0 ? r : engine_set_directory(d->engine, settings_document(&d->settings),
						    d->settings.conf.driver == CONF_DRIVER_JUMPCLOUD);
}

static int load_again(struct daemon *d, struct settings *ret, char *error)
{
	const struct conf *old = &d->settings.conf;
	int r = settings_load(d->config, ret, error);

	if (r < 0)
		return r;
	if (!strcmp(ret->conf.runtime_dir, old->runtime_dir) && !strcmp(ret->conf.state_dir, old->state_dir))
		return 0;
	r = str_print(error, CONF_ERROR_SIZE, "[paths] changes need a restart");
	return r < 0 ? r : -EINVAL;
}

/* True: it says something new, which is in force now. Whoever edits it after it was read and before it was watched is not noticed: look again. */
static bool read_again(struct daemon *d)
{
	CLEANUP(settings_done) struct settings s = {.fd = -1};
	char error[CONF_ERROR_SIZE];
	int r;

	if (load_again(d, &s, error) < 0) {
		log_error("conf: %s; the configuration before stays in force", error);
		return false;
	}
	if (conf_fingerprint(&s.conf) == conf_fingerprint(&d->settings.conf) &&
	    s.conf.access_sum == d->settings.conf.access_sum)
		return false;
	daemon_renew_sync(d); /* before its muster-fetch is taken away, of which it would complain */
	r = apply(d, &s);
	if (r < 0)
		log_error("conf: not all of it is in force: %s", strerror(-r));
	d->edited = true;
	daemon_renew_sessions(d);
	log_notice("conf: read again");
	return true;
}

static void reload(struct daemon *d)
{
	notify_reloading(&d->notify);
	d->reload = read_again(d);
	notify_send(&d->notify, "READY=1");
}

static void take_signals(struct daemon *d)
{
	struct signalfd_siginfo s;
	int status;
	pid_t pid;

	while (read(d->signals, &s, sizeof(s)) == sizeof(s)) {
		if (s.ssi_signo == SIGHUP)
			d->reload = true;
		else if (s.ssi_signo == SIGTERM || s.ssi_signo == SIGINT)
			d->stop = true;
	}
	while ((pid = worker_reap(&status)) > 0) {
		if (worker_ended(&d->worker, pid))
			take_worker(d, status);
		else if (worker_ended(&d->sessions, pid))
			daemon_sessions_ended(d, status);
		else if (worker_ended(&d->refresh, pid))
			daemon_refresh_ended(d, status);
		else if ((keeper_ended(&d->fetch, pid) || keeper_ended(&d->ask, pid)) && WIFSIGNALED(status))
			log_error("daemon: muster-fetch died of signal %d", WTERMSIG(status));
	}
}

/* Due, or the clock was set: either way time has news. */
static void take_change_timer(struct daemon *d)
{
	uint64_t n;

	if (read(d->change_timer, &n, sizeof(n)) < 0 && errno == EAGAIN)
		return;
	schedule_hurry(&d->schedule, daemon_now_ms(), 0);
	daemon_want_sessions(d, 0);
}

static void take_timer(struct daemon *d)
{
	uint64_t n;

	if (read(d->timer, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_error("daemon: timer: %s", strerror(errno));
}

/* The manager hears of us whenever we are awake, and we wake for it only when we slept too long. */
static void ping(struct daemon *d)
{
	if (!d->notify.watchdog_ms)
		return;
	notify_send(&d->notify, "WATCHDOG=1");
	d->ping_ms = daemon_now_ms() + d->notify.watchdog_ms;
}

static int arm(struct daemon *d, int64_t sync_ms, int64_t sessions_ms, int64_t refresh_ms)
{
	int64_t at = sync_ms;
	struct itimerspec t = {0};

	if (sessions_ms < at)
		at = sessions_ms;
	if (refresh_ms < at)
		at = refresh_ms;
	if (d->notify.watchdog_ms && d->ping_ms < at)
		at = d->ping_ms;
	if (at < 1)
		at = 1; /* 0 would disarm it */
	t.it_value = (struct timespec){at / 1000, at % 1000 * 1000000};
	return timerfd_settime(d->timer, TFD_TIMER_ABSTIME, &t, NULL) < 0 ? -errno : 0;
}

static int loop(struct daemon *d)
{
	struct pollfd fds[] = {
		{.fd = d->signals, .events = POLLIN},	   {.fd = d->timer, .events = POLLIN},
		{.fd = d->change_timer, .events = POLLIN}, {.fd = d->watch.fd, .events = POLLIN},
		{.fd = engine_fd(d->engine), .events = POLLIN},
	};
	int64_t sync_ms;
	int r;

	daemon_start_worker(d, WORKER_PUBLISH);
	if (!d->worker.pid)
		be_ready(d); /* readers take what is in /var/lib */
	while (!d->stop) {
		ping(d);
		sync_ms = step(d);
		r = arm(d, sync_ms, daemon_step_sessions(d, daemon_now_ms()), daemon_step_refresh(d, daemon_now_ms()));
		if (r < 0)
			return r;
		if (poll(fds, ARRAY_SIZE(fds), d->reload ? 0 : -1) < 0 && errno != EINTR)
			return -errno;
		take_timer(d);
		take_change_timer(d);
		take_signals(d);
		daemon_take_changes(d, ~0); /* last: what we have just written is no reason to wake again */
		if (d->reload)
			reload(d);
	}
	return 0;
}

static int open_signals(int *ret)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	*ret = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret < 0 ? -errno : 0;
}

/*
 * One living musterd: two would take each other's sockets. Whom the file names is a service of this machine, and not part of
 * the session that it may have been started from (agentd/session_pick.h). The lock is the process's own, not the file's: a child that
 * outlives a killed one must not hold it. So nothing else here may open that file: closing it again would give the lock back.
 */
static int take_lock(struct daemon *d, const struct conf *c)
{
	struct flock whole = {.l_type = F_WRLCK};
	AUTO_FREE char *path = str_format("%s/" PID_FILE, c->runtime_dir);
	int r = path ? dir_ensure(c->runtime_dir, 0755) : -ENOMEM;

	if (r < 0)
		return r;
	d->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (d->lock < 0)
		return -errno;
	if (fcntl(d->lock, F_SETLK, &whole) < 0)
		return errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
	if (ftruncate(d->lock, 0) < 0 || dprintf(d->lock, "%d\n", (int)getpid()) < 0)
		return -errno;
	return 0;
}

bool daemon_lives(const char *runtime_dir)
{
	AUTO_FREE char *path = str_format("%s/" PID_FILE, runtime_dir);
	AUTO_CLOSE int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;
	struct flock held = {.l_type = F_WRLCK};

	return fd >= 0 && fcntl(fd, F_GETLK, &held) == 0 && held.l_type != F_UNLCK;
}

static int open_timer(int clock, int *ret)
{
	*ret = timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK);
	return *ret < 0 ? -errno : 0;
}

static int start(struct daemon *d, struct settings *s)
{
	int r = take_lock(d, &s->conf);

	if (r == -EBUSY)
		log_error("daemon: another musterd lives: see %s/" PID_FILE, s->conf.runtime_dir);
	if (r == 0)
		r = open_signals(&d->signals);
	if (r == 0)
		r = open_timer(CLOCK_BOOTTIME, &d->timer);
	if (r == 0)
		r = open_timer(CLOCK_REALTIME, &d->change_timer);
	if (r == 0)
		r = watch_init(&d->watch);
	if (r == 0)
		r = engine_new(&d->engine);
	if (r == 0)
		r = auth_new(&d->auth);
	if (r == 0)
		r = apply(d, s);
	while (r == 0 && read_again(d))
		continue;
	return r;
}

static void daemon_done(struct daemon *d)
{
	worker_stop(&d->worker);
	worker_stop(&d->refresh);
	keeper_drop(&d->fetch);
	keeper_drop(&d->ask);
	worker_stop(&d->sessions);
	if (d->server) {
		server_stop(d->server); /* its threads may still answer: what they use ends with the process */
	} else {
		engine_free(d->engine);
		auth_free(d->auth);
	}
	watch_done(&d->watch);
	closep(&d->signals);
	closep(&d->timer);
	closep(&d->change_timer);
	closep(&d->lock);
	notify_done(&d->notify);
	settings_done(&d->settings);
}

int daemon_run(const char *config)
{
	CLEANUP(settings_done) struct settings s = {.fd = -1};
	CLEANUP(daemon_done) struct daemon d = {
		.config = config,
		.settings = {.fd = -1},
		.fetch = {.sock = -1},
		.ask = {.sock = -1},
		.watch = {.fd = -1},
		.lock = -1, .signals = -1, .timer = -1, .change_timer = -1,
		.schedule = {.next_ms = INT64_MAX},
		.sessions_at_ms = INT64_MAX,
		.sessions_again_ms = INT64_MAX,
	};
	char error[CONF_ERROR_SIZE];
	int r = settings_load(config, &s, error);

	if (r < 0) {
		log_error("conf: %s", error);
		return -EINVAL;
	}
	notify_init(&d.notify);
	r = start(&d, &s);
	if (r == 0)
		r = loop(&d);
	if (r < 0 && r != -EBUSY)
		log_error("daemon: %s", strerror(-r));
	notify_send(&d.notify, "STOPPING=1");
	return r;
}
