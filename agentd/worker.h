/*
 * One sync as a process of its own: musterd --worker, with the configuration on descriptor 3. Whatever becomes of it, a
 * crash, a leak, a damaged page, ends with it, and what it has published stays.
 */
#ifndef AGENTD_WORKER_H
#define AGENTD_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/macros.h"

#define WORKER_CONF_FD 3

/* How a worker exits. Anything else: it died. */
enum worker_exit {
	WORKER_GOOD = 0,
	WORKER_FAILED = 1, /* sync.status says why */
	WORKER_ALARM = 3,  /* good, but something needs an administrator */
};

enum worker_task {
	WORKER_SYNC = 1,
	WORKER_PUBLISH, /* what /var/lib has, to /run */
};

struct worker {
	pid_t pid; /* 0: none */
	enum worker_task task;
	bool killed; /* by worker_kill() */
};

/* CONF_FD: the configuration's bytes. CONF_PATH: what messages call it; NULL: the default. Main thread alone. -errno. */
int worker_start(struct worker *w, enum worker_task task, int conf_fd, const char *conf_path) MUST_CHECK;

/* It took too long. */
void worker_kill(struct worker *w);

/* Reap all children that have ended. True when the worker is among them: *RET_STATUS as waitpid() has it. */
bool worker_reap(struct worker *w, int *ret_status);

/* Ask it to end, wait a moment, kill. */
void worker_stop(struct worker *w);

#endif
