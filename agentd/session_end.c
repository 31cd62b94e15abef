#include "agentd/session_end.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#define TTYS_MAX     256
#define EXIT_NOBODY  2
#define TTY_MAJOR    4
#define TTY_SERIAL   64 /* the minor number of the first */
#define PTS_MAJOR    136
#define PTS_MAJORS   8
#define PTS_IN_MAJOR 256 /* minor numbers, before the next major one begins */

/* As unset as a login can be, a session is what the kernel calls one. */
static bool same_session(const struct proc *a, const struct proc *b)
{
	if (a->login_session != PROC_UNSET || b->login_session != PROC_UNSET)
		return a->login_session == b->login_session;
	return a->session == b->session;
}

static bool is_first_of_session(const struct session_processes *s, size_t place, uint32_t uid)
{
	for (size_t i = 0; i < place; i++)
		if (same_session(&s->procs[i], &s->procs[place]) && session_has(s, &s->procs[i], uid))
			return false;
	return true;
}

struct session_sum session_count(const struct session_processes *s, uint32_t uid)
{
	struct session_sum sum = {0};

	for (size_t i = 0; i < s->n_procs; i++) {
		if (!session_has(s, &s->procs[i], uid))
			continue;
		if (!sum.processes)
			sum.first = s->procs[i].pid;
		sum.processes++;
		sum.sessions += is_first_of_session(s, i, uid);
	}
	return sum;
}

/* As /proc/PID/stat packs it: 8 bits of the minor number, 12 of the major one, 12 more of the minor one. */
static int tty_path(uint32_t tty, char *out, size_t size, dev_t *ret)
{
	unsigned int major = (tty >> 8) & 0xfff, minor = (tty & 0xff) | ((tty >> 12) & 0xfff00);

	*ret = makedev(major, minor);
	if (major >= PTS_MAJOR && major < PTS_MAJOR + PTS_MAJORS)
		return str_print(out, size, "/dev/pts/%u", (major - PTS_MAJOR) * PTS_IN_MAJOR + minor);
	if (major == TTY_MAJOR && minor < TTY_SERIAL)
		return str_print(out, size, "/dev/tty%u", minor);
	if (major == TTY_MAJOR)
		return str_print(out, size, "/dev/ttyS%u", minor - TTY_SERIAL);
	return -ENOENT;
}

static void tell_one(uint32_t tty, uint32_t uid, const char *text)
{
	char path[32];
	dev_t device;
	AUTO_CLOSE int fd = tty_path(tty, path, sizeof(path), &device) < 0 ?
				    -1 :
				    open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != device || st.st_uid != uid)
		return;
	if (write(fd, text, strlen(text)) < 0)
		return; /* nobody reads there */
}

void session_tell(const struct session_processes *s, uint32_t uid, const char *text)
{
	uint32_t told[TTYS_MAX];
	size_t n = 0, k;

	for (size_t i = 0; i < s->n_procs && n < TTYS_MAX; i++) {
		uint32_t tty = s->procs[i].tty;

		if (!tty || !session_has(s, &s->procs[i], uid))
			continue;
		for (k = 0; k < n && told[k] != tty; k++)
			;
		if (k < n)
			continue;
		told[n++] = tty;
		tell_one(tty, uid, text);
	}
}

/* Between pidfd_open() and the signal the pid can only be the process that is looked at, or the signal finds nobody. */
static int signal_one(const struct session_processes *s, const struct proc_dir *d, pid_t pid, uint32_t uid, const int *sig)
{
	AUTO_CLOSE int fd = pidfd_open(pid, 0);
	struct proc p;
	int r;

	if (fd < 0)
		return errno == ESRCH ? 0 : -errno;
	r = proc_read(d, pid, &p);
	if (r < 0 || !session_has(s, &p, uid))
		return r == -ESRCH ? 0 : r;
	for (; *sig; sig++)
		if (pidfd_send_signal(fd, *sig, NULL, 0) < 0)
			return errno == ESRCH ? 0 : -errno;
	return 0;
}

int session_signal(const struct session_processes *s, const struct proc_dir *d, uint32_t uid, const int *sig)
{
	int result = 0;

	for (size_t i = 0; i < s->n_procs; i++) {
		int r;

		if (!session_has(s, &s->procs[i], uid))
			continue;
		r = signal_one(s, d, s->procs[i].pid, uid, sig);
		if (r < 0)
			result = r;
	}
	return result;
}

/* kill(-1) as UID goes to all whose real or saved uid that is. */
static bool hits_others(const struct session_processes *s, uint32_t uid)
{
	for (size_t i = 0; i < s->n_procs; i++) {
		const struct proc *p = &s->procs[i];

		if ((p->uid == uid || p->saved_uid == uid) && !session_has(s, p, uid))
			return true;
	}
	return false;
}

int session_sweep(const struct session_processes *s, uint32_t uid)
{
	pid_t child;
	int status;

	if (hits_others(s, uid))
		return -EBUSY;
	child = fork();
	if (child < 0)
		return -errno;
	if (child == 0) {
		/* as UID we could be stopped by one of those whom we are after */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || setresuid(uid, uid, uid) < 0)
			_exit(EXIT_FAILURE);
		_exit(kill(-1, SIGKILL) == 0 ? 0 : errno == ESRCH ? EXIT_NOBODY : EXIT_FAILURE);
	}
	for (int i = 0; i < 100; i++) {
		pid_t r = waitpid(child, &status, WNOHANG);

		if (r != 0 && (r != child || !WIFEXITED(status) || WEXITSTATUS(status) == EXIT_FAILURE))
			return -EIO;
		if (r != 0)
			return WEXITSTATUS(status) != EXIT_NOBODY;
		usleep(10000);
	}
	kill(child, SIGKILL);
	return waitpid(child, &status, 0) < 0 ? -errno : -ETIMEDOUT;
}
