#include "agentd/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "common/wire.h"

#define STOP_WAIT_MS 2000
#define STOP_POLL_MS 5

/* Our own file, also after an upgrade has replaced it: one version at a time. */
#define OWN_PROGRAM "/proc/self/exe"

/* As a process that nobody has prepared: no signal blocked or ignored. */
static int set_signals(posix_spawnattr_t *a)
{
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_setsigmask(a, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(a, &all);
	return r ? r : posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static const char *const names[WORKER_TASKS] = {
	[WORKER_SYNC] = "sync",
	[WORKER_REFRESH] = "refresh",
	[WORKER_PUBLISH] = "publish",
	[WORKER_SESSIONS] = "sessions",
};

enum worker_task worker_task_named(const char *name)
{
	for (int i = 0; i < WORKER_TASKS; i++)
		if (names[i] && !strcmp(names[i], name))
			return (enum worker_task)i;
	return WORKER_NONE;
}

/* FETCH_FD is above both places, so that the first copy does not close what is still to be copied. */
static int give_descriptors(posix_spawn_file_actions_t *actions, int conf_fd, int fetch_fd)
{
	int r = posix_spawn_file_actions_adddup2(actions, conf_fd, WORKER_CONF_FD);

	return r || fetch_fd < 0 ? r : posix_spawn_file_actions_adddup2(actions, fetch_fd, WORKER_FETCH_FD);
}

static int spawn(char *const argv[], int conf_fd, int fetch_fd, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r = posix_spawnattr_init(&attributes);

	if (r)
		return -r;
	r = posix_spawn_file_actions_init(&actions);
	if (r == 0) {
		r = set_signals(&attributes);
		if (r == 0)
			r = give_descriptors(&actions, conf_fd, fetch_fd);
		if (r == 0)
			r = posix_spawn(ret, OWN_PROGRAM, &actions, &attributes, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	posix_spawnattr_destroy(&attributes);
	return -r;
}

int worker_start(struct worker *w, const struct worker_options *o)
{
	AUTO_FREE char *task = str_format("--worker=%s", names[o->task]);
	AUTO_FREE char *config = o->conf_path ? str_format("--config=%s", o->conf_path) : NULL;
	AUTO_CLOSE int fetch_fd = -1;
	char name[] = "musterd", fetch[] = "--fetch", end[] = "--";
	char *argv[6 + WORKER_USERS_MAX] = {name, task};
	const char *id = NULL;
	size_t n = 2;
	int r;

	if (!task || (o->conf_path && !config))
		return -ENOMEM;
	if (o->users.count > WORKER_USERS_MAX)
		return -E2BIG;
	if (o->fetch_fd >= 0) {
		fetch_fd = fcntl(o->fetch_fd, F_DUPFD_CLOEXEC, WORKER_FETCH_FD + 1);
		if (fetch_fd < 0)
			return -errno;
		argv[n++] = fetch;
	}
	if (config)
		argv[n++] = config;
	if (o->users.count)
		argv[n++] = end;
	while ((id = strlist_next(&o->users, id)))
		argv[n++] = (char *)(uintptr_t)id;
	*w = (struct worker){.task = o->task};
	r = spawn(argv, o->conf_fd, fetch_fd, &w->pid);
	if (r < 0)
		w->pid = 0;
	return r;
}

static void kill_late(struct worker *w)
{
	w->killed = true;
	kill(w->pid, SIGKILL);
}

int64_t worker_limit(struct worker *w, int64_t now_ms, int64_t deadline_ms)
{
	if (!w->killed && now_ms >= deadline_ms)
		kill_late(w);
	return w->killed ? INT64_MAX : deadline_ms;
}

pid_t worker_reap(int *ret_status)
{
	pid_t pid = waitpid(-1, ret_status, WNOHANG);

	return pid > 0 ? pid : 0;
}

bool worker_ended(struct worker *w, pid_t pid)
{
	if (pid != w->pid)
		return false;
	w->pid = 0;
	return true;
}

void worker_stop(struct worker *w)
{
	int64_t deadline = wire_now_ms() + STOP_WAIT_MS;
	int status;

	if (!w->pid)
		return;
	kill(w->pid, SIGTERM);
	while (waitpid(w->pid, &status, WNOHANG) == 0) {
		if (wire_now_ms() >= deadline)
			kill(w->pid, SIGKILL);
		nanosleep(&(struct timespec){.tv_nsec = STOP_POLL_MS * 1000000L}, NULL);
	}
	w->pid = 0;
}
