/* What is done to the processes of one user: words on their terminals, signals, and no way round them by forking. */
#ifndef AGENTD_SESSION_END_H
#define AGENTD_SESSION_END_H

#include "agentd/session_pick.h"

/* What all of a user's processes together are. */
struct session_sum {
	uint32_t processes;
	uint32_t sessions; /* logins, and what runs outside of one */
	pid_t first;
};

/* Count those of UID. */
struct session_sum session_count(const struct session_processes *s, uint32_t uid);

/*
 * Write TEXT to the terminals of UID's processes that are UID's own: never to one that a pseudonym leads to, or that was given
 * to somebody else. A terminal that takes nothing now gets nothing.
 */
void session_tell(const struct session_processes *s, uint32_t uid, const char *text);

/*
 * Send each of UID's processes the signals SIG, ended by a 0. Each is looked at again through D with a pidfd in hand, so that a
 * pid that went to another process hits nobody. 0; -errno, when one of them could not be sent.
 */
int session_signal(const struct session_processes *s, const struct proc_dir *d, uint32_t uid, const int *sig) MUST_CHECK;

/*
 * SIGKILL for all that runs as UID in one system call, which no fork outruns. Not done (-EBUSY) while it would hit one that is
 * not a process of UID's. Else 1: somebody was hit; 0: there was nobody; -errno.
 */
int session_sweep(const struct session_processes *s, uint32_t uid) MUST_CHECK;

#endif
