/* musterd's state, for the files that make it up: daemon.c, the loop; daemon_sync.c, one sync from begin to end. */
#ifndef AGENTD_DAEMON_PRIVATE_H
#define AGENTD_DAEMON_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "agentd/auth.h"
#include "agentd/engine.h"
#include "agentd/fetch/protocol.h"
#include "agentd/keeper.h"
#include "agentd/metrics.h"
#include "agentd/notify.h"
#include "agentd/schedule.h"
#include "agentd/sessions.h"
#include "agentd/settings.h"
#include "agentd/status.h"
#include "agentd/watch.h"
#include "agentd/worker.h"

/* More than a fetch may take, and the wait for another musterd --once before it. */
#define WORKER_LIMIT_MS (SYNC_TOTAL_MS + 60000)

/* Sessions are looked at again: so long after bad news, for a login that was on its way in; and off line. */
#define SESSIONS_LATE_MS    10000
#define SESSIONS_OFFLINE_MS 60000

/* A refresh of users that takes longer is given up; and so long a muster-fetch waits for the next one. */
#define REFRESH_LIMIT_MS 30000
#define REFRESH_KEEP_MS	 60000

struct daemon {
	const char *config;
	struct settings settings;
	struct auth *auth;
	struct engine *engine;
	struct server *server; /* NULL: could not be started; logins go by the snapshots alone */
	int server_error;
	struct notify notify;
	struct watch watch;
	struct worker worker;
	int64_t worker_began_ms;
	struct keeper fetch; /* for syncs over a network */
	struct worker refresh; /* of users who log in, beside a sync */
	int64_t refresh_began_ms, ask_until_ms;
	struct keeper ask; /* for it; until then, when nobody logs in */
	struct worker sessions; /* beside the other one: a directory that does not answer delays no end of sessions */
	bool sessions_late;	/* bad news came, or may have: look a second time */
	int64_t sessions_at_ms; /* when it is to look again; INT64_MAX: when there is a reason */
	int64_t sessions_again_ms; /* that second look, which no other one takes the place of; INT64_MAX: none */
	struct schedule schedule;
	struct metrics metrics;
	int64_t ping_ms;
	int lock, signals, timer, change_timer;
	bool edited; /* since the last worker began */
	bool outdated; /* the sync in flight was told to end: it obeys settings that are no longer in force */
	bool reload, stop; /* asked for */
};

/* CLOCK_BOOTTIME; any 32 bits. */
int64_t daemon_now_ms(void);
uint32_t daemon_chance(void);

/* When it cannot even be started, the sync has failed. */
void daemon_start_worker(struct daemon *d, enum worker_task task);

/* A worker for WORKER_SYNC has ended, with STATUS as waitpid() has it: tell all whom it concerns, and plan the next. */
void daemon_sync_ended(struct daemon *d, int status);

/* Other settings take force: what the old ones met counts no more, nor does a sync that still waits for the old directory. */
void daemon_renew_sync(struct daemon *d);

/* Users are asked for when somebody waits for that. Returns when to be called again. */
int64_t daemon_step_refresh(struct daemon *d, int64_t now_ms) MUST_CHECK;

/* Its worker has ended, with STATUS as waitpid() has it. */
void daemon_refresh_ended(struct daemon *d, int status);

/* What a worker has published has effects beside logins. */
void daemon_note_published(struct daemon *d, const struct sync_status *status);

void daemon_make_view(const struct sync_status *s, bool online, const char *error, struct engine_view *ret);

/* Look for sessions to end not later than DELAY_MS from now. */
void daemon_want_sessions(struct daemon *d, int64_t delay_ms);

/* The same at once, by settings that are new. */
void daemon_renew_sessions(struct daemon *d);

/* Start that, or see whether it takes too long. Returns when to be called again. */
int64_t daemon_step_sessions(struct daemon *d, int64_t now_ms) MUST_CHECK;

/* Its worker has ended, with STATUS as waitpid() has it. */
void daemon_sessions_ended(struct daemon *d, int status);

/* What is published says when something of it falls due; nobody may have lived then. */
void daemon_expect_changes(struct daemon *d);

/* See what has changed of the files that are watched. MASK: of enum watch_what, the others count for nothing. */
void daemon_take_changes(struct daemon *d, int mask);

#endif
