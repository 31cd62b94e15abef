/*
 * Whose process is it, and what of an account ends sessions: the rules, without a signal being sent. docs/sessions.md says
 * why each is as it is.
 */
#ifndef AGENTD_SESSION_PICK_H
#define AGENTD_SESSION_PICK_H

#include "agentd/proc.h"
#include "common/account.h"
#include "common/reason.h"

/*
 * Why sessions of A end at NOW when SET (enum conf_end_sessions) is what ends them; REASON_OK: they do not. Asked is the
 * directory alone: neither a date that passed nor one who had to be left out here ends any.
 */
enum reason session_end_reason(const struct account *a, uint32_t set, int64_t now);

/* All processes, and which of them services of this machine have in files. */
struct session_processes {
	const struct proc *procs; /* sorted by pid */
	size_t n_procs;
	const pid_t *services;
	size_t n_services;
	pid_t self;
};

/* Is P a process of a session of UID's? */
bool session_has(const struct session_processes *s, const struct proc *p, uint32_t uid);

/*
 * Add to RET, as pid_t, what the files *.pid in DIR and in the directories in it name: those that only root (or who we are)
 * can have written. What cannot be read names nobody. -ENOMEM.
 */
int session_services(const char *dir, struct buf *ret) MUST_CHECK;

#endif
