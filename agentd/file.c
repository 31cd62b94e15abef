#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "agentd/file.h"

#define LOCK_STEP_MS 20

int file_read_fd(int fd, size_t max, struct buf *out)
{
	uint8_t chunk[16384];
	size_t total = 0;
	ssize_t n;
	int r;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		total += (size_t)n;
		if (total > max)
			return -EFBIG;
		r = buf_add(out, chunk, (size_t)n);
		if (r < 0)
			return r;
	}
	r = buf_add(out, "", 1);
	if (r < 0)
		return r;
	out->len--;
	return 0;
}

int file_read(const char *path, size_t max, struct buf *out)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return file_read_fd(fd, max, out);
}

int write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_new(const char *path, mode_t mode, const void *data, size_t len)
{
	AUTO_CLOSE int fd = -1;
	int r;

	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, data, len);
	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int file_replace(const char *dir, const char *name, mode_t mode, const void *data, size_t len)
{
	AUTO_FREE char *path = str_format("%s/%s", dir, name);
	AUTO_FREE char *new = str_format("%s/%s.new", dir, name);
	int r = path && new ? write_new(new, mode, data, len) : -ENOMEM;

	if (r == 0 && rename(new, path) < 0)
		r = -errno;
	if (r < 0 && new)
		unlink(new);
	return r;
}

int file_sync(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Polled: a bounded flock would need a signal handler. */
int file_lock(int fd, int wait_ms)
{
	for (int waited_ms = 0; waited_ms <= wait_ms; waited_ms += LOCK_STEP_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		nanosleep(&(struct timespec){.tv_nsec = LOCK_STEP_MS * 1000000L}, NULL);
	}
	return -ETIMEDOUT;
}

int dir_ensure(const char *path, mode_t mode)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (mkdir(path, mode) < 0 && errno != EEXIST && errno != EROFS)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid())
		return -EPERM;
	if ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
		return -errno;
	return 0;
}
