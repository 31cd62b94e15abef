/*
 * The file of a directory, edited safely: one writer at a time (flock on FILE.lock, bounded wait), read whole,
 * written beside it, synced, and put in place by rename; whoever reads sees the old file or the new one.
 */
#ifndef CTL_DIRECTORY_STORE_H
#define CTL_DIRECTORY_STORE_H

#include <json-c/json.h>
#include <stdbool.h>

#include "common/macros.h"
#include "ctl/message.h"

#define STORE_LOCK_WAIT_MS 60000
/* clang-format off */
#define STORE_NONE { .dir_fd = -1, .lock_fd = -1, .file_fd = -1 }
/* clang-format on */

struct store {
	const char *path;    /* the caller's */
	const char *name;    /* last part of PATH */
	int dir_fd, lock_fd; /* lock_fd -1: read only */
	int file_fd;         /* the file that was read, -1: there was none */
	struct json_object *doc;
};

enum store_mode {
	STORE_READ,   /* no lock: the file is replaced as a whole */
	STORE_EDIT,   /* -ENOENT when there is no file */
	STORE_CREATE, /* an empty directory when there is no file */
};

/*
 * Read PATH. It must be a regular file, no symlink, the caller's or root's, and nobody else may read or write
 * it: it holds password hashes. -EBADMSG with file, line and column; -EPERM; -ETIMEDOUT the lock is
 * held; -errno. F is filled. store_done() after every outcome.
 */
int store_open(struct store *s, const char *path, enum store_mode mode, struct fault *f) MUST_CHECK;
/* Check and write the tree; with DRY_RUN all but putting it in place. On failure the old file is still there. */
int store_save(struct store *s, bool dry_run, struct fault *f) MUST_CHECK;
/* Lets go of the lock. */
void store_done(struct store *s);

#endif
