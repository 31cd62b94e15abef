/* Running other programs to their end: no shell, nothing on stdin, a clean environment. */
#ifndef CTL_PROGRAM_H
#define CTL_PROGRAM_H

#include <sys/types.h>

#include "common/str.h"

/*
 * Run argv[0] (absolute) and append what it says on both outputs to OUT, NUL not counted. Its exit status; 256 + the
 * signal that ended it; -ENOENT, -ETIMEDOUT after LIMIT_MS, when it is killed, -errno.
 */
int program_run(const char *const *argv, int limit_ms, struct buf *out) MUST_CHECK;

/* Is systemd process 1 here? */
bool systemd_runs(void);

/* The first line of TEXT, cut for a message. */
#define FIRST_LINE_SIZE 160
const char *first_line(const char *text, char out[static FIRST_LINE_SIZE]);

#endif
