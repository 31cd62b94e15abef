/* musterd's state, for the files that make it up: daemon.c, the loop; daemon_sync.c, one sync from begin to end. */
#ifndef AGENTD_DAEMON_PRIVATE_H
#define AGENTD_DAEMON_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "agentd/engine.h"
#include "agentd/fetch/protocol.h"
#include "agentd/keeper.h"
#include "agentd/metrics.h"
#include "agentd/notify.h"
#include "agentd/schedule.h"
#include "agentd/settings.h"
#include "agentd/watch.h"
#include "agentd/worker.h"

/* More than a fetch may take, and the wait for another musterd --once before it. */
#define WORKER_LIMIT_MS (SYNC_TOTAL_MS + 60000)

struct daemon {
	const char *config;
	struct settings settings;
	struct engine *engine;
	struct server *server; /* NULL: could not be started; logins go by the snapshots alone */
	int server_error;
	struct notify notify;
	struct watch watch;
	struct worker worker;
	int64_t worker_began_ms;
	struct keeper fetch; /* for syncs over a network */
	struct schedule schedule;
	struct metrics metrics;
	int64_t ping_ms;
	int lock, signals, timer, change_timer;
	bool edited; /* since the last worker began */
	bool reload, stop; /* asked for */
};

/* CLOCK_BOOTTIME; any 32 bits. */
int64_t daemon_now_ms(void);
uint32_t daemon_chance(void);

/* When it cannot even be started, the sync has failed. */
void daemon_start_worker(struct daemon *d, enum worker_task task);

/* A worker for WORKER_SYNC has ended, with STATUS as waitpid() has it: tell all whom it concerns, and plan the next. */
void daemon_sync_ended(struct daemon *d, int status);

/* See what has changed of the files that are watched. MASK: of enum watch_what, the others count for nothing. */
void daemon_take_changes(struct daemon *d, int mask);

#endif
