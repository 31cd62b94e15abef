#include "agentd/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "agentd/file.h"
#include "common/paths.h"
#include "common/snapshot_writer.h"

#define COPY_SIZE 65536
#define NEW_SUFFIX ".new"

static const struct target {
	const char *name;
	mode_t mode;
	enum snapshot_kind kind;
} targets[] = {
	/* in the order in which they are renamed; the first is the one that is confirmed */
	{PAM_SNAPSHOT, 0600, SNAPSHOT_PAM},
	{NSS_SNAPSHOT, 0644, SNAPSHOT_NSS},
};

static int open_target(const char *dir, const struct target *t, struct snapshot **ret)
{
	AUTO_FREE char *path = str_format("%s/%s", dir, t->name);

	return path ? snapshot_open(path, t->kind, ret) : -ENOMEM;
}

static int source_of(const struct snapshots *s, const struct target *t)
{
	return t->kind == SNAPSHOT_PAM ? s->pam : s->nss;
}

static int fail(char *error, const char *what, const char *dir, const char *name, int r)
{
	snprintf(error, PUBLISH_ERROR_SIZE, "%s %s/%s: %s", what, dir, name, strerror(-r));
	return r;
}

static int copy(int from, int to)
{
	uint8_t chunk[COPY_SIZE];
	off_t at = 0;

	for (;;) {
		ssize_t n = pread(from, chunk, sizeof(chunk), at);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = write_all(to, chunk, (size_t)n);
		if (r < 0)
			return r;
		at += n;
	}
}

static int sync_fd(int fd)
{
	while (fsync(fd) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int read_some(int fd, uint8_t *chunk, off_t at, size_t *ret)
{
	for (*ret = 0; *ret < COPY_SIZE;) {
		ssize_t n = pread(fd, chunk + *ret, COPY_SIZE - *ret, at + (off_t)*ret);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		*ret += (size_t)n;
	}
	return 0;
}

static int compare(int a, int b)
{
	uint8_t chunk_a[COPY_SIZE], chunk_b[COPY_SIZE];
	size_t len_a, len_b;
	off_t at = 0;
	int r;

	do {
		r = read_some(a, chunk_a, at, &len_a);
		if (r == 0)
			r = read_some(b, chunk_b, at, &len_b);
		if (r == 0 && (len_a != len_b || memcmp(chunk_a, chunk_b, len_a) != 0))
			r = -EBADMSG;
		at += COPY_SIZE;
	} while (r == 0 && len_a == COPY_SIZE);
	return r;
}

/* The same bytes, in a file that a reader takes. */
static int read_back(const char *path, int fd, int source, enum snapshot_kind kind)
{
	CLEANUP(snapshot_closep) struct snapshot *s = NULL;
	int r = compare(fd, source);

	return r < 0 ? r : snapshot_open(path, kind, &s);
}

/* SOURCE itself, where it was made in this directory and has no name yet. What else is wrong is told when its copy fails. */
static bool link_new(const char *path, int source, const struct target *t)
{
	CLEANUP(snapshot_closep) struct snapshot *s = NULL;
	struct stat st;
	char name[32];

	if (fstat(source, &st) < 0 || st.st_nlink > 0 || str_print(name, sizeof(name), "/proc/self/fd/%d", source) < 0 ||
	    linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0)
		return false;
	if (fchmod(source, t->mode) == 0 && snapshot_open(path, t->kind, &s) == 0 && sync_fd(source) == 0)
		return true;
	unlink(path);
	return false;
}

static int write_new(const char *path, int source, const struct target *t, const char **what)
{
	AUTO_CLOSE int fd = -1;
	int r;

	*what = "make";
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	if (link_new(path, source, t))
		return 0;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	*what = "write";
	r = copy(source, fd);
	if (r == 0 && fchmod(fd, t->mode) < 0)
		r = -errno;
	if (r < 0)
		return r;
	*what = "read back";
	r = read_back(path, fd, source, t->kind);
	if (r < 0)
		return r;
	*what = "sync";
	return sync_fd(fd);
}

static int new_path(const char *dir, const struct target *t, char **ret)
{
	*ret = str_format("%s/%s" NEW_SUFFIX, dir, t->name);
	return *ret ? 0 : -ENOMEM;
}

static int prepare(const char *dir, const struct snapshots *s, const struct target *t, char *error)
{
	AUTO_FREE char *path = NULL;
	const char *what = "name";
	int r = new_path(dir, t, &path);

	if (r == 0)
		r = write_new(path, source_of(s, t), t, &what);
	return r < 0 ? fail(error, what, dir, t->name, r) : 0;
}

static int rename_new(const char *dir, const struct target *t, char *error)
{
	AUTO_FREE char *from = NULL;
	AUTO_FREE char *to = str_format("%s/%s", dir, t->name);
	int r = new_path(dir, t, &from);

	if (r == 0 && !to)
		r = -ENOMEM;
	if (r == 0 && rename(from, to) < 0)
		r = -errno;
	return r < 0 ? fail(error, "rename", dir, t->name, r) : 0;
}

static int sync_dir(const char *dir)
{
	AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : sync_fd(fd);
}

/* The first N of the targets. */
static int publish_first(const char *dir, const struct snapshots *s, size_t n, char *error)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = prepare(dir, s, &targets[i], error);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = rename_new(dir, &targets[i], error);
	if (r < 0)
		return r;
	r = sync_dir(dir);
	return r < 0 ? fail(error, "sync", dir, "", r) : 0;
}

static int publish_or_clean(const char *dir, const struct snapshots *s, size_t n, char *error)
{
	int r;

	error[0] = '\0';
	r = publish_first(dir, s, n, error);
	if (r < 0 && publish_clean(dir) < 0)
		return r; /* the next publisher removes what is left */
	return r;
}

int publish(const char *dir, const struct snapshots *s, char ret_error[static PUBLISH_ERROR_SIZE])
{
	return publish_or_clean(dir, s, ARRAY_SIZE(targets), ret_error);
}

bool publish_has(const char *dir, uint64_t generation)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		CLEANUP(snapshot_closep) struct snapshot *s = NULL;

		if (open_target(dir, &targets[i], &s) < 0 || snapshot_info(s)->generation != generation)
			return false;
	}
	return true;
}

