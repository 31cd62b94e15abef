#include "ctl/export/target.h"

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

int target_load(const struct target *t, struct json_object **ret, struct fault *f)
{
	CLEANUP(buf_wipe) struct buf text = {0};
	AUTO_CLOSE int fd = openat(t->dir_fd, t->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int r;

	*ret = NULL;
	if (fd < 0 && errno == ENOENT)
		return 0;
	r = fd < 0 ? -errno : file_read_fd(fd, SYNC_DOCUMENT_MAX, &text);
	if (r < 0)
		return fault_set(f, r, "cannot read %s: %s", t->name, strerror(-r));
	r = json_text_parse(t->name, &text, ret, f);
	if (r == 0 && strcmp(tree_text_or_empty(*ret, "format"), DOCUMENT_FORMAT) != 0) {
		json_object_put(*ret);
		*ret = NULL;
		r = fault_set(f, -EBADMSG, "%s is no document of muster's", t->name);
	}
	if (r < 0)
		fault_hint(f, "move it away; the next export makes a new one");
	return r;
}

/* Who may read it: nobody but the owner, and T's group. */
static int set_readers(const struct target *t, int fd)
{
	bool shared = t->group != (gid_t)-1;
	mode_t mode = shared ? 0640 : 0600;
	struct stat st;

	if (fstat(fd, &st) < 0 || (shared && st.st_gid != t->group && fchown(fd, (uid_t)-1, t->group) < 0) ||
	    ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0))
		return -errno;
	return 0;
}

static int fill(const struct target *t, int fd, struct json_object *doc)
{
	size_t len;
	const char *text = json_object_to_json_string_length(
		doc, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE,
		&len);
	int r = text ? write_all(fd, text, len) : -ENOMEM;

	if (r == 0)
		r = write_all(fd, "\n", 1);
	if (r == 0)
		r = set_readers(t, fd);
	return r == 0 && fsync(fd) < 0 ? -errno : r;
}

int target_save(const struct target *t, struct json_object *doc, struct fault *f)
{
	AUTO_FREE char *temp = str_format(".%s.new", t->name);
	AUTO_CLOSE int fd = -1;
	int r = temp ? 0 : -ENOMEM;

	if (r == 0) {
		unlinkat(t->dir_fd, temp, 0); /* of one that was killed; there is a lock */
		fd = openat(t->dir_fd, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		r = fd < 0 ? -errno : fill(t, fd, doc);
	}
	if (r < 0)
		fault_set(f, r, "cannot write %s: %s", t->name, strerror(-r));
	else
		r = check_document(-1, fd, f);
	if (r == 0 && renameat(t->dir_fd, temp, t->dir_fd, t->name) < 0) {
		r = -errno;
		fault_set(f, r, "cannot replace %s: %s", t->name, strerror(-r));
	}
	if (r == 0 && fsync(t->dir_fd) < 0)
		return fault_set(f, -errno, "%s is written, but a power cut may undo it", t->name);
	if (r < 0 && fd >= 0)
		unlinkat(t->dir_fd, temp, 0);
	return r;
}

int target_keep(const struct target *t, struct fault *f)
{
	AUTO_CLOSE int fd = openat(t->dir_fd, t->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int r = fd < 0 ? -errno : set_readers(t, fd);

	return r < 0 ? fault_set(f, r, "cannot say who may read %s: %s", t->name, strerror(-r)) : 0;
}
