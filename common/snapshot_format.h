/*
 * The bytes of a snapshot file, as docs/snapshot-format.md tells them: all numbers little-endian, no padding but
 * what is named. These structs are copied out of the file with memcpy and turned with le32toh() and friends: a
 * record may lie at any address of a caller's buffer.
 */
#ifndef COMMON_SNAPSHOT_FORMAT_H
#define COMMON_SNAPSHOT_FORMAT_H

#include <stdint.h>

#define SNAPSHOT_MAGIC	     "MUSTSNAP"
#define SNAPSHOT_VERSION     1u
#define SNAPSHOT_HEADER_SIZE 512u
#define SNAPSHOT_BLOCK_SIZE  64u
#define SNAPSHOT_BLOCK_SLOTS 7u
#define SNAPSHOT_BLOCK_LOAD  4u /* entries a hash block holds on average; the writer's choice */
#define SNAPSHOT_ALIGN	     8u /* of every record; slots count in units of it */
#define SNAPSHOT_LENGTH_MAX  ((uint64_t)UINT32_MAX * SNAPSHOT_ALIGN)
#define SNAPSHOT_DIRECTORY   24u /* places for sections in the header */

/* Longest records, head included (N4). */
#define SNAPSHOT_USER_MAX  4096u
#define SNAPSHOT_GROUP_MAX (4u << 20)
#define SNAPSHOT_BLOB_MAX  (4u << 20)
#define SNAPSHOT_GRANTS_MAX 512u /* local gids of a user: so that they fit SNAPSHOT_SCRATCH_SIZE */

enum snapshot_section_id {
	/* nss.snapshot */
	SECTION_USER_NAMES, /* hash of name -> user record */
	SECTION_USER_UIDS,  /* hash of uid -> user record */
	SECTION_GROUP_NAMES,
	SECTION_GROUP_GIDS,
	SECTION_USERS,  /* sorted by uid */
	SECTION_GROUPS, /* sorted by gid */
	/* pam.snapshot */
	SECTION_ACCOUNT_NAMES, /* hash of name -> account record */
	SECTION_ACCOUNTS,      /* sorted by uid */
	SECTION_POLICY,	       /* the following are lists: keys count from 0 */
	SECTION_STATUS,
	SECTION_REJECTS,
	SECTION_DIR_GROUPS,
	/* nss.snapshot */
	SECTION_LOCAL_GRANTS, /* hash of a local group's name and gid, and of a user's uid -> grant record */
	SNAPSHOT_SECTIONS /* known to this version; further places are ignored */
};

/* A table of blocks. entries: occupied slots in it. */
struct snapshot_section {
	uint64_t offset; /* of the first block, a multiple of SNAPSHOT_BLOCK_SIZE */
	uint32_t blocks;
	uint32_t entries;
};

struct snapshot_header {
	char magic[8];
	uint64_t sum; /* XXH3 of what follows in the header, seed 0 */
	uint32_t version;
	uint32_t kind; /* enum snapshot_kind */
	uint64_t generation;
	int64_t created_at, confirmed_at;
	uint64_t length; /* of the file */
	uint64_t salt;	 /* of all other checksums and of the hashes: so no block of another file fits in */
	uint32_t id_min, id_max;
	uint32_t n_users, n_groups;
	uint64_t spare[6]; /* 0 */
	struct snapshot_section section[SNAPSHOT_DIRECTORY];
};

struct snapshot_slot {
	uint32_t key; /* low half of the hash; the id; the number in the list */
	uint32_t at;  /* record's offset / SNAPSHOT_ALIGN; 0 = free, and so are all slots after it */
};

struct snapshot_block {
	uint64_t sum; /* XXH3 of the slots, seed salt + the block's offset */
	struct snapshot_slot slot[SNAPSHOT_BLOCK_SLOTS];
};

enum snapshot_record_type {
	SNAPSHOT_RECORD_USER = 'U',
	SNAPSHOT_RECORD_GIDS = 'I',
	SNAPSHOT_RECORD_KEYS = 'K',
	SNAPSHOT_RECORD_GROUP = 'G',
	SNAPSHOT_RECORD_ACCOUNT = 'A',
	SNAPSHOT_RECORD_POLICY = 'P',
	SNAPSHOT_RECORD_STATUS = 'S',
	SNAPSHOT_RECORD_REJECT = 'R',
	SNAPSHOT_RECORD_DIR_GROUP = 'D',
	SNAPSHOT_RECORD_GRANT = 'L',
};

/* Every record begins so. Policy, status, reject and dir_group: then the bytes of common/record.h. */
struct snapshot_head {
	uint64_t sum;	 /* XXH3 of the rest of the record, seed salt + the record's offset */
	uint32_t length; /* of the record with this head, without padding */
	uint16_t type;
	uint16_t name_len; /* without NUL; 0 where there is no name */
};

/* Then name, gecos, home, shell, each with a NUL. */
struct snapshot_user_record {
	struct snapshot_head head;
	uint32_t uid, gid;
	uint32_t gids_at; /* offset / SNAPSHOT_ALIGN of the user's gids */
	uint32_t keys_at; /* of the user's keys; 0 = none */
	uint16_t gecos_len, home_len, shell_len;
	uint16_t spare;
};

/* Then COUNT gids, the primary one first; or COUNT keys, each with a NUL; or, in a grant without name, COUNT local gids. */
struct snapshot_list_record {
	struct snapshot_head head;
	uint32_t uid; /* whose: a reader checks it */
	uint32_t count;
};

/* Then name and COUNT members, each with a NUL. So is a grant with a name: a local group. */
struct snapshot_group_record {
	struct snapshot_head head;
	uint32_t gid;
	uint32_t count;
};

/* Then name with a NUL, then the bytes of record_account_pack(). */
struct snapshot_account_record {
	struct snapshot_head head;
	uint32_t uid;
	uint32_t spare;
};

_Static_assert(sizeof(struct snapshot_section) == 16, "layout");
_Static_assert(sizeof(struct snapshot_header) == SNAPSHOT_HEADER_SIZE, "layout");
_Static_assert(sizeof(struct snapshot_block) == SNAPSHOT_BLOCK_SIZE, "layout");
_Static_assert(sizeof(struct snapshot_head) == 16, "layout");
_Static_assert(sizeof(struct snapshot_user_record) == 40, "layout");
_Static_assert(sizeof(struct snapshot_list_record) == 24, "layout");
_Static_assert(sizeof(struct snapshot_group_record) == 24, "layout");
_Static_assert(sizeof(struct snapshot_account_record) == 24, "layout");

#endif
