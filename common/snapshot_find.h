/*
 * Finding users, groups and accounts in a snapshot: hash indexes, sorted tables, lists. On top of checked bytes
 * (common/snapshot_source.h), for the pread reader and the NSS module alike; no memory, no state.
 *
 * 0; -ESRCH proven not there; -EBADMSG damaged, or an id or name that must not leave (N10); -ENOSPC with
 * ret->length filled: the record does not fit SCRATCH; else as the source.
 */
#ifndef COMMON_SNAPSHOT_FIND_H
#define COMMON_SNAPSHOT_FIND_H

#include "common/names.h"
#include "common/snapshot_source.h"

/* What has a name and an id: which tables lead to it, and where its name begins. */
struct snapshot_table {
	enum snapshot_section_id names, ids, order;
	uint16_t type;
	uint16_t name_offset;
};
extern const struct snapshot_table snapshot_users, snapshot_groups;
extern const struct snapshot_table snapshot_accounts; /* has no hash of ids */

/* NAME: valid, of LEN bytes (name_span()). What is found by any of these has a valid name, at name_offset. */
int snapshot_find_name(const struct snapshot_source *s, const struct snapshot_table *t, const char *name,
		       size_t len, const struct snapshot_scratch *scratch, struct snapshot_record *ret) MUST_CHECK;
int snapshot_find_id(const struct snapshot_source *s, const struct snapshot_table *t, uint32_t id,
		     const struct snapshot_scratch *scratch, struct snapshot_record *ret) MUST_CHECK;

/*
 * The smallest id greater than AFTER, and its record. *HINT: where in the sorted table the answer of the last call
 * was, so that a walk takes one step a call; any value will do. ret_slot: key is the id.
 */
int snapshot_find_next(const struct snapshot_source *s, const struct snapshot_table *t, uint32_t after, uint32_t *hint,
		       const struct snapshot_scratch *scratch, struct snapshot_slot *ret_slot,
		       struct snapshot_record *ret) MUST_CHECK;
/*
 * Local groups that users of the directory are in by this host's configuration (SECTION_LOCAL_GRANTS): the one of a
 * name by snapshot_find_name() in snapshot_local_groups, which leads nowhere else; the one of GID; and the grants of a user.
 */
extern const struct snapshot_table snapshot_local_groups;
int snapshot_find_local_group(const struct snapshot_source *s, uint32_t gid, const struct snapshot_scratch *scratch,
			      struct snapshot_record *ret) MUST_CHECK;
int snapshot_find_grants(const struct snapshot_source *s, uint32_t uid, const struct snapshot_scratch *scratch,
			 struct snapshot_record *ret) MUST_CHECK;

/* Are there any? Most hosts have none: so nothing is hashed for them. */
static inline bool snapshot_has_grants(const struct snapshot_source *s)
{
	return s->layout->section[SECTION_LOCAL_GRANTS].blocks > 0;
}

/* The INDEX-th of a list. */
int snapshot_find_index(const struct snapshot_source *s, enum snapshot_section_id list, uint16_t type, uint32_t index,
			const struct snapshot_scratch *scratch, struct snapshot_record *ret) MUST_CHECK;

/* Is the record at AT where a search for HASH finds it? 0, -ESRCH. */
int snapshot_find_slot(const struct snapshot_source *s, enum snapshot_section_id section, uint64_t hash,
		       uint32_t at) MUST_CHECK;
uint64_t snapshot_hash_name(const struct snapshot_layout *l, const char *name, size_t len);
uint64_t snapshot_hash_id(const struct snapshot_layout *l, uint32_t id);

/* A user as the record has it: its four strings lie one after another from name on, strings_len bytes. */
struct snapshot_user_view {
	struct snapshot_user user;
	uint32_t strings_len;
	uint32_t gids_at, keys_at;
};
/* R: as found, so that its name is valid. Lengths, terminators and ids are checked. Strings lead into R. */
int snapshot_user_parse(const struct snapshot_source *s, const struct snapshot_record *r,
			struct snapshot_user_view *ret) MUST_CHECK;
/* The keys of U, who has some, alone in BUF. */
int snapshot_user_keys(struct snapshot *s, const struct snapshot_user_view *u, struct buf *buf,
		       struct strlist *ret) MUST_CHECK;
/* The members are not looked at: snapshot_members_check(), or a walk with name_span(). */
int snapshot_group_parse(const struct snapshot_source *s, const struct snapshot_record *r,
			 struct snapshot_group *ret) MUST_CHECK;
/* The same of a local group: its gid may lie below the floor, but is never 0. */
int snapshot_local_group_parse(const struct snapshot_record *r, struct snapshot_group *ret) MUST_CHECK;
/* Every byte belongs to one of l->count valid names. */
int snapshot_members_check(const struct strlist *l) MUST_CHECK;

/* An account: its uid, and the bytes of its packed record. */
struct snapshot_account_view {
	uint32_t uid;
	const uint8_t *packed;
	size_t packed_len;
};
int snapshot_account_parse(const struct snapshot_source *s, const struct snapshot_record *r,
			   struct snapshot_account_view *ret) MUST_CHECK;

/*
 * Each gid of a user, the primary one first; FN stops with a negative value. Read with pread, gids are seen before
 * the checksum is: when the result is not 0 the caller takes back what FN did.
 */
typedef int snapshot_gid_fn(void *ctx, uint32_t gid);
int snapshot_gids_walk(const struct snapshot_source *s, const struct snapshot_user_view *u,
		       const struct snapshot_scratch *scratch, snapshot_gid_fn *fn, void *ctx) MUST_CHECK;

/* The same of R, the grants of a user: each local gid. R was checked whole before. */
int snapshot_grants_walk(const struct snapshot_record *r, snapshot_gid_fn *fn, void *ctx) MUST_CHECK;

/* Of snapshot_verify(): every grant is found by its keys, and nothing else is there. */
int snapshot_grants_verify(struct snapshot *s) MUST_CHECK;

/* May ID leave: above the floor fixed when built, and within what the file says of itself. */
static inline bool snapshot_id_ok(const struct snapshot_layout *l, uint32_t id)
{
	return id_floor_ok(id) && id >= l->info.id_min && id <= l->info.id_max;
}

#endif
