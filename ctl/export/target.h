/*
 * One exported file: what it said before, and putting a new one in its place. Whoever serves it sees the old
 * one or the new one; one that says the same stays untouched, so that its ETag does.
 */
#ifndef CTL_EXPORT_TARGET_H
#define CTL_EXPORT_TARGET_H

#include <json-c/json.h>
#include <sys/types.h>

#include "ctl/message.h"

struct target {
	int dir_fd;       /* the caller's */
	const char *name; /* in it */
	gid_t group;      /* may read it; (gid_t)-1: nobody but the owner */
};

/* What the file says; *RET NULL when there is none. -EBADMSG it is no document; -errno. F is filled. */
int target_load(const struct target *t, struct json_object **ret, struct fault *f) MUST_CHECK;

/*
 * Replace it by DOC, which muster-fetch must be able to read without leaving anybody out. -EBADMSG it could
 * not; -errno. F is filled; the file is then as it was.
 */
int target_save(const struct target *t, struct json_object *doc, struct fault *f) MUST_CHECK;

/* The file says what it should, and stays: only who may read it is seen to. -errno. F is filled. */
int target_keep(const struct target *t, struct fault *f) MUST_CHECK;

#endif
