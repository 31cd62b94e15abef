/*
 * sync.status in runtime_dir: how the last attempt to sync went, written at the end of each, whoever made it. One record
 * (common/record.h), 0644, replaced by rename, so that musterctl, metrics and the living musterd can watch it.
 */
#ifndef AGENTD_STATUS_H
#define AGENTD_STATUS_H

#include "agentd/conf.h"
#include "common/record.h"

#define STATUS_FILE   "sync.status"
#define SESSIONS_FILE "sessions.status" /* likewise of sessions that were ended; written when there is news of them */

/* last_error becomes the last of S's errors. */
int status_save(const char *runtime_dir, const struct sync_status *s) MUST_CHECK;

/* Strings of RET lead into BUF. 0; -ENOENT; -EPERM not root's or ours, or writable by others; -EBADMSG; -errno. */
int status_load(const char *runtime_dir, struct buf *buf, struct sync_status *ret) MUST_CHECK;

/* What the published pam.snapshot says of the sync that it is of, in runtime_dir or else state_dir. -ENOENT: nothing. */
int status_load_published(const struct conf *c, struct buf *buf, struct sync_status *ret) MUST_CHECK;

int status_save_sessions(const char *runtime_dir, const struct session_status *s) MUST_CHECK;

/* All zero also when there are none yet: since a boot. Errors as status_load(). */
int status_load_sessions(const char *runtime_dir, struct session_status *ret) MUST_CHECK;

/* What is known before an attempt: sync.status, or after a boot what the published pam.snapshot says. -ENOENT: nothing. */
int status_load_last(const struct conf *c, struct buf *buf, struct sync_status *ret) MUST_CHECK;

#endif
