#include "common/clock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/paths.h"
#include "common/record.h"

#define FILE_SIZE_MAX 512

static int load(int fd, struct clock_mark *ret)
{
	uint8_t data[FILE_SIZE_MAX];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != MUSTER_OWNER || st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	n = TEMP_FAILURE_RETRY(read(fd, data, sizeof(data)));
	return n < 0 ? -errno : record_clock_unpack(data, (size_t)n, ret);
}

int clock_file_load(const char *dir, struct clock_mark *ret)
{
	AUTO_FREE char *path = str_format("%s/" CLOCK_FILE, dir);
	AUTO_CLOSE int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;

	if (!path)
		return -ENOMEM;
	return fd < 0 ? -errno : load(fd, ret);
}
