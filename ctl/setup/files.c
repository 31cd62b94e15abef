#include "ctl/setup/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "agentd/file.h"
#include "ctl/setup/nsswitch_edit.h"

#define LIMIT   (1u << 20)
#define PAM_VAR "/var/lib/pam"

const char *setup_path(enum setup_file i)
{
	static const char *const paths[SETUP_FILES] = {
		[SETUP_NSSWITCH] = MUSTER_ETC "/nsswitch.conf",
		[SETUP_SEEN] = PAM_VAR "/seen",
		[SETUP_PAM] = SETUP_PAM_D "/common-auth",
		SETUP_PAM_D "/common-account",
		SETUP_PAM_D "/common-password",
		SETUP_PAM_D "/common-session",
		SETUP_PAM_D "/common-session-noninteractive",
		PAM_VAR "/auth",
		PAM_VAR "/account",
		PAM_VAR "/password",
		PAM_VAR "/session",
		PAM_VAR "/session-noninteractive",
	};

	return paths[i];
}

int setup_read(const char *root, enum setup_file i, struct buf *out, struct fault *f)
{
	AUTO_FREE char *path = str_format("%s%s", root, setup_path(i));
	int r = path ? file_read(path, LIMIT, out) : -ENOMEM;

	return r < 0 ? fault_set(f, r, "cannot read %s%s: %s", root, setup_path(i), strerror(-r)) : 0;
}

