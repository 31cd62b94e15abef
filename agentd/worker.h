/*
 * One task as a process of its own: musterd --worker=TASK, with the configuration on descriptor 3. Whatever becomes of it, a
 * crash, a leak, a damaged page, ends with it, and what it has published stays.
 */
#ifndef AGENTD_WORKER_H
#define AGENTD_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/str.h"

#define WORKER_CONF_FD	3
#define WORKER_FETCH_FD 4 /* with --fetch: the socket of a muster-fetch that outlives the worker */

/* How a worker exits. Anything else: it died. */
enum worker_exit {
	WORKER_GOOD = 0,
	WORKER_FAILED = 1, /* sync.status says why */
	WORKER_WHOLE = 4,  /* WORKER_REFRESH: only a whole sync can help */
	WORKER_ALARM = 3,  /* good, but something needs an administrator */
};

enum worker_task {
	WORKER_NONE = 0,
	WORKER_SYNC,
	WORKER_REFRESH, /* of some users */
	WORKER_PUBLISH, /* what /var/lib has, to /run */
	WORKER_SESSIONS, /* end those of refused users (agentd/sessions.h) */
	WORKER_TASKS
};

#define WORKER_USERS_MAX 16

/* TASK of --worker=TASK. No such one: WORKER_NONE. */
enum worker_task worker_task_named(const char *name);

struct worker {
	pid_t pid; /* 0: none */
	enum worker_task task;
	bool killed; /* it took too long */
};

struct worker_options {
	enum worker_task task;
	int conf_fd;	       /* the configuration's bytes */
	const char *conf_path; /* what messages call it; NULL: the default */
	struct strlist users;  /* WORKER_REFRESH: directory ids */
	int fetch_fd;	       /* for WORKER_FETCH_FD, or -1: a worker that needs one starts a muster-fetch of its own */
};

/* Main thread alone. -errno. */
int worker_start(struct worker *w, const struct worker_options *o) MUST_CHECK;

/*
 * Kill it when it takes longer than until DEADLINE_MS. Returns when to be called again; INT64_MAX once it was killed: one that hangs
 * in the kernel may not die for long, and there is nothing to do but wait.
 */
int64_t worker_limit(struct worker *w, int64_t now_ms, int64_t deadline_ms) MUST_CHECK;

/*
 * Reap one child that has ended, whoever it is: as process 1 of a container we are given others'. Its pid, *RET_STATUS as
 * waitpid() has it; 0 when there is none.
 */
pid_t worker_reap(int *ret_status);

/* Was PID this worker? Then there is none any more. */
bool worker_ended(struct worker *w, pid_t pid);

/* Ask it to end, wait a moment, kill. */
void worker_stop(struct worker *w);

#endif
