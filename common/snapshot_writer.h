/*
 * Making a snapshot file. Records are streamed to the descriptor as they are added (memory: index entries only), the
 * header last. Users and groups may come in any order; names and ids must be unique (-EEXIST) and pass
 * id_floor_ok() and name_valid() (-EINVAL). Layout: docs/snapshot-format.md.
 */
#ifndef COMMON_SNAPSHOT_WRITER_H
#define COMMON_SNAPSHOT_WRITER_H

#include "common/snapshot_reader.h"

struct snapshot_writer;

/* FD: empty regular file, opened read-write by the caller, who keeps it. INFO: kind, generation, times. */
int snapshot_writer_new(int fd, const struct snapshot_info *info, struct snapshot_writer **ret) MUST_CHECK;
void snapshot_writer_free(struct snapshot_writer *w);
void snapshot_writer_freep(struct snapshot_writer **w);

/* gids: all groups of the user, the primary one first. keys: "type base64" each; empty when withheld. */
int snapshot_writer_user(struct snapshot_writer *w, const struct snapshot_user *u, const uint32_t *gids, uint32_t n_gids,
			 const struct strlist *keys) MUST_CHECK;
/* members: sorted, unique, each passed name_valid(). */
int snapshot_writer_group(struct snapshot_writer *w, const struct snapshot_group *g) MUST_CHECK;

/*
 * A local group, with those of its members that this host's configuration makes of users of the directory: its gid need
 * only pass local_gid_ok(). And the gids of such groups that the user UID is in, at most SNAPSHOT_GRANTS_MAX.
 */
int snapshot_writer_local_group(struct snapshot_writer *w, const struct snapshot_group *g) MUST_CHECK;
int snapshot_writer_grants(struct snapshot_writer *w, uint32_t uid, const uint32_t *gids, uint32_t n) MUST_CHECK;

int snapshot_writer_account(struct snapshot_writer *w, const char *name, uint32_t uid, const void *record,
			    size_t len) MUST_CHECK;
int snapshot_writer_policy(struct snapshot_writer *w, const void *record, size_t len) MUST_CHECK;
int snapshot_writer_status(struct snapshot_writer *w, const void *record, size_t len) MUST_CHECK;
int snapshot_writer_reject(struct snapshot_writer *w, const void *record, size_t len) MUST_CHECK;
int snapshot_writer_dir_group(struct snapshot_writer *w, const void *record, size_t len) MUST_CHECK;

/* Writes indexes and header. The caller reads back, fsyncs and renames (agentd/publish.h). */
int snapshot_writer_finish(struct snapshot_writer *w) MUST_CHECK;

/*
 * snapshot_verify() of what a writer has put into FD, a file without a name: mapped, which nobody can cut short, since two preads a
 * record are seconds at 100,000 users. Then a copy of it has only to have the same bytes.
 */
int snapshot_verify_memory(int fd, enum snapshot_kind kind) MUST_CHECK;

/*
 * Write FROM, as it is but for CONFIRMED_AT, into FD (empty, as above): the directory said the same again. Nothing
 * but the header is looked at: verify the copy.
 */
int snapshot_copy(struct snapshot *from, int fd, int64_t confirmed_at) MUST_CHECK;

#endif
