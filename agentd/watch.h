/*
 * Which of the files that a sync is made from have changed. The directories they lie in are watched, since most editors
 * replace a file; what is said is "it changed", never how: whoever needs to know reads the file.
 */
#ifndef AGENTD_WATCH_H
#define AGENTD_WATCH_H

#include <stddef.h>

#include "common/macros.h"

#define WATCH_MAX 11 /* files */

/* A set. */
enum watch_what {
	WATCH_INPUT = 1,  /* the document, local users */
	WATCH_STATUS = 2, /* sync.status */
	WATCH_CONF = 4,
};

struct watch {
	int fd;
	struct watch_file {
		enum watch_what what;
		char *dir, *name;
		int wd; /* -1: the directory is not there */
	} files[WATCH_MAX];
	size_t n_files;
};

int watch_init(struct watch *w) MUST_CHECK;
void watch_done(struct watch *w);

/* Watch PATH, an absolute one. It and its directory need not exist yet. -ENOMEM, -ENOSPC more than WATCH_MAX, -EINVAL. */
int watch_add(struct watch *w, enum watch_what what, const char *path) MUST_CHECK;

/* Watch no file any more. */
void watch_clear(struct watch *w);

/* Directories may have come, or been replaced: watch those that are there now. To be called before a file is read. */
void watch_renew(struct watch *w);

/* What has changed since the last call, a set of enum watch_what. */
int watch_read(struct watch *w);

#endif
