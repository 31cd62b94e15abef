#include "common/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/paths.h"
#include "common/str.h"
#include "common/tally_judge.h"

#define FILE_SIZE    (TALLY_FILE_RECORDS * TALLY_EVENT_SIZE)
#define APPEND_TRIES 32
#define FSIZE_LEAST  ((rlim_t)1 << 20) /* far beyond any tally */

/* The events in the first LEN bytes of FD. */
static int history_read(struct tally_history *h, int fd, off_t len, int64_t now_ms)
{
	uint8_t data[TALLY_READ_MAX];
	off_t from = len > TALLY_READ_MAX ? len - TALLY_READ_MAX : 0;
	size_t want = (size_t)(len - from), got = 0;

	while (got < want) {
		ssize_t n = pread(fd, data + got, want - got, from + (off_t)got);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO; /* nobody truncates it */
		got += n > 0 ? (size_t)n : 0;
	}
	tally_history_add(h, data, got, now_ms);
	return 0;
}

static int tally_path(char path[static PATH_MAX], const char *dir, uint32_t uid, const char *suffix)
{
	return str_print(path, PATH_MAX, "%s/%u%s", dir, uid, suffix);
}

/*
 * Ours, and nobody else's to read or write? The umask of who made it is not ours to set, and may be a stranger's (su inherits
 * it): what it took away is given back, or that user could never be counted again.
 */
static int check_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != MUSTER_OWNER || st.st_mode & 07777 & ~0600)
		return -EPERM;
	return (st.st_mode & 07777) != 0600 && fchmod(fd, 0600) < 0 ? -errno : 0;
}

/* A descriptor, or -errno. FLAGS beside those that keep us from waiting or following. */
static int tally_open(const char *path, int flags)
{
	AUTO_CLOSE int fd =
		open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
	int r;

	if (fd < 0) /* a symlink, FIFO, socket or directory there is as wrong as another's file */
		return errno == ELOOP || errno == ENXIO || errno == EISDIR ? -EPERM : -errno;
	r = check_file(fd);
	return r < 0 ? r : TAKE_FD(fd);
}