/* A copy in memory, with another time, or its own when NOW is 0. */
static int copy_target(const char *dir, const struct target *t, int64_t now, int *ret_fd)
{
	CLEANUP(snapshot_closep) struct snapshot *s = NULL;
	int r = open_target(dir, t, &s);

	if (r < 0)
		return r;
	*ret_fd = memfd_create("muster-snapshot", MFD_CLOEXEC);
	if (*ret_fd < 0)
		return -errno;
	r = snapshot_copy(s, *ret_fd, now ? now : snapshot_info(s)->confirmed_at);
	return r < 0 ? r : snapshot_verify_memory(*ret_fd, t->kind);
}

/* By pam.snapshot, as publish_confirm() leaves it; both are there. */
static int confirmed_at(const char *dir, int64_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		CLEANUP(snapshot_closep) struct snapshot *s = NULL;
		int r = open_target(dir, &targets[i], &s);

		if (r < 0)
			return r;
		if (targets[i].kind == SNAPSHOT_PAM)
			*ret = snapshot_info(s)->confirmed_at;
	}
	return 0;
}

/* Both are looked at, and the first N published. */
static int publish_copies(const char *from, const char *to, int64_t now, size_t n, char *error)
{
	CLEANUP(snapshots_done) struct snapshots s = {-1, -1};
	int r = copy_target(from, &targets[0], now, &s.pam);

	if (r == 0)
		r = copy_target(from, &targets[1], now, &s.nss);
	return r < 0 ? fail(error, "read", from, "", r) : publish_or_clean(to, &s, n, error);
}

int publish_confirm(const char *dir, int64_t now, int64_t max_age_s,
		    char ret_error[static PUBLISH_ERROR_SIZE])
{
	int64_t before;
	int r = confirmed_at(dir, &before);

	ret_error[0] = '\0';
	if (r == 0 && before - now <= CLOCK_AGREE_S && now - before < max_age_s)
		return 0;
	if (r < 0)
		return fail(ret_error, "read", dir, "", r);
	r = publish_copies(dir, dir, now, 1, ret_error);
	return r < 0 ? r : 1;
}

/* 0: nothing there that can be read. */
static uint64_t highest(const char *dir)
{
	uint64_t ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		CLEANUP(snapshot_closep) struct snapshot *s = NULL;

		if (open_target(dir, &targets[i], &s) == 0 && snapshot_info(s)->generation > ret)
			ret = snapshot_info(s)->generation;
	}
	return ret;
}

int publish_restore(const char *from, const char *to, char ret_error[static PUBLISH_ERROR_SIZE])
{
	int64_t at;

	ret_error[0] = '\0';
	if (confirmed_at(to, &at) == 0 || confirmed_at(from, &at) < 0 || highest(to) > highest(from))
		return 0;
	return publish_copies(from, to, 0, ARRAY_SIZE(targets), ret_error);
}

static int remove_all(const char *dir, const char *suffix)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		AUTO_FREE char *path = str_format("%s/%s%s", dir, targets[i].name, suffix);

		if (!path)
			return -ENOMEM;
		if (unlink(path) < 0 && errno != ENOENT)
			r = -errno;
	}
	return r;
}

int publish_clean(const char *dir)
{
	return remove_all(dir, NEW_SUFFIX);
}

int publish_withdraw(const char *dir)
{
	return remove_all(dir, "");
}
