/*
 * The parent's side of muster-fetch: start it with nothing but one socket, talk to it in frames (agentd/fetch/protocol.h),
 * stop it. A child that lies, dies, hangs or floods costs the sync and never more: everything has a deadline and a limit.
 */
#ifndef AGENTD_FETCHER_H
#define AGENTD_FETCHER_H

#include <sys/types.h>

#include "agentd/fetch/protocol.h"
#include "agentd/stage.h"
#include "common/wire.h"

#define FETCHER_ERROR_SIZE 1280

struct fetcher_options {
	const char *path;   /* of muster-fetch */
	const char *socket; /* where a service manager starts one for whoever connects; need not be there */
	bool drop;	  /* become uid, gid: when we are root */
	uid_t uid;
	gid_t gid;
	struct strlist settings; /* KEY VALUE KEY VALUE …, of any length, for CONFIG before the first request; must last as long as the fetcher */
	int idle_ms, total_ms;	 /* deadlines: of one frame, of one sync */
};

struct fetcher {
	pid_t pid; /* 0: not our child */
	int sock;
	uint32_t request_id; /* of the last request; begins by chance: an answer to others is not taken for one to us */
	struct strlist settings;
	bool told; /* of the settings */
	int idle_ms, total_ms;
};

/*
 * Connect to o->socket when that is there, else start o->path: it ends with the thread that did so. One other than the main
 * thread uses fetcher_leave() when it is done.
 * -EPERM the socket is not root's or ours; -ECONNREFUSED, -EAGAIN nobody listens there, or is too busy; -errno.
 */
int fetcher_start(const struct fetcher_options *o, struct fetcher *ret) MUST_CHECK;

/* Talk to one that others have started and keep: SOCK stays theirs. -errno. */
int fetcher_adopt(const struct fetcher_options *o, int sock, struct fetcher *ret) MUST_CHECK;

/* Close the socket, wait a moment, kill, reap. Also for one that never started (pid 0). */
void fetcher_stop(struct fetcher *f);

/*
 * Close the socket and no more: for a thread other than the main one, which must not signal a pid that the main thread may be
 * reaping. The child ends by itself, or else with the thread that started it (PR_SET_PDEATHSIG).
 */
void fetcher_leave(struct fetcher *f);

struct fetcher_request {
	int document_fd;       /* or -1 */
	const char *validator; /* of the last good sync, or "" */
	bool systems;	       /* ask for the list of systems instead: musterctl export */
	const char *user;      /* directory id: ask for him alone; NULL: for all */
};

struct fetcher_reply {
	struct frame_end end;	    /* on success */
	struct frame_server server; /* status 0: no server answered; also after a failure */
};

/*
 * One sync, or refresh of one user: send settings and request, and stage what comes until END; STAGE is empty before. When that
 * says FRAME_END_UNCHANGED, the validator still holds, and nothing was staged. What is staged for a user passed refresh_check().
 *   ret_error  on failure one sentence for the administrator, foreign text escaped
 * Returns 0; -EBADMSG and others of RESULT: the child said why; -EPROTO it broke the protocol; -EPIPE it died;
 * -ETIMEDOUT; -E2BIG it flooded; -errno.
 */
int fetcher_sync(struct fetcher *f, const struct fetcher_request *request, struct stage *stage,
		 struct fetcher_reply *ret, char ret_error[static FETCHER_ERROR_SIZE]) MUST_CHECK;

struct fetcher_login {
	const char *user, *password;
	int64_t deadline_ms; /* CLOCK_MONOTONIC */
};

/*
 * One VERIFY, the only request to this muster-fetch. 0, and *RET_RESULT is what it answered, 0 or negative
 * (agentd/fetch/protocol.h); -errno: there is no answer. RET_ERROR: a sentence in both cases, "" for 0 and 0.
 */
int fetcher_verify(struct fetcher *f, const struct fetcher_login *login, int *ret_result,
		   char ret_error[static FETCHER_ERROR_SIZE]) MUST_CHECK;

/*
 * One REPORT, of the user with this id. 0; negative errno of RESULT (agentd/fetch/protocol.h), or there is no answer within
 * f->idle_ms. RET_ERROR: a sentence, on failure.
 */
int fetcher_report(struct fetcher *f, const char *id, char ret_error[static FETCHER_ERROR_SIZE]) MUST_CHECK;

#endif
