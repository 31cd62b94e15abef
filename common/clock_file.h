/*
 * The clock's mark as musterd keeps it for all who decide: one record in MUSTER_STATE_DIR, replaced by rename at each
 * attempt to sync that finds it older than a few minutes, on line or not. Where it is lost, the mark in pam.snapshot counts.
 */
#ifndef COMMON_CLOCK_FILE_H
#define COMMON_CLOCK_FILE_H

#include "common/clock.h"

#define CLOCK_FILE "clock"

/* -ENOENT; -EPERM not a regular file, not its owner's (common/paths.h), or writable by others; -EBADMSG; -errno. */
int clock_file_load(const char *dir, struct clock_mark *ret) MUST_CHECK;

#endif
