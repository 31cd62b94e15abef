#include "common/used_code.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/dirs.h"
#include "common/paths.h"
#include "common/str.h"

#define TRIES 8 /* a sweep may remove an empty directory under us */

static int open_dir(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ELOOP || errno == ENOTDIR ? -EPERM : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != MUSTER_OWNER || st.st_mode & (S_IRWXG | S_IRWXO))
		return -EPERM;
	return TAKE_FD(fd);
}

static int path_of(char out[static PATH_MAX], const char *dir, uint32_t uid)
{
	return str_print(out, PATH_MAX, "%s/" USED_CODE_DIR "/%u", dir, uid);
}

/* The directory of UID, made when it is not there. */
static int user_dir(const char *dir, uint32_t uid)
{
	char all[PATH_MAX], own[PATH_MAX];
	int r = path_of(own, dir, uid);

	if (r < 0)
		return r;
	r = open_dir(own);
	if (r != -ENOENT)
		return r;
	r = str_print(all, sizeof(all), "%s/" USED_CODE_DIR, dir);
	if (r == 0)
		r = dir_make(all, 0700);
	if (r == 0)
		r = dir_make(own, 0700);
	return r < 0 ? r : open_dir(own);
}

/* -EEXIST: there is a step from REFUSED on. Those before DONE, for which a later one stands, are removed on the way. */
static int look(int fd, uint32_t refused, uint32_t done)
{
	AUTO_CLOSE int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(closedirp) DIR *d = again < 0 ? NULL : fdopendir(again);
	struct dirent *e;
	uint32_t step;

	if (!d)
		return -errno;
	again = -1; /* D's now */
	while ((errno = 0, e = readdir(d))) {
		if (parse_u32(e->d_name, 0, UINT32_MAX, &step) < 0)
			continue;
		if (step >= refused)
			return -EEXIST;
		if (step < done)
			(void)unlinkat(fd, e->d_name, 0);
	}
	return -errno;
}

/*
 * A step is unlinked only while a later one is there, and the latest of all never is. So whoever makes a file that was there
 * before, unlinked meanwhile, finds the later one in the second look.
 */
static int take(int fd, uint32_t step)
{
	char name[11];
	int r = look(fd, step, 0);

	if (r == 0)
		r = str_print(name, sizeof(name), "%u", step);
	if (r < 0)
		return r;
	AUTO_CLOSE int made =
		openat(fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (made < 0)
		return -errno;
	return look(fd, step + 1, step);
}

int used_code_take(const char *dir, uint32_t uid, uint32_t step)
{
	int r = -ENOENT;

	if (step == UINT32_MAX)
		return -EINVAL;
	for (int i = 0; i < TRIES && r == -ENOENT; i++) {
		AUTO_CLOSE int fd = user_dir(dir, uid);

		r = fd < 0 ? fd : take(fd, step);
	}
	return r;
}

int used_code_forget(const char *dir, uint32_t uid)
{
	char own[PATH_MAX];
	int r = path_of(own, dir, uid);

	if (r < 0)
		return r;
	AUTO_CLOSE int fd = open_dir(own);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = look(fd, UINT32_MAX, UINT32_MAX);
	if (r < 0)
		return r;
	return rmdir(own) < 0 && errno != ENOENT ? -errno : 0;
}