int setup_make_folders(const char *path)
{
	AUTO_FREE char *p = str_format("%s", path);

	if (!p)
		return -ENOMEM;
	for (char *slash = p; (slash = strchr(slash + 1, '/')); *slash = '/') {
		*slash = '\0';
		if (mkdir(p, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return mkdir(p, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int setup_write(const char *root, enum setup_file i, mode_t mode, const struct buf *data, struct fault *f)
{
	AUTO_FREE char *path = str_format("%s%s", root, setup_path(i));
	char *name = path ? strrchr(path, '/') : NULL;
	int r = -ENOMEM;

	if (name) {
		*name++ = '\0';
		r = setup_make_folders(path);
		if (r == 0)
			r = file_replace(path, name, mode, data->data, data->len);
		if (r == 0)
			r = file_sync(path);
	}
	return r < 0 ? fault_set(f, r, "cannot write %s%s: %s", root, setup_path(i), strerror(-r)) : 0;
}

int setup_mark(const char *path, const char *text, struct fault *f)
{
	int r = file_replace(SETUP_DIR, strrchr(path, '/') + 1, 0600, text, strlen(text));

	if (r == 0)
		r = file_sync(SETUP_DIR);
	return r < 0 ? fault_set(f, r, "cannot write %s: %s", path, strerror(-r)) : 0;
}

int setup_unmark(const char *path, struct fault *f)
{
	int r = unlink(path) < 0 && errno != ENOENT ? -errno : file_sync(SETUP_DIR);

	return r < 0 ? fault_set(f, r, "cannot remove %s: %s", path, strerror(-r)) : 0;
}

int setup_sync(struct fault *f)
{
	for (enum setup_file i = 0; i < SETUP_FILES; i++) {
		AUTO_FREE char *folder = str_format("%s", setup_path(i));
		int r = folder ? file_sync(setup_path(i)) : -ENOMEM;

		if (r == 0) {
			*strrchr(folder, '/') = '\0';
			r = file_sync(folder);
		}
		if (r < 0 && r != -ENOENT)
			return fault_set(f, r, "cannot write %s: %s", setup_path(i), strerror(-r));
	}
	return 0;
}

bool setup_same(const char *a, const char *b, enum setup_file first, enum setup_file last)
{
	struct fault ignored;

	for (enum setup_file i = first; i <= last; i++) {
		CLEANUP(buf_done) struct buf in_a = {0};
		CLEANUP(buf_done) struct buf in_b = {0};

		if (setup_read(a, i, &in_a, &ignored) < 0 || setup_read(b, i, &in_b, &ignored) < 0 ||
		    in_a.len != in_b.len || memcmp(in_a.data, in_b.data, in_a.len) != 0)
			return false;
	}
	return true;
}

static const char *why_odd(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return S_ISLNK(st->st_mode) ? "is a link: something else keeps it" : "is no regular file";
	if (st->st_nlink != 1)
		return "has a second name (hard link)";
	if (st->st_uid != 0 || st->st_gid != 0)
		return "does not belong to root";
	return st->st_mode & (S_IWGRP | S_IWOTH) ? "can be changed by others than root" : NULL;
}

int setup_sound(const char *root, struct fault *f)
{
	for (enum setup_file i = 0; i < SETUP_FILES; i++) {
		AUTO_FREE char *path = str_format("%s%s", root, setup_path(i));
		struct stat st;
		const char *why;

		if (!path)
			return -ENOMEM;
		why = lstat(path, &st) < 0 ? strerror(errno) : why_odd(&st);
		if (!why)
			continue;
		fault_set(f, -EKEYREJECTED, "%s: %s", path, why);
		fault_hint(f, "%s",
			   i == SETUP_NSSWITCH ? "edit nsswitch.conf and PAM by hand"
					       : "see that 'pam-auth-update' manages " SETUP_PAM_D "/common-*");
		return -EKEYREJECTED;
	}
	return 0;
}

int setup_copy_file(const char *from, const char *to, enum setup_file i, struct fault *f)
{
	CLEANUP(buf_done) struct buf data = {0};
	AUTO_FREE char *path = str_format("%s%s", from, setup_path(i));
	struct stat st;
	int r = setup_read(from, i, &data, f);

	if (r < 0 || setup_same(from, to, i, i))
		return r;
	if (!path || stat(path, &st) < 0)
		return fault_set(f, -EIO, "cannot read %s%s", from, setup_path(i));
	return setup_write(to, i, st.st_mode & 07777, &data, f);
}

int setup_copy(const char *from, const char *to, struct fault *f)
{
	int r = setup_sound(from, f);

	for (enum setup_file i = 0; r == 0 && i < SETUP_FILES; i++)
		r = setup_copy_file(from, to, i, f);
	return r;
}

bool setup_has_nss(const char *root)
{
	CLEANUP(buf_done) struct buf text = {0};
	struct fault ignored;

	return setup_read(root, SETUP_NSSWITCH, &text, &ignored) == 0 && nsswitch_names_muster((const char *)text.data);
}

/* Has one of PAM's files a module's name that is not followed by BUT, NULL: one at all? */
static bool names_module(const char *root, const char *but)
{
	static const char module[] = "pam_muster.so";
	struct fault ignored;

	for (enum setup_file i = SETUP_PAM; i < SETUP_FILES; i++) {
		CLEANUP(buf_done) struct buf text = {0};

		if (setup_read(root, i, &text, &ignored) < 0)
			continue;
		for (const char *s = (const char *)text.data; (s = strstr(s, module)); s++)
			if (!but || strncmp(s + strlen(module), but, strlen(but)) != 0)
				return true;
	}
	return false;
}

bool setup_has_pam(const char *root)
{
	return names_module(root, NULL);
}

bool setup_has_pam_for_all(const char *root)
{
	return names_module(root, " adopt");
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int setup_remove(const char *path)
{
	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT ? -errno : 0;
}

int setup_lock(bool wait, int *ret_fd, struct fault *f)
{
	AUTO_CLOSE int fd = -1;
	int r = dir_ensure(SETUP_DIR, 0700);

	if (r < 0)
		return fault_set(f, r, "cannot make " SETUP_DIR ": %s", strerror(-r));
	fd = open(SETUP_DIR "/lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fault_set(f, -errno, "cannot open " SETUP_DIR "/lock: %s", strerror(errno));
	while (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return fault_set(f, -EWOULDBLOCK, "another 'musterctl setup' is at work");
		if (errno != EINTR)
			return fault_set(f, -errno, "cannot lock " SETUP_DIR ": %s", strerror(errno));
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}
