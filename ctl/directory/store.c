#include "ctl/directory/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agentd/fetch/document.h"
#include "agentd/fetch/protocol.h"
#include "agentd/file.h"
#include "common/str.h"
#include "ctl/directory/check.h"
#include "ctl/directory/json_text.h"
#include "ctl/directory/tree.h"

static int open_dir(struct store *s, struct fault *f)
{
	const char *slash = strrchr(s->path, '/');
	AUTO_FREE char *dir =
		slash ? strndup(s->path, slash == s->path ? 1 : slash - s->path) : strdup(".");

	if (!dir)
		return -ENOMEM;
	s->name = slash ? slash + 1 : s->path;
	s->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd >= 0)
		return 0;
	int r = -errno;
	fault_set(f, r, "cannot open the folder %s: %s", dir, strerror(-r));
	if (r == -ENOENT)
		fault_hint(f, "make it: install -d -m 0755 %s", dir);
	return r;
}

static int take_lock(struct store *s, struct fault *f)
{
	AUTO_FREE char *lock = str_format("%s.lock", s->name);
	int r;

	if (!lock)
		return -ENOMEM;
	s->lock_fd = openat(s->dir_fd, lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = s->lock_fd < 0 ? -errno : file_lock(s->lock_fd, STORE_LOCK_WAIT_MS);
	if (r == 0)
		return 0;
	if (r != -ETIMEDOUT) {
		fault_set(f, r, "cannot lock %s.lock: %s", s->path, strerror(-r));
		if (r == -EACCES)
			fault_hint(f, "run it as root");
		return r;
	}
	fault_set(f, r, "another musterctl has been editing %s for a minute", s->path);
	fault_hint(f, "'fuser -v %s.lock' shows which", s->path);
	return r;
}

/* Only a file that nobody else can have written, and whose secrets nobody else can read. */
static int check_file(const struct store *s, const struct stat *st, struct fault *f)
{
	if (!S_ISREG(st->st_mode))
		return fault_set(f, -EPERM, "%s is not a regular file", s->path);
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return fault_set(f, -EPERM, "%s belongs to the user id %u: refused", s->path,
				 st->st_uid);
	if (st->st_mode & 077) {
		fault_set(f, -EPERM, "%s may be read or written by others (mode %04o): refused",
			  s->path, st->st_mode & 07777);
		fault_hint(f, "look at what is in it, then: chmod 0600 %s", s->path);
		return -EPERM;
	}
	if (st->st_size > SYNC_DOCUMENT_MAX)
		return fault_set(f, -EFBIG, "%s is larger than %u MiB", s->path,
				 SYNC_DOCUMENT_MAX >> 20);
	return 0;
}

static int parse(struct store *s, const struct buf *text, struct fault *f)
{
	int r = json_text_parse(s->path, text, &s->doc, f);

	if (r < 0) {
		fault_hint(f, "nothing was changed; mend the file first");
		return r;
	}
	if (strcmp(tree_text_or_empty(s->doc, "format"), DOCUMENT_FORMAT) != 0)
		return fault_set(
			f, -EBADMSG,
			"%s is not a muster directory: \"format\" is not \"" DOCUMENT_FORMAT "\"",
			s->path);
	if (!tree_array(s->doc, "users"))
		return fault_set(f, -EBADMSG, "%s is not a muster directory: \"users\" is missing",
				 s->path);
	return 0;
}

static int make_empty(struct store *s)
{
	s->doc = json_object_new_object();
	if (!s->doc ||
	    json_object_object_add(s->doc, "format", json_object_new_string(DOCUMENT_FORMAT)) < 0 ||
	    json_object_object_add(s->doc, "serial", json_object_new_int64(0)) < 0 ||
	    json_object_object_add(s->doc, "made_at", json_object_new_string("")) < 0 ||
	    json_object_object_add(s->doc, "users", json_object_new_array()) < 0)
		return -ENOMEM;
	return 0;
}

static int load(struct store *s, enum store_mode mode, struct fault *f)
{
	CLEANUP(buf_wipe) struct buf text = {0};
	int fd = openat(s->dir_fd, s->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int r;

	s->file_fd = fd;
	if (fd < 0 && errno == ENOENT && mode == STORE_CREATE)
		return make_empty(s);
	if (fd < 0 && errno == ENOENT) {
		fault_set(f, -ENOENT, "there is no directory %s yet", s->path);
		fault_hint(f, "'musterctl directory add NAME' makes one");
		return -ENOENT;
	}
	if (fd < 0 && errno == ELOOP)
		return fault_set(f, -EPERM, "%s is a symbolic link: refused", s->path);
	r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
	if (r < 0)
		return fault_set(f, r, "cannot read %s: %s", s->path, strerror(-r));
	r = check_file(s, &st, f);
	if (r < 0)
		return r;
	r = file_read_fd(fd, SYNC_DOCUMENT_MAX, &text);
	if (r < 0)
		return fault_set(f, r, "cannot read %s: %s", s->path, strerror(-r));
	return parse(s, &text, f);
}

int store_open(struct store *s, const char *path, enum store_mode mode, struct fault *f)
{
	int r;

	*s = (struct store)STORE_NONE;
	s->path = path;
	r = open_dir(s, f);
	if (r == 0 && mode != STORE_READ)
		r = take_lock(s, f);
	return r == 0 ? load(s, mode, f) : r;
}

static int write_bytes(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= n;
	}
	return 0;
}

/* A new file beside the old one, whole and on disk. */
static int write_temp(struct store *s, const char *temp, int *ret_fd)
{
	size_t len;
	const char *text = json_object_to_json_string_length(
		s->doc,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE,
		&len);
	int r;

	if (!text)
		return -ENOMEM;
	/* The lock is ours: what lies there was left by one that was killed. */
	unlinkat(s->dir_fd, temp, 0);
	*ret_fd = openat(s->dir_fd, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*ret_fd < 0)
		return -errno;
	r = write_bytes(*ret_fd, text, len);
	if (r == 0)
		r = write_bytes(*ret_fd, "\n", 1);
	return r == 0 && fsync(*ret_fd) < 0 ? -errno : r;
}

static int put_in_place(struct store *s, const char *temp, struct fault *f)
{
	int r;

	if (renameat(s->dir_fd, temp, s->dir_fd, s->name) < 0) {
		r = -errno;
		unlinkat(s->dir_fd, temp, 0);
		return fault_set(f, r, "cannot save %s, which is unchanged: %s", s->path,
				 strerror(-r));
	}
	if (fsync(s->dir_fd) == 0)
		return 0;
	r = -errno;
	return fault_set(f, r, "%s is saved, but a power cut may bring back the old one: %s",
			 s->path, strerror(-r));
}

int store_save(struct store *s, bool dry_run, struct fault *f)
{
	AUTO_FREE char *temp = str_format(".%s.new", s->name);
	AUTO_CLOSE int fd = -1;
	int r = temp ? write_temp(s, temp, &fd) : -ENOMEM;

	if (r < 0)
		fault_set(f, r, "cannot save %s, which is unchanged: %s", s->path, strerror(-r));
	if (r == 0)
		r = check_document(s->file_fd, fd, f);
	if (r < 0 || dry_run) {
		if (fd >= 0)
			unlinkat(s->dir_fd, temp, 0);
		return r;
	}
	return put_in_place(s, temp, f);
}

void store_done(struct store *s)
{
	json_object_put(s->doc);
	s->doc = NULL;
	closep(&s->dir_fd);
	closep(&s->file_fd);
	closep(&s->lock_fd);
	s->dir_fd = s->file_fd = s->lock_fd = -1;
}
