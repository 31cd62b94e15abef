/*
 * Reading a published snapshot with pread: PAM, musterctl, musterd's read-back, /var/lib. (NSS reads the same
 * layout through common/snapshot_map.h when the file lies on tmpfs.) Layout: docs/snapshot-format.md.
 *
 * Any bytes give a right answer or an error, never a wrong answer and never a false "not found": every block
 * and record carries a checksum seeded with its own offset, every offset and length is checked first.
 *
 * Errors: -ESRCH no such user or group (proven); -ENOENT no file; -EBADMSG damaged; -EPERM wrong owner, mode or kind of
 * file; -EACCES not ours to read; -ENOMEM, -EIO.
 */
#ifndef COMMON_SNAPSHOT_READER_H
#define COMMON_SNAPSHOT_READER_H

#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

enum snapshot_kind {
	SNAPSHOT_NSS = 1,
	SNAPSHOT_PAM,
};

struct snapshot_info {
	enum snapshot_kind kind;
	uint64_t generation;
	int64_t created_at;   /* when this file was made */
	int64_t confirmed_at; /* when the directory last confirmed its contents */
	uint32_t id_min, id_max;
	uint32_t n_users, n_groups;
};

struct snapshot; /* opaque: a descriptor, the checked header */

/*
 * Open PATH: O_NOFOLLOW, regular, MUSTER_OWNER's, not writable by group or others (SNAPSHOT_PAM: not readable by
 * them either), length as the header says.
 */
int snapshot_open(const char *path, enum snapshot_kind kind, struct snapshot **ret) MUST_CHECK;
/* The newest good one of MUSTER_RUNTIME_DIR and MUSTER_STATE_DIR: /run first, /var/lib when /run has none or a bad one. */
int snapshot_open_published(enum snapshot_kind kind, struct snapshot **ret) MUST_CHECK;
/* For who walks through all of it: read the file into memory, at once instead of piece by piece. */
int snapshot_load(struct snapshot *s) MUST_CHECK;
void snapshot_close(struct snapshot *s);
void snapshot_closep(struct snapshot **s);
const struct snapshot_info *snapshot_info(const struct snapshot *s);

/* nss.snapshot. Strings lead into *BUF, which the caller frees with buf_done() and may reuse. */
struct snapshot_user {
	const char *name, *gecos, *home, *shell;
	uint32_t uid, gid;
};
struct snapshot_group {
	const char *name;
	uint32_t gid;
	struct strlist members; /* sorted, no duplicates */
};
int snapshot_user_by_name(struct snapshot *s, const char *name, struct buf *buf, struct snapshot_user *ret) MUST_CHECK;
int snapshot_user_by_uid(struct snapshot *s, uint32_t uid, struct buf *buf, struct snapshot_user *ret) MUST_CHECK;
int snapshot_group_by_name(struct snapshot *s, const char *name, struct buf *buf, struct snapshot_group *ret) MUST_CHECK;
int snapshot_group_by_gid(struct snapshot *s, uint32_t gid, struct buf *buf, struct snapshot_group *ret) MUST_CHECK;
/* The smallest id greater than AFTER (start with 0); -ESRCH at the end. */
int snapshot_user_next(struct snapshot *s, uint32_t after, struct buf *buf, struct snapshot_user *ret) MUST_CHECK;
int snapshot_group_next(struct snapshot *s, uint32_t after, struct buf *buf, struct snapshot_group *ret) MUST_CHECK;
/* Primary, supplementary and local gids of NAME into BUF as uint32_t; *ret_n of them. */
int snapshot_gids(struct snapshot *s, const char *name, struct buf *buf, uint32_t *ret_n) MUST_CHECK;
/*
 * Local groups that users of the directory are in by this host's configuration, with those members; in no order, *PLACE
 * being 0 at first. Its gid only passed local_gid_ok(). -ESRCH at the end.
 */
int snapshot_local_group_next(struct snapshot *s, uint32_t *place, struct buf *buf,
			      struct snapshot_group *ret) MUST_CHECK;
/* SSH keys of NAME, each "type base64"; count 0 when there are none or they are withheld. */
int snapshot_keys(struct snapshot *s, const char *name, struct buf *buf, struct strlist *ret) MUST_CHECK;

/* pam.snapshot. BUF gets the packed record: record_account_unpack(buf->data, buf->len, …). */
int snapshot_account(struct snapshot *s, const char *name, struct buf *buf) MUST_CHECK;
int snapshot_account_by_uid(struct snapshot *s, uint32_t uid, struct buf *buf) MUST_CHECK;
int snapshot_account_next(struct snapshot *s, uint32_t after_uid, struct buf *buf, uint32_t *ret_uid) MUST_CHECK;
int snapshot_policy(struct snapshot *s, struct buf *buf) MUST_CHECK;
int snapshot_status(struct snapshot *s, struct buf *buf) MUST_CHECK;
/* Rejected users and groups, INDEX from 0; -ESRCH at the end. */
int snapshot_reject(struct snapshot *s, uint32_t index, struct buf *buf) MUST_CHECK;
/* Directory groups (record_group_*), INDEX from 0, as last fetched: for musterctl and access rules. -ESRCH at the end. */
int snapshot_dir_group(struct snapshot *s, uint32_t index, struct buf *buf) MUST_CHECK;

/* Walk everything once: the publisher's read-back. 0 or the first error. */
int snapshot_verify(struct snapshot *s) MUST_CHECK;

#endif
