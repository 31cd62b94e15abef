#include "common/tally.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/paths.h"
#include "common/str.h"

#define RECORD_SIZE	 16
#define FILE_SIZE	 (TALLY_FILE_RECORDS * RECORD_SIZE)
#define READ_MAX	 (2 * FILE_SIZE) /* of one file: its end, when a rename was late */
#define EVENTS_MAX	 (2 * READ_MAX / RECORD_SIZE)
#define AHEAD_MS	 60000
#define APPEND_TRIES	 32
#define BACKOFF_FREE	 2 /* failures without any delay */
#define BACKOFF_FIRST_MS 2000
#define BACKOFF_MAX_MS	 (15 * 60 * 1000)
#define BACKOFF_MEMORY_MS (60 * 60 * 1000)

enum event_kind {
	EVENT_FAILURE = 'F',
	EVENT_SUCCESS = 'S',
};

/* As stored, little-endian: {u32 check of the rest, u32 rhost, u64 time << 8 | kind}. */
struct event {
	int64_t at_ms;
	uint32_t rhost;
	enum event_kind kind;
};

/* Failures since the last success, oldest first. */
struct history {
	struct event failures[EVENTS_MAX];
	uint32_t n;
};

static uint32_t rhost_hash(const char *rhost)
{
	if (!rhost || !*rhost)
		return 0; /* console */
	uint32_t h = (uint32_t)XXH3_64bits(rhost, strlen(rhost));
	return h != 0 ? h : 1;
}

static void event_pack(const struct event *e, uint8_t out[static RECORD_SIZE])
{
	uint64_t word = htole64((uint64_t)e->at_ms << 8 | (uint8_t)e->kind);
	uint32_t rhost = htole32(e->rhost);

	memcpy(out + 4, &rhost, sizeof(rhost));
	memcpy(out + 8, &word, sizeof(word));
	uint32_t check = htole32(XXH32(out + 4, RECORD_SIZE - 4, RECORD_SIZE));
	memcpy(out, &check, sizeof(check));
}

static bool event_unpack(const uint8_t in[static RECORD_SIZE], struct event *ret)
{
	uint32_t check, rhost;
	uint64_t word;

	memcpy(&check, in, sizeof(check));
	memcpy(&rhost, in + 4, sizeof(rhost));
	memcpy(&word, in + 8, sizeof(word));
	if (le32toh(check) != XXH32(in + 4, RECORD_SIZE - 4, RECORD_SIZE))
		return false;
	word = le64toh(word);
	*ret = (struct event){
		.at_ms = (int64_t)(word >> 8),
		.rhost = le32toh(rhost),
		.kind = (enum event_kind)(word & 0xff),
	};
	return true;
}

static void history_add(struct history *h, const struct event *e, int64_t now_ms)
{
	if (e->at_ms > now_ms + AHEAD_MS)
		return;
	if (e->kind == EVENT_SUCCESS)
		h->n = 0;
	else if (e->kind == EVENT_FAILURE && h->n < EVENTS_MAX)
		h->failures[h->n++] = *e;
}

/* The events in the first LEN bytes of FD. After a torn write records no longer start at multiples of 16. */
static int history_read(struct history *h, int fd, off_t len, int64_t now_ms)
{
	uint8_t data[READ_MAX];
	off_t from = len > READ_MAX ? len - READ_MAX : 0;
	size_t want = (size_t)(len - from), got = 0;
	struct event e;

	while (got < want) {
		ssize_t n = pread(fd, data + got, want - got, from + (off_t)got);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO; /* nobody truncates it */
		got += n > 0 ? (size_t)n : 0;
	}
	for (size_t i = 0; i + RECORD_SIZE <= got;) {
		bool good = event_unpack(data + i, &e);

		if (good)
			history_add(h, &e, now_ms);
		i += good ? RECORD_SIZE : 1;
	}
	return 0;
}

static int64_t backoff_until(const struct history *h, uint32_t rhost, int64_t now_ms)
{
	int64_t delay = 0, last = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; rhost != 0 && i < h->n; i++) {
		if (h->failures[i].rhost != rhost || h->failures[i].at_ms < now_ms - BACKOFF_MEMORY_MS)
			continue;
		last = h->failures[i].at_ms;
		if (++n > BACKOFF_FREE)
			delay = delay == 0 ? BACKOFF_FIRST_MS : delay * 2;
		if (delay > BACKOFF_MAX_MS)
			delay = BACKOFF_MAX_MS;
	}
	return delay > 0 && last + delay > now_ms ? last + delay : 0;
}

