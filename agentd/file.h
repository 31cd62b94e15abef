/* Small files read whole, and directories made with the right owner and mode. 0 or -errno. */
#ifndef AGENTD_FILE_H
#define AGENTD_FILE_H

#include <sys/types.h>

#include "common/str.h"

/* Append PATH to OUT and a NUL that is not counted in len. -EFBIG above MAX bytes. */
int file_read(const char *path, size_t max, struct buf *out) MUST_CHECK;

/* Likewise what FD yields up to its end. */
int file_read_fd(int fd, size_t max, struct buf *out) MUST_CHECK;

/* All of DATA, however many writes it takes. */
int write_all(int fd, const void *data, size_t len) MUST_CHECK;

/* DIR/NAME with LEN bytes and MODE, made under another name, synced and renamed: who reads it sees the old one or the new one. */
int file_replace(const char *dir, const char *name, mode_t mode, const void *data, size_t len) MUST_CHECK;

/* What was written to the file PATH, or renamed and removed in the directory PATH, outlives a power cut. */
int file_sync(const char *path) MUST_CHECK;

/* flock(2) FD for oneself alone. -ETIMEDOUT: somebody else has it, also after WAIT_MS. */
int file_lock(int fd, int wait_ms) MUST_CHECK;

/*
 * The directory PATH, made when absent (its parent must be there): owned by the caller, with exactly MODE.
 * -EPERM it belongs to somebody else; -ENOTDIR.
 */
int dir_ensure(const char *path, mode_t mode) MUST_CHECK;

#endif
