/*
 * Sessions of users whom the directory refuses are ended (DESIGN.md 9, docs/sessions.md). What is published now decides, not
 * what has just changed: nothing is lost with a crash or a boot. Logs what it does.
 */
#ifndef AGENTD_SESSIONS_H
#define AGENTD_SESSIONS_H

#include "agentd/conf.h"

/* How long one user's end takes at most, [accounts] end_grace apart. */
#define SESSIONS_LIMIT_MS 60000

/*
 * End what [accounts] end_sessions says is to end, and return when that is done, end_grace included. Of two that run at a time
 * one returns at once, and the other one does also what the first was started for. Nothing is done where [paths] are not
 * those that logins read. A look at all processes that takes SESSIONS_LIMIT_MS never ends: SIGALRM then ends the caller.
 * 0; 1: another one is at it; -EBUSY processes are left that do not end; -errno it could not be seen what there is.
 */
int sessions_end(const struct conf *c) MUST_CHECK;

#endif
