#include "agentd/session_pick.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "agentd/conf.h"
#include "agentd/file.h"
#include "common/verdict.h"

#define PID_FILE_MAX  4096
#define ANCESTORS_MAX 64 /* of a tree that changed while it was read there may be a circle */

/* The flag is set by an administrator, and also where nothing but the date made the password expire. */
static bool force_expired(const struct account *a, int64_t now)
{
	bool by_date = a->password_expires_at && !a->password_never_expires && now >= a->password_expires_at;

	return a->password_expired && !by_date;
}

enum reason session_end_reason(const struct account *a, uint32_t set, int64_t now)
{
	if (!a->bound) /* without a date it is one who is in the directory, but had to be left out here */
		return set & CONF_END_UNBOUND && a->removed_at ? REASON_UNBOUND : REASON_OK;
	if (set & CONF_END_SUSPENDED && verdict_state_at(a, now) == USER_SUSPENDED)
		return REASON_SUSPENDED;
	if (set & CONF_END_LOCKED && a->account_locked)
		return REASON_LOCKED;
	if (set & CONF_END_FORCE_EXPIRED && force_expired(a, now))
		return REASON_PASSWORD_EXPIRED;
	return REASON_OK;
}

static const struct proc *find(const struct session_processes *s, pid_t pid)
{
	size_t low = 0, high = s->n_procs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->procs[middle].pid == pid)
			return &s->procs[middle];
		if (s->procs[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool is_named(const struct session_processes *s, pid_t pid)
{
	for (size_t i = 0; i < s->n_services; i++)
		if (s->services[i] == pid)
			return true;
	return false;
}

/*
 * A service that somebody restarted by hand, where no systemd does that for him, carries his login, and so do its children
 * until one of them is a login of its own: another session of the audit's, or where the kernel has none, another slice.
 */
static bool is_service(const struct session_processes *s, const struct proc *p)
{
	uint32_t session = p->login_session, slice = p->slice_uid;

	for (int i = 0; p && i < ANCESTORS_MAX; i++) {
		if (p->login_session != session || p->slice_uid != slice)
			return false;
		if (is_named(s, p->pid))
			return true;
		p = find(s, p->parent);
	}
	return false;
}

/*
 * Did UID log in here, as P says? Where musterd is in a container that somebody started from a login of the host, process 1 and whatever
 * it starts carry that login and its slice: it is none of this machine.
 */
static bool logged_in(const struct session_processes *s, const struct proc *p, uint32_t uid)
{
	const struct proc *first = find(s, 1);

	if (p->login_uid == uid && !(first && first->login_session != PROC_UNSET && p->login_session == first->login_session))
		return true;
	return p->slice_uid == uid && !(first && first->slice_uid == uid);
}

/* In a container of the machine's: as in logged_in(), one that process 1 is in says nothing. */
static bool is_contained(const struct session_processes *s, const struct proc *p)
{
	const struct proc *first = find(s, 1);

	return p->contained || (p->in_machine && !(first && first->in_machine));
}

bool session_has(const struct session_processes *s, const struct proc *p, uint32_t uid)
{
	if (p->kernel || p->pid == 1 || p->pid == s->self || uid == 0 || uid == PROC_UNSET)
		return false;
	if (p->owner_uid == uid && (p->owner_first || logged_in(s, p, uid)))
		return true;
	if (p->uid == uid)
		/* a container that root made may have users of the same number */
		return !is_contained(s, p) || logged_in(s, p, uid);
	return logged_in(s, p, uid) && !is_contained(s, p) && !is_service(s, p);
}

/* A directory or file that nobody but root could have written. */
static bool is_ours(int fd, mode_t kind)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == kind &&
	       (st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static int add_pid(int dir, const char *name, struct buf *ret)
{
	AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	CLEANUP(buf_done) struct buf text = {0};
	uint32_t number;
	pid_t pid;

	if (fd < 0 || !is_ours(fd, S_IFREG) || file_read_fd(fd, PID_FILE_MAX, &text) < 0)
		return 0;
	text.data[strcspn((const char *)text.data, " \t\r\n")] = '\0'; /* some write more behind it */
	if (parse_u32((const char *)text.data, 2, INT32_MAX, &number) < 0)
		return 0;
	pid = (pid_t)number;
	return buf_add(ret, &pid, sizeof(pid));
}

static bool ends_in_pid(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && !strcmp(name + len - 4, ".pid");
}

/* FD is taken over. */
static int add_dir(int fd, int depth, struct buf *ret)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *e;
	int r = 0;

	if (!dir) {
		close(fd);
		return 0;
	}
	while (r == 0 && (e = readdir(dir))) {
		int below;

		if (ends_in_pid(e->d_name)) {
			r = add_pid(fd, e->d_name, ret);
			continue;
		}
		if (depth == 0 || e->d_name[0] == '.' || (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN))
			continue;
		below = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0 && is_ours(below, S_IFDIR))
			r = add_dir(below, depth - 1, ret);
		else
			closep(&below);
	}
	closedir(dir);
	return r;
}

int session_services(const char *dir, struct buf *ret)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (is_ours(fd, S_IFDIR))
		return add_dir(fd, 1, ret);
	close(fd);
	return 0;
}
