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
	uint32_t slice_uid;	/* of systemd's user-UID.slice, where it is in one and not systemd's own */
	uint32_t owner_uid;	/* whose uid, and no other one with it, a line of its user namespace's map lets through */
	bool owner_first;	/* the first line, or of a process in one without any: then the namespace can be nobody's but that user's or root's */
	bool kernel;		/* a thread of the kernel's */
	bool contained;		/* in a pid namespace below ours */
	bool in_machine;	/* in systemd's machine.slice */
};

struct proc_dir {
	int fd;
};

/* PATH of a mounted proc. -errno. Ended with proc_close(). */
int proc_open(const char *path, struct proc_dir *ret) MUST_CHECK;
void proc_close(struct proc_dir *d);

/* -ESRCH: there is none, or nothing of it lives but its exit status. -EBADMSG: not understood. -errno. */
int proc_read(const struct proc_dir *d, pid_t pid, struct proc *ret) MUST_CHECK;

/*
 * All of them as struct proc, sorted by pid, instead of what RET held. *RET_HIDDEN: there are some that cannot be seen or
 * understood, as where proc is mounted with hidepid. RET_GONE: uint32_t, effective uids of those that ended while they were looked
 * at, as what forks and ends all the time does, and not of those that ended long ago and are not reaped. -errno.
 */
int proc_scan(const struct proc_dir *d, struct buf *ret, struct buf *ret_gone, bool *ret_hidden) MUST_CHECK;

#endif
