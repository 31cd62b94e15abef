/*
 * Who is missing from a list that does not say who was removed: of a web server's, a truncated export or a wrong file is
 * likelier than a mass dismissal. So a few missing users are gone at once, while many stay as they were last known until
 * the directory has said it several times, or an administrator does (DESIGN.md 5, R13). Bad news about those who are in
 * the list never waits.
 */
#ifndef AGENTD_GUARD_H
#define AGENTD_GUARD_H

#include "agentd/guard_rule.h"
#include "agentd/ledger.h"
#include "agentd/stage.h"
#include "agentd/store.h"
#include "common/snapshot_reader.h"

#define GUARD_SYNCS   3	 /* so many say the same before they are believed */

struct guard_input {
	int64_t now;	   /* trusted time */
	int64_t hold_s;	   /* and for so long they have said it */
	int64_t before[GUARD_SYNCS - 1]; /* when the syncs before this one were, the last one first; 0: there was none */
	bool accepted;	   /* by an administrator: all who are missing are gone */
	struct snapshot *published; /* when it is newer than the cache, whose commit was lost; or NULL */
};

struct guard {
	uint32_t n_known;   /* users who were here until now */
	uint32_t n_missing; /* of those, how many nobody explains */
	uint32_t n_held;    /* and how many of these stay */
	int64_t until;	    /* when the first of them may go */
};

/* Pure: has one who is missing since SINCE been missing often and long enough? */
bool guard_confirmed(const struct guard_input *in, int64_t since);

/*
 * Judge the list in STAGE, which was flushed, and note in the ledger since when who is missing. Who is held is added to
 * STAGE as CACHE has him, with his groups, so that all that follows finds him there.
 * 0; -ENOENT somebody has to be held, and CACHE does not know him; -EPROTO, -ENOMEM, -EBADMSG, -errno.
 */
int guard_apply(const struct guard_input *in, struct stage *stage, struct ledger *ledger, struct store *cache,
		struct guard *ret) MUST_CHECK;

#endif
