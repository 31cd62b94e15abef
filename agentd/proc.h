/*
 * What /proc tells of a process, as far as it says whose it is. Read from a directory, so that tests bring their own.
 * All of it may be about another process a moment later: who acts on it holds a pidfd from before the reading.
 */
#ifndef AGENTD_PROC_H
#define AGENTD_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/str.h"

#define PROC_UNSET UINT32_MAX /* no uid, no session */

struct proc {
	pid_t pid, parent, session;
	uint32_t tty;		/* of the controlling terminal, as /proc has it; 0: none */
	uint32_t uid, saved_uid;	/* real and saved */
	uint32_t login_uid;	/* who logged in; inherited, and kept through su and sudo */
	uint32_t login_session; /* the same for each login */
	uint32_t slice_uid;	/* of systemd's user-UID.slice, where it is in one */
	uint32_t owner_uid;	/* who made its user namespace, where that is not ours */
	bool kernel;		/* a thread of the kernel's */
	bool contained;		/* in another pid namespace than ours, or in systemd's machine.slice */
};

/* PATH of a mounted proc, and what of it is ours. */
struct proc_dir {
	int fd;
	char pid_ns[40], user_ns[40];
};

/* -errno. Ended with proc_close(). */
int proc_open(const char *path, struct proc_dir *ret) MUST_CHECK;
void proc_close(struct proc_dir *d);

/* -ESRCH: there is none, or nothing of it lives but its exit status. -EBADMSG: not understood. -errno. */
int proc_read(const struct proc_dir *d, pid_t pid, struct proc *ret) MUST_CHECK;

/* All of them as struct proc, sorted by pid, instead of what RET held. One that cannot be read is as good as ended. -errno. */
int proc_scan(const struct proc_dir *d, struct buf *ret) MUST_CHECK;

#endif