/* Is FD still the file at PATH? */
static bool still_there(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* What the renamed file holds; nothing when that is FD itself, renamed since it was opened. */
static int read_old(struct tally_history *h, const char *dir, uint32_t uid, int fd, int64_t now_ms)
{
	char path[PATH_MAX];
	struct stat st;
	int r = tally_path(path, dir, uid, ".old");

	if (r < 0)
		return r;
	AUTO_CLOSE int old = tally_open(path, O_RDONLY);
	if (old == -ENOENT || (old >= 0 && fd >= 0 && still_there(fd, path)))
		return 0;
	if (old < 0)
		return old;
	if (fstat(old, &st) < 0)
		return -errno;
	return history_read(h, old, st.st_size, now_ms);
}

int tally_read(const char *dir, uint32_t uid, const char *rhost, const struct tally_policy *p,
	       int64_t now_ms, struct tally *ret)
{
	struct tally_history h = {.rhost = tally_rhost(rhost)};
	char path[PATH_MAX];
	struct stat st;
	int r = tally_path(path, dir, uid, "");

	if (r < 0)
		return r;
	AUTO_CLOSE int fd = tally_open(path, O_RDONLY);
	if (fd < 0 && fd != -ENOENT)
		return fd;
	r = read_old(&h, dir, uid, fd, now_ms);
	if (r < 0)
		return r;
	if (fd >= 0) {
		if (fstat(fd, &st) < 0)
			return -errno;
		r = history_read(&h, fd, st.st_size, now_ms);
		if (r < 0)
			return r;
	}
	*ret = tally_judge(&h, p, now_ms);
	return 0;
}

/*
 * Under a lock that nobody waits for: of several that saw it full one renames, and only what it
 * saw.
 */
static void rename_full(int fd, const char *path, const char *dir, uint32_t uid)
{
	char old[PATH_MAX];

	if (tally_path(old, dir, uid, ".old") < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (still_there(fd, path))
		(void)rename(path, old); /* a failure leaves it to the next */
	(void)flock(fd, LOCK_UN);
}

/*
 * May records be cut short? su keeps the limits of whoever starts it, who could push a history out of what is read, piece by
 * piece, with tries of which none is counted.
 */
static bool is_cut_short(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur < FSIZE_LEAST;
}

/* Append E; *ret_fd is then open on the file, *ret_end where the record ends in it. */
static int append(const char *dir, uint32_t uid, const struct tally_event *e, int *ret_fd,
		  off_t *ret_end)
{
	uint8_t record[TALLY_EVENT_SIZE];
	char path[PATH_MAX];
	int r = is_cut_short() ? -EFBIG : tally_path(path, dir, uid, "");

	if (r < 0)
		return r;
	tally_event_pack(e, record);
	for (int i = 0; i < APPEND_TRIES; i++) {
		AUTO_CLOSE int fd = tally_open(path, O_RDWR | O_APPEND | O_CREAT);

		if (fd < 0)
			return fd;
		ssize_t n = TEMP_FAILURE_RETRY(write(fd, record, sizeof(record)));
		if (n != TALLY_EVENT_SIZE)
			return n < 0 ? -errno : -EIO;
		off_t end = lseek(fd, 0, SEEK_CUR); /* O_APPEND left it behind our own record */
		if (end < 0)
			return -errno;
		if (!still_there(fd, path))
			continue;
		*ret_fd = TAKE_FD(fd);
		*ret_end = end;
		return 0;
	}
	return -EAGAIN;
}

static bool refused(const struct tally *t, int64_t now_ms)
{
	return t->locked || t->backoff_until_ms > now_ms;
}

/* What stood against UID before the record that ends at END of FD. */
static int read_before(const char *dir, uint32_t uid, int fd, off_t end, uint32_t rhost,
		       const struct tally_policy *p, int64_t now_ms, struct tally *ret)
{
	struct tally_history h = {.rhost = rhost};
	int r = read_old(&h, dir, uid, fd, now_ms);

	if (r == 0)
		r = history_read(&h, fd, end - TALLY_EVENT_SIZE, now_ms);
	if (r == 0)
		*ret = tally_judge(&h, p, now_ms);
	return r;
}

int tally_reserve(const char *dir, uint32_t uid, const char *rhost, const struct tally_policy *p,
		  int64_t now_ms, struct tally *ret)
{
	struct tally_event e = {
		.at_ms = now_ms, .rhost = tally_rhost(rhost), .kind = EVENT_FAILURE};
	AUTO_CLOSE int fd = -1;
	struct tally before;
	off_t end;
	int r = tally_read(dir, uid, rhost, p, now_ms, &before);

	/* Refused tries are not written: else a stranger could hold a lock for ever. */
	if (r == 0 && !refused(&before, now_ms)) {
		r = append(dir, uid, &e, &fd, &end);
		/* Again, since others may have come in between. */
		if (r == 0)
			r = read_before(dir, uid, fd, end, e.rhost, p, now_ms, &before);
		if (r == 0 && end >= FILE_SIZE) {
			char path[PATH_MAX];

			if (tally_path(path, dir, uid, "") == 0)
				rename_full(fd, path, dir, uid);
		}
	}
	if (r < 0)
		return r;
	if (ret)
		*ret = before;
	return refused(&before, now_ms) ? -EBUSY : 0;
}

static int append_kind(enum tally_event_kind kind, const char *dir, uint32_t uid, const char *rhost,
		       int64_t now_ms)
{
	struct tally_event e = {.at_ms = now_ms, .rhost = tally_rhost(rhost), .kind = kind};
	AUTO_CLOSE int fd = -1;
	off_t end;

	return append(dir, uid, &e, &fd, &end);
}

int tally_succeed(const char *dir, uint32_t uid, const char *rhost, int64_t now_ms)
{
	return append_kind(EVENT_SUCCESS, dir, uid, rhost, now_ms);
}

int tally_cancel(const char *dir, uint32_t uid, const char *rhost, int64_t now_ms)
{
	return append_kind(EVENT_CANCEL, dir, uid, rhost, now_ms);
}

int tally_clear(const char *dir, uint32_t uid)
{
	char path[PATH_MAX], old[PATH_MAX];
	int r = tally_path(path, dir, uid, "");

	if (r == 0)
		r = tally_path(old, dir, uid, ".old");
	if (r < 0)
		return r;
	if (unlink(path) < 0 && errno != ENOENT) /* first: it may become the old one just now */
		r = -errno;
	if (unlink(old) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}
