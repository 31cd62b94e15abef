#include "agentd/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/fetch/protocol.h"

#define SCHEME	   "file://"
#define CHUNK_SIZE 65536

static int check(int fd, const char *path, char *error)
{
	const size_t size = DOCUMENT_ERROR_SIZE;
	struct stat st;

	if (fstat(fd, &st) < 0) {
		snprintf(error, size, "%s: %s", path, strerror(errno));
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(error, size, "%s is not a regular file", path);
		return -EINVAL;
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		snprintf(error, size, "%s belongs to uid %u: chown root it", path, (unsigned int)st.st_uid);
		return -EPERM;
	}
	if (st.st_mode & (S_IWGRP | S_IRWXO)) {
		snprintf(error, size, "%s has mode %04o, and it holds password hashes: chmod 0600 it", path,
			 (unsigned int)st.st_mode & 07777);
		return -EPERM;
	}
	if (st.st_size > SYNC_DOCUMENT_MAX) {
		snprintf(error, size, "%s is larger than %u MiB", path, SYNC_DOCUMENT_MAX >> 20);
		return -EFBIG;
	}
	return 0;
}

static int sum_bytes(int fd, uint64_t *ret)
{
	uint8_t chunk[CHUNK_SIZE];
	XXH3_state_t state;
	off_t at = 0;

	XXH3_64bits_reset(&state);
	for (;;) {
		ssize_t n = pread(fd, chunk, sizeof(chunk), at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		XXH3_64bits_update(&state, chunk, (size_t)n);
		at += n;
	}
	*ret = XXH3_64bits_digest(&state);
	return 0;
}

int document_open(const char *url, int *ret_fd, uint64_t *ret_sum,
		  char ret_error[static DOCUMENT_ERROR_SIZE])
{
	const char *path = url + strlen(SCHEME);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int r;

	if (fd < 0) {
		r = -errno;
		snprintf(ret_error, DOCUMENT_ERROR_SIZE, "%s: %s%s", path, strerror(-r),
			 r == -ENOENT ? ": make it with 'musterctl directory add'" : "");
		return r;
	}
	r = check(fd, path, ret_error);
	if (r < 0)
		return r;
	r = sum_bytes(fd, ret_sum);
	if (r < 0) {
		snprintf(ret_error, DOCUMENT_ERROR_SIZE, "%s: %s", path, strerror(-r));
		return r;
	}
	ret_error[0] = '\0';
	*ret_fd = TAKE_FD(fd);
	return 0;
}
