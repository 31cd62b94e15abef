/* What the published pam.snapshot says about users: whose sessions are to end. One generation of it. */
#ifndef AGENTD_SESSION_JUDGE_H
#define AGENTD_SESSION_JUDGE_H

#include "agentd/local.h"
#include "common/names.h"
#include "common/reason.h"
#include "common/snapshot_reader.h"

struct session_judge {
	struct snapshot *snapshot;
	struct local *local; /* NULL: not needed yet */
	uint64_t generation;
	int64_t now;	     /* trusted time */
	uint32_t set;	     /* enum conf_end_sessions */
	struct buf buf;
};

struct session_user {
	uint32_t uid;
	char name[NAME_MAX_LEN + 1];
	char id[OBJECT_ID_MAX + 1];
	bool adopted; /* local, and in the directory's hands */
	enum reason reason;
};

/* -ENOENT: nothing is published. -errno. Ended with session_judge_done() in any case. */
int session_judge_open(struct session_judge *j, uint32_t set) MUST_CHECK;
void session_judge_done(struct session_judge *j);

/*
 * RET: the user with UID, or of NAME, when sessions of theirs are to end. -ESRCH: they are not; also for whom /etc/passwd has,
 * by name or by uid. -errno: it cannot be known.
 */
int session_judge_uid(struct session_judge *j, uint32_t uid, struct session_user *ret) MUST_CHECK;
int session_judge_name(struct session_judge *j, const char *name, struct session_user *ret) MUST_CHECK;

/*
 * May U, whose sessions were to end, keep them after all? Only one who is found, as the same user of the directory and with nothing
 * against it, or who is a local user now: neither one who was forgotten meanwhile, nor one who cannot be read.
 */
bool session_judge_allows(struct session_judge *j, const struct session_user *u) MUST_CHECK;

#endif
