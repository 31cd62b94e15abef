/* One run of sessions_end(): sessions.c, from begin to end; sessions_step.c, what is done to one user. */
#ifndef AGENTD_SESSIONS_PRIVATE_H
#define AGENTD_SESSIONS_PRIVATE_H

#include "agentd/session_end.h"
#include "agentd/session_judge.h"
#include "agentd/sessions.h"

/* One user, from the first process that is seen to the last. */
struct ending {
	struct session_user user;
	struct session_sum sum; /* now */
	struct session_sum most; /* as they were when they were told, or the first signal went out */
	enum {
		ENDING_SEEN = 1,
		ENDING_TOLD,	   /* may go by themselves until due_ms */
		ENDING_TERMINATED, /* asked to end; made to at due_ms */
		ENDING_KILLED,	   /* given up at due_ms */
		ENDING_LEFT,	   /* they did not end, whatever was done */
		ENDING_OVER,
	} phase;
	int64_t began_ms, due_ms;
	bool refused; /* still */
};

struct sessions {
	const struct conf *conf;
	struct proc_dir proc;
	struct buf procs, services; /* struct proc, pid_t */
	struct buf gone;	    /* uids of those that ended while they were looked at */
	struct session_processes all; /* of both */
	struct session_judge judge;
	struct buf endings;
	struct buf checked; /* uids that were judged in this pass */
	uint32_t users, processes; /* ended */
	uint32_t left;	      /* processes that did not end */
	struct buf left_said; /* uids of who was said to have some, in the run before */
	int error; /* of this pass */
};

/* E at NOW_MS, with S->all fresh. Returns for how many milliseconds nothing is to do; 0: nothing more ever is. */
int64_t sessions_step(struct sessions *s, struct ending *e, int64_t now_ms) MUST_CHECK;

/* SIGUSR1, of a musterd with other settings, ends this one; but not while somebody is made to end. */
void sessions_hold(bool held);

/* Lingering of refused users stops, unless they are still in their grace: they are started no more at boot. */
void sessions_stop_lingering(struct sessions *s);

#endif
