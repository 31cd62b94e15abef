/*
 * The files that setup changes, and copies of them. A root is where such a copy of the tree begins: "" is this computer,
 * SETUP_BEFORE what was there before the last setup, SETUP_AFTER what that wrote. The copies are what setup goes by when
 * it undoes: a file that is as in SETUP_BEFORE or as in SETUP_AFTER is one that nobody else has edited since.
 */
#ifndef CTL_SETUP_FILES_H
#define CTL_SETUP_FILES_H

#include "common/paths.h"
#include "common/str.h"
#include "ctl/message.h"

#define SETUP_DIR    MUSTER_STATE_DIR "/setup" /* 0700 */
#define SETUP_LIVE   ""
#define SETUP_BEFORE SETUP_DIR "/before"
#define SETUP_AFTER  SETUP_DIR "/after"
#define SETUP_FOUND  SETUP_DIR "/found" /* of a setup that is at work: what it goes by … */
#define SETUP_STAGE  SETUP_DIR "/stage" /* … and what it would write */
#define SETUP_BUSY   SETUP_DIR "/busy"  /* there while one is, and after one that was killed */
#define SETUP_PAM_D  MUSTER_ETC "/pam.d"

enum setup_file {
	SETUP_NSSWITCH,
	SETUP_SEEN, /* which profiles pam-auth-update has offered: other packages change it, too */
	SETUP_PAM,  /* and all that follow */
	SETUP_FILES = SETUP_PAM + 10,
};

/* Its path, after a root. */
const char *setup_path(enum setup_file i);

/* Append the file and a NUL that is not counted. 0; -errno: F names it. */
int setup_read(const char *root, enum setup_file i, struct buf *out, struct fault *f) MUST_CHECK;

/* The file with DATA and MODE, whole or not at all, also over a power cut. The folders of it are made. */
int setup_write(const char *root, enum setup_file i, mode_t mode, const struct buf *data, struct fault *f) MUST_CHECK;

/* One file, with its mode, from a root to another, where it is not the same already. */
int setup_copy_file(const char *from, const char *to, enum setup_file i, struct fault *f) MUST_CHECK;

/* A file in SETUP_DIR, PATH, with TEXT: there also after a power cut. */
int setup_mark(const char *path, const char *text, struct fault *f) MUST_CHECK;
/* It is gone, also after a power cut. */
int setup_unmark(const char *path, struct fault *f) MUST_CHECK;

/*
 * What pam-auth-update wrote on this computer outlives a power cut, too: it leaves that to the kernel, and an empty common-auth
 * lets nobody in. Before the mark goes by which the next boot would undo it.
 */
int setup_sync(struct fault *f) MUST_CHECK;

/* The same bytes, in all files from FIRST to LAST? A file that cannot be read is like no other. */
bool setup_same(const char *a, const char *b, enum setup_file first, enum setup_file last);

/* All files, to another root; first those in FROM are to pass setup_sound(). */
int setup_copy(const char *from, const char *to, struct fault *f) MUST_CHECK;

/* -EKEYREJECTED: a file is missing, no regular file, or somebody else's than root's: F has which. */
int setup_sound(const char *root, struct fault *f) MUST_CHECK;

/* Is muster named there: in nsswitch.conf, in the common files of PAM? */
bool setup_has_nss(const char *root);
bool setup_has_pam(const char *root);
/* By more than the lines that ask about local users in the directory's hands? */
bool setup_has_pam_for_all(const char *root);

/* A folder with all above it, 0700 what is made. */
int setup_make_folders(const char *path) MUST_CHECK;

/* PATH and all below it; 0 also where there is none. */
int setup_remove(const char *path);

/* Nobody else sets up at the same time, until the descriptor is closed. -EWOULDBLOCK, unless WAIT. */
int setup_lock(bool wait, int *ret_fd, struct fault *f) MUST_CHECK;

#endif
