/* Running 'musterd --once', which does what changes this computer: with a living agent beside it or without. */
#ifndef CTL_MUSTERD_H
#define CTL_MUSTERD_H

#include <sys/types.h>

#include "common/macros.h"

#define MUSTERD_ARGUMENTS_MAX 256

/*
 * Start it with the N ARGUMENTS after --once: nothing on stdin, stdout and stderr to OUT_FD, no environment but a PATH.
 * -E2BIG, -errno.
 */
int musterd_start(const char *const *arguments, unsigned n, int out_fd, pid_t *ret) MUST_CHECK;

/* Its exit status; 256 + the signal that killed it. -errno. */
int musterd_wait(pid_t pid) MUST_CHECK;

#endif