/*
 * Failures count inside a window that slides with them. A lock lasts from the failure that reached the limit to
 * lock_time after the last one; what follows it starts from nothing.
 */
static struct tally judge(const struct history *h, uint32_t rhost, const struct tally_policy *p, int64_t now_ms)
{
	uint32_t max = p->max_attempts < TALLY_FILE_RECORDS ? p->max_attempts : TALLY_FILE_RECORDS;
	int64_t window_ms = (int64_t)p->window_s * 1000, lock_ms = (int64_t)p->lock_time_s * 1000;
	struct tally t = { .backoff_until_ms = backoff_until(h, rhost, now_ms) };
	uint32_t first = 0;

	for (uint32_t i = 0; i <= h->n; i++) {
		int64_t at = i < h->n ? h->failures[i].at_ms : now_ms;

		if (t.locked && lock_ms > 0 && at >= t.locked_until_ms) {
			t.locked = false;
			t.locked_until_ms = 0;
			first = i;
		}
		while (window_ms > 0 && first < i && h->failures[first].at_ms < at - window_ms)
			first++;
		if (i == h->n)
			break;
		if (t.locked || (max > 0 && i - first + 1 >= max)) {
			t.locked = true;
			t.locked_until_ms = lock_ms > 0 ? at + lock_ms : 0;
		}
	}
	t.failures = h->n - first;
	return t;
}

static int tally_path(char path[static PATH_MAX], const char *dir, uint32_t uid, const char *suffix)
{
	return str_print(path, PATH_MAX, "%s/%u%s", dir, uid, suffix);
}

/* A descriptor, or -errno. FLAGS beside those that keep us from waiting or following. */
static int tally_open(const char *path, int flags)
{
	AUTO_CLOSE int fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
	struct stat st;

	if (fd < 0) /* a symlink, FIFO, socket or directory there is as wrong as another's file */
		return errno == ELOOP || errno == ENXIO || errno == EISDIR ? -EPERM : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != MUSTER_OWNER || (st.st_mode & 07777) != 0600)
		return -EPERM;
	return TAKE_FD(fd);
}

/* Is FD still the file at PATH? */
static bool still_there(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* What the renamed file holds; nothing when that is FD itself, renamed since it was opened. */
static int read_old(struct history *h, const char *dir, uint32_t uid, int fd, int64_t now_ms)
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

int tally_read(const char *dir, uint32_t uid, const char *rhost, const struct tally_policy *p, int64_t now_ms,
	       struct tally *ret)
{
	struct history h = { .n = 0 };
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
	*ret = judge(&h, rhost_hash(rhost), p, now_ms);
	return 0;
}

/* Under a lock that nobody waits for: of several that saw it full one renames, and only what it saw. */
static void rename_full(int fd, const char *path, const char *dir, uint32_t uid)
{
	char old[PATH_MAX];

	if (tally_path(old, dir, uid, ".old") < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (still_there(fd, path))
		(void)rename(path, old); /* a failure leaves it to the next */
	(void)flock(fd, LOCK_UN);
}

/* Append E; *ret_fd is then open on the file, *ret_end where the record ends in it. */
static int append(const char *dir, uint32_t uid, const struct event *e, int *ret_fd, off_t *ret_end)
{
	uint8_t record[RECORD_SIZE];
	char path[PATH_MAX];
	int r = tally_path(path, dir, uid, "");

	if (r < 0)
		return r;
	event_pack(e, record);
	for (int i = 0; i < APPEND_TRIES; i++) {
		AUTO_CLOSE int fd = tally_open(path, O_RDWR | O_APPEND | O_CREAT);

		if (fd < 0)
			return fd;
		ssize_t n = TEMP_FAILURE_RETRY(write(fd, record, sizeof(record)));
		if (n != RECORD_SIZE)
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
	struct history h = { .n = 0 };
	int r = read_old(&h, dir, uid, fd, now_ms);

	if (r == 0)
		r = history_read(&h, fd, end - RECORD_SIZE, now_ms);
	if (r == 0)
		*ret = judge(&h, rhost, p, now_ms);
	return r;
}

int tally_reserve(const char *dir, uint32_t uid, const char *rhost, const struct tally_policy *p, int64_t now_ms,
		  struct tally *ret)
{
	struct event e = { .at_ms = now_ms, .rhost = rhost_hash(rhost), .kind = EVENT_FAILURE };
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

int tally_succeed(const char *dir, uint32_t uid, int64_t now_ms)
{
	struct event e = { .at_ms = now_ms, .kind = EVENT_SUCCESS };
	AUTO_CLOSE int fd = -1;
	off_t end;

	return append(dir, uid, &e, &fd, &end);
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
