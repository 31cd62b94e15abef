#include "agentd/worker.h"

#include <errno.h>
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

static int spawn(char *const argv[], int conf_fd, pid_t *ret)
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
			r = posix_spawn_file_actions_adddup2(&actions, conf_fd, WORKER_CONF_FD);
		if (r == 0)
			r = posix_spawn(ret, OWN_PROGRAM, &actions, &attributes, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	posix_spawnattr_destroy(&attributes);
	return -r;
}

int worker_start(struct worker *w, enum worker_task task, int conf_fd, const char *conf_path)
{
	char name[] = "musterd", worker[] = "--worker", publish[] = "--publish-only", config[] = "--config";
	AUTO_FREE char *path = conf_path ? strdup(conf_path) : NULL;
	char *argv[6] = {name, worker};
	size_t n = 2;
	int r;

	if (conf_path && !path)
		return -ENOMEM;
	if (task == WORKER_PUBLISH)
		argv[n++] = publish;
	if (path) {
		argv[n++] = config;
		argv[n++] = path;
	}
	*w = (struct worker){.task = task};
	r = spawn(argv, conf_fd, &w->pid);
	if (r < 0)
		w->pid = 0;
	return r;
}

void worker_kill(struct worker *w)
{
	w->killed = true;
	kill(w->pid, SIGKILL);
}

bool worker_reap(struct worker *w, int *ret_status)
{
	bool found = false;
	int status;
	pid_t pid;

	/* any child: as process 1 of a container we are given others' */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != w->pid)
			continue;
		*ret_status = status;
		w->pid = 0;
		found = true;
	}
	return found;
}

void worker_stop(struct worker *w)
{
	int64_t deadline = wire_now_ms() + STOP_WAIT_MS;
	int status;

	if (!w->pid)
		return;
	kill(w->pid, SIGTERM);
	while (!worker_reap(w, &status)) {
		if (wire_now_ms() >= deadline)
			kill(w->pid, SIGKILL);
		nanosleep(&(struct timespec){.tv_nsec = STOP_POLL_MS * 1000000L}, NULL);
	}
}
