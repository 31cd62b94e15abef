#include "agentd/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentd/file.h"
#include "common/clock.h"

#define FILE_MAX      (1 << 20) /* of status: a process may be in 65536 groups */
#define STAT_FLAGS    5 /* parent, pgrp, session, tty, tty_pgrp, flags, … */
#define STAT_THREADS  16
#define STAT_START    18
#define ZOMBIE_MS     10000 /* no process of a chain that nobody can look at in time lives that long */
#define PF_KTHREAD    0x00200000ul
#define USER_SLICE    "/user.slice/user-"
#define MACHINE_SLICE "/machine.slice/"
#define RUNTIME_DIR   "/user-runtime-dir@" /* in there: systemd's own, which makes /run/user/UID and takes it away again */

/* WHAT names a file below the process: "stat". */
static int read_file(const struct proc_dir *d, pid_t pid, const char *what, struct buf *out)
{
	char path[64];
	int r = str_print(path, sizeof(path), "%d/%s", (int)pid, what);
	AUTO_CLOSE int fd = r < 0 ? -1 : openat(d->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (r < 0)
		return r;
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	out->len = 0;
	return file_read_fd(fd, FILE_MAX, out);
}

/* The number at *P, which goes on behind it and the blanks that follow; a sign counts for nothing. False: there is none. */
static bool take_number(const char **p, unsigned long *ret)
{
	const char *digits = *p + (**p == '-');
	char *end;

	if (*digits < '0' || *digits > '9')
		return false;
	*ret = strtoul(digits, &end, 10);
	*p = end + strspn(end, " \t\n");
	return true;
}

/* Since when there is a process that began at START, in ticks since the boot. */
static int64_t age_ms(unsigned long start)
{
	return clock_boottime_ms() - (int64_t)start * 1000 / sysconf(_SC_CLK_TCK);
}

/*
 * The name may hold anything, parentheses too: what counts follows the last one. -ESRCH; -ENODATA: it ended, and began so long ago that
 * it is not of a chain that forks and ends all the time, but of a parent that does not reap it.
 */
static int read_stat(const struct proc_dir *d, struct buf *buf, struct proc *p)
{
	unsigned long v[STAT_START + 1];
	const char *s;
	char state;
	int r = read_file(d, p->pid, "stat", buf);

	if (r < 0)
		return r;
	s = strrchr((const char *)buf->data, ')');
	if (!s || strlen(s) < 4)
		return -EBADMSG;
	state = s[2]; /* ") S 1 …" */
	s += 4;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		if (!take_number(&s, &v[i]))
			return -EBADMSG;
	/* the first thread of a living process may have ended, too */
	if (state == 'Z' && v[STAT_THREADS] < 2 && age_ms(v[STAT_START]) > ZOMBIE_MS)
		return -ENODATA;
	if (state == 'X' || (state == 'Z' && v[STAT_THREADS] < 2))
		return -ESRCH;
	p->parent = (pid_t)v[0];
	p->session = (pid_t)v[2];
	p->tty = (uint32_t)v[3];
	p->kernel = v[STAT_FLAGS] & PF_KTHREAD;
	return 0;
}

/* Its pid in each namespace that it is in, ours first. */
static int read_pids(const char *status, struct proc *p)
{
	const char *s = strstr(status, "\nNSpid:\t");
	unsigned long v;

	if (!s)
		return -EBADMSG;
	s += strlen("\nNSpid:\t");
	if (!take_number(&s, &v))
		return -EBADMSG;
	p->contained = *s >= '0' && *s <= '9';
	return 0;
}

static int read_uids(const struct proc_dir *d, struct buf *buf, struct proc *p)
{
	unsigned long v[3]; /* real, effective, saved */
	const char *s;
	int r = read_file(d, p->pid, "status", buf);

	if (r < 0)
		return r;
	s = strstr((const char *)buf->data, "\nUid:\t");
	if (!s)
		return -EBADMSG;
	s += strlen("\nUid:\t");
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		if (!take_number(&s, &v[i]))
			return -EBADMSG;
	p->uid = (uint32_t)v[0];
	p->saved_uid = (uint32_t)v[2];
	return read_pids(s, p);
}

/* A kernel without audit has no such file: nobody is known to have logged in. */
static int read_login(const struct proc_dir *d, const char *what, struct buf *buf, pid_t pid, uint32_t *ret)
{
	unsigned long v;
	const char *s;
	int r = read_file(d, pid, what, buf);

	*ret = PROC_UNSET;
	if (r < 0)
		return r == -ESRCH ? 0 : r;
	s = (const char *)buf->data;
	if (!take_number(&s, &v))
		return -EBADMSG;
	*ret = (uint32_t)v;
	return 0;
}

/* PATH of one line of the file. Users make groups only below what is theirs, so that the beginning can be believed. */
static void take_cgroup(const char *path, struct proc *p)
{
	unsigned long uid;

	if (!strncmp(path, MACHINE_SLICE, strlen(MACHINE_SLICE)))
		p->in_machine = true;
	if (strncmp(path, USER_SLICE, strlen(USER_SLICE)) != 0)
		return;
	path += strlen(USER_SLICE);
	if (!take_number(&path, &uid) || strncmp(path, ".slice", 6) != 0)
		return;
	path += 6;
	if ((!*path || *path == '/') && strncmp(path, RUNTIME_DIR, strlen(RUNTIME_DIR)) != 0)
		p->slice_uid = (uint32_t)uid;
}

static int read_cgroup(const struct proc_dir *d, struct buf *buf, struct proc *p)
{
	int r = read_file(d, p->pid, "cgroup", buf);
	char *rest, *line;

	/* users nest theirs as deep as they like; who is in one too deep to be named is found by uid and login all the same */
	if (r < 0)
		return r == -ESRCH || r == -ENAMETOOLONG ? 0 : r;
	rest = (char *)buf->data;
	while ((line = strsep(&rest, "\n"))) {
		char *path = strchr(line, ':');

		path = path ? strchr(path + 1, ':') : NULL;
		if (path)
			take_cgroup(path + 1, p);
	}
	return 0;
}

/*
 * Only root and a user himself can map his uid into a namespace, and he no more than that one: whatever other uids there are
 * in it, they are his. He has it as root in there, or by a number further down (podman --userns=keep-id), and there root does the same
 * where a container is to share files with him (lxc.idmap). One without a map (unshare -U) nobody has entered but who made it.
 */
static int read_uid_map(const struct proc_dir *d, struct buf *buf, struct proc *p)
{
	unsigned long v[3]; /* inside, outside, how many */
	const char *s;
	bool first = true;
	int r = read_file(d, p->pid, "uid_map", buf);

	if (r < 0)
		return r == -ESRCH ? 0 : r; /* no user namespaces */
	s = (const char *)buf->data;
	s += strspn(s, " ");
	if (!*s) {
		p->owner_uid = p->uid;
		p->owner_first = true;
	}
	for (; *s && p->owner_uid == PROC_UNSET; first = false) {
		for (size_t i = 0; i < ARRAY_SIZE(v); i++)
			if (!take_number(&s, &v[i]))
				return -EBADMSG;
		if (v[2] != 1)
			continue;
		p->owner_uid = (uint32_t)v[1];
		p->owner_first = first;
	}
	return 0;
}

static int read_into(const struct proc_dir *d, pid_t pid, struct buf *buf, struct proc *ret)
{
	struct proc p = {.pid = pid, .slice_uid = PROC_UNSET, .owner_uid = PROC_UNSET};
	int r = read_stat(d, buf, &p);

	if (r == 0)
		r = read_uids(d, buf, &p);
	if (r == 0)
		r = read_login(d, "loginuid", buf, pid, &p.login_uid);
	if (r == 0)
		r = read_login(d, "sessionid", buf, pid, &p.login_session);
	if (r == 0 && !p.kernel)
		r = read_cgroup(d, buf, &p);
	if (r == 0 && !p.kernel)
		r = read_uid_map(d, buf, &p);
	if (r == 0)
		*ret = p;
	return r;
}

int proc_read(const struct proc_dir *d, pid_t pid, struct proc *ret)
{
	CLEANUP(buf_done) struct buf buf = {0};
	int r = read_into(d, pid, &buf, ret);

	return r == -ENODATA ? -ESRCH : r;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t pa = ((const struct proc *)a)->pid, pb = ((const struct proc *)b)->pid;

	return (pa > pb) - (pa < pb);
}

static void close_dirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* One of them, or -ESRCH and whose it was, as far as that could be seen. */
static int look_at(const struct proc_dir *d, const char *name, pid_t pid, struct buf *buf, struct proc *ret, struct buf *gone)
{
	struct stat st;
	bool seen = fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	int found = read_into(d, pid, buf, ret), r = 0;

	if (found == -ESRCH && seen)
		r = buf_add(gone, &(uint32_t){st.st_uid}, sizeof(uint32_t));
	return r < 0 ? r : found == -ENODATA ? -ESRCH : found;
}

int proc_scan(const struct proc_dir *d, struct buf *ret, struct buf *ret_gone, bool *ret_hidden)
{
	int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(close_dirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	CLEANUP(buf_done) struct buf buf = {0};
	const struct dirent *e;
	int r = 0;

	if (!dir) {
		r = -errno;
		closep(&fd);
		return r;
	}
	ret->len = 0;
	ret_gone->len = 0;
	*ret_hidden = false;
	while (r == 0 && (errno = 0, e = readdir(dir))) {
		struct proc p;
		uint32_t pid;
		int found;

		if (parse_u32(e->d_name, 1, INT32_MAX, &pid) < 0)
			continue;
		found = look_at(d, e->d_name, (pid_t)pid, &buf, &p, ret_gone);
		if (found == 0)
			r = buf_add(ret, &p, sizeof(p));
		else if (found != -ESRCH)
			*ret_hidden = true;
	}
	if (r == 0 && errno)
		return -errno;
	if (r < 0)
		return r;
	qsort(ret->data, ret->len / sizeof(struct proc), sizeof(struct proc), compare_pids);
	if (!ret->len || ((const struct proc *)(const void *)ret->data)->pid != 1)
		*ret_hidden = true;
	return 0;
}

int proc_open(const char *path, struct proc_dir *ret)
{
	ret->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ret->fd < 0 ? -errno : 0;
}

void proc_close(struct proc_dir *d)
{
	closep(&d->fd);
	d->fd = -1;
}
