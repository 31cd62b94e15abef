/* One sync and its steps: sync_ask.c asks the directory, sync_clock.c knows the time, sync_report.c tells it of locks, sync.c makes of the answer what is published. */
#ifndef AGENTD_SYNC_PRIVATE_H
#define AGENTD_SYNC_PRIVATE_H

#include "agentd/cache.h"
#include "agentd/guard.h"
#include "agentd/snapshots.h"
#include "agentd/source.h"
#include "agentd/state.h"
#include "agentd/sync.h"
#include "agentd/world.h"

struct sync {
	const struct conf *conf;
	struct sync_wishes wishes;
	struct strlist users; /* ask for these alone; none: for all */
	int fetch_fd; /* of a muster-fetch that is kept, or -1 */
	struct state state;
	struct local *local;
	struct source source;
	uint64_t inputs;      /* of all that the world is made from but the directory and access rules */
	uint64_t rules;	      /* of these, and of local time where they have hours */
	struct access_zone zone;
	int zone_error; /* -errno: local time is not known */
	uint64_t fingerprint; /* of all */
	struct cache_meta known; /* of the last good sync */
	uint64_t published;	 /* the generation that was found */
	bool current;		 /* the published files are of it, and still what they should be, if the directory is */
	struct clock_reading clock;
	struct clock_mark mark; /* as it was kept */
	bool kept;		/* it was */
	int64_t now;		/* trusted time */
	int64_t confirmed_at;	/* when the directory confirmed all that is published */
	struct stage stage;
	struct fetcher_reply reply;
	struct guard guard;
	struct world world;
	struct cache_diff diff; /* when compared */
	bool compared;
	struct snapshots snapshots;
	uint64_t generation;
	int64_t published_ms; /* by CLOCK_BOOTTIME; 0: not yet */
	int64_t next_change_at;
	bool online; /* the directory answered */
	bool alone;  /* it did not, and what fell due was published without it */
	bool told;   /* it was told of a lock, which the next sync will bring back */
};

/* Log that the sync failed, and that nothing was changed. -ECANCELED. */
int sync_failed(const char *what);
int sync_failed_errno(const char *what, int r);

/*
 * Read all that the world is made from, and ask the directory, unless it is a file of which everything is known. Over a network
 * that happens without the lock; when somebody else has synced meanwhile, whose answer may be the newer one, it is
 * asked again.
 */
int sync_ask(struct sync *s) MUST_CHECK;

/* The first part of it alone: what is known without the directory. */
int sync_look(struct sync *s) MUST_CHECK;

/* Is what the cache has what was published last, and can what is published be made from it? Or it takes a whole sync, -ESTALE. */
int sync_cache_possible(const struct sync *s) MUST_CHECK;
/* And it is published still, by these rules, and nothing of this host has changed. */
int sync_users_possible(const struct sync *s) MUST_CHECK;

/* Make of the answers in s->stage, maybe none, a whole list, as the cache has it. */
int sync_users_list(struct sync *s) MUST_CHECK;

/* Whose record cannot be read stays as he was last known, which is told of. */
int sync_keep_unreadable(struct sync *s) MUST_CHECK;

/* A list over a network does not say who was removed: many who are missing are held (agentd/guard.h). */
int sync_guard_removals(struct sync *s) MUST_CHECK;

/* Of users alone nothing is said that concerns the others, and nothing at all when there is no news. -errno. */
int sync_save_status(const struct sync *s, bool good, bool changed) MUST_CHECK;

/* It says what it said before, and all of that is published. */
bool sync_unchanged(const struct sync *s);

/* When the document says that it was confirmed, by whoever made it; 0: it does not say. */
int64_t sync_told_confirmed_at(const struct sync *s);

/* When the directory confirmed what it said: a web server whose document is old has confirmed nothing by serving it now. */
int64_t sync_confirmed_at(const struct sync *s);

/* Write that down. */
void sync_confirm(struct sync *s);

/* What time it is, by our clocks and the mark. -errno. */
int sync_read_clock(struct sync *s) MUST_CHECK;

/* The same, once a server may have told its own. */
void sync_ask_clock(struct sync *s);

/* Keep the mark, when it is due. Logs; a fault counts as an alarm. */
void sync_keep_clock(struct sync *s);

/*
 * Tell the directory of locks of this endpoint ([lockout] report), when it answers; what cannot be told now is kept
 * (agentd/reports.h). Logs; a fault counts as an alarm.
 */
void sync_report_locks(struct sync *s);

/* Which access rules there are, and local time for their hours; and put them into what is published. Logs. */
void sync_read_rules(struct sync *s);
void sync_add_rules(struct sync *s, struct policy *p);

/* For how long what is published holds; 0: for ever. */
int64_t sync_lease_s(const struct sync *s);

#endif
