/*
 * Where the bytes of a snapshot come from: a mapping, or a descriptor and pread. Everything is checked here, before
 * use: file, header, blocks, records. What lies above (common/snapshot_find.h) sees only bytes whose checksum
 * was right. Keeps no state; safe in threads and after fork.
 *
 * Errors: -EBADMSG damaged, -EPERM wrong owner, mode or kind of file, else -errno of open, fstat, pread.
 */
#ifndef COMMON_SNAPSHOT_SOURCE_H
#define COMMON_SNAPSHOT_SOURCE_H

#include <endian.h>
#include <errno.h>
#include <stddef.h>

#include "common/snapshot_format.h"
#include "common/snapshot_reader.h"

struct stat;

/* The checked header, in host order. */
struct snapshot_layout {
	struct snapshot_info info;
	uint64_t length, salt;
	struct snapshot_section section[SNAPSHOT_SECTIONS];
};

struct snapshot_source {
	const struct snapshot_layout *layout;
	const uint8_t *base; /* mapped; NULL: read from fd */
	int fd;
};

/* Memory of the caller for what pread brings; unused when mapped. */
struct snapshot_scratch {
	void *data;
	size_t size;
};
/* Enough for every record but big groups and blobs. */
#define SNAPSHOT_SCRATCH_SIZE SNAPSHOT_USER_MAX

/* A record whose checksum was right. data has any alignment. */
struct snapshot_record {
	const uint8_t *data;
	uint32_t length;
	uint16_t name_len; /* as the head says: not yet compared with length */
};

/* What snapshot_open() makes: for the reader's own files. */
struct snapshot {
	struct snapshot_source source;
	struct snapshot_layout layout;
	uint32_t hint; /* where the last _next() was */
	uint8_t *memory; /* all of the file, or NULL */
};

uint64_t snapshot_header_sum(const struct snapshot_header *h);
/* The header's checks. LENGTH: of the file. */
int snapshot_layout_parse(const struct snapshot_header *h, uint64_t length, enum snapshot_kind kind,
			  struct snapshot_layout *ret) MUST_CHECK;

/* Open and check PATH, as snapshot_open() says. Returns a descriptor (O_CLOEXEC) or -errno. */
int snapshot_file_open(const char *path, enum snapshot_kind kind, struct snapshot_layout *ret,
		       struct stat *ret_st) MUST_CHECK;

/*
 * May /var/lib's file stand in after R for /run's? Not when the process is short of memory or descriptors, which
 * whoever starts it can bring about: the older one may let in whom the newer refuses.
 */
static inline bool snapshot_file_missing(int r)
{
	return r == -ENOENT || r == -EBADMSG || r == -EPERM;
}

/* Exactly LEN bytes; -EBADMSG when the file is shorter. */
int snapshot_pread(int fd, void *data, size_t len, uint64_t offset) MUST_CHECK;

/* XXH3 with a seed, as the format uses it for checksums and hashes. */
uint64_t snapshot_sum(const void *data, size_t len, uint64_t seed);

uint64_t snapshot_block_sum(const struct snapshot_block *b, uint64_t seed);

/* The INDEX-th block of a section; *ret leads into the mapping or is COPY. */
static inline int snapshot_block_get(const struct snapshot_source *s,
				     const struct snapshot_section *section, uint32_t index,
				     struct snapshot_block *copy, const struct snapshot_block **ret)
{
	uint64_t offset = section->offset + (uint64_t)index * SNAPSHOT_BLOCK_SIZE;

	*ret = copy;
	if (s->base) {
		*ret = (const struct snapshot_block *)(s->base + offset);
	} else {
		int r = snapshot_pread(s->fd, copy, sizeof *copy, offset);

		if (r < 0)
			return r;
	}
	return le64toh((*ret)->sum) == snapshot_block_sum(*ret, s->layout->salt + offset) ?
		       0 :
		       -EBADMSG;
}

/*
 * The record of TYPE at AT * SNAPSHOT_ALIGN. -ENOSPC: it is good, but longer than SCRATCH (at least one head):
 * only ret->length is filled.
 */
int snapshot_record_get(const struct snapshot_source *s, uint32_t at, uint16_t type,
			const struct snapshot_scratch *scratch, struct snapshot_record *ret) MUST_CHECK;

/*
 * The same for a record of any length: FN gets its bytes piece by piece, head included (pieces are multiples of
 * 8 bytes, the last one apart). Read with pread they are seen before the checksum is: when the result is not 0
 * the caller takes back what FN did. FN stops the walk with a negative value.
 */
typedef int snapshot_piece_fn(void *ctx, uint32_t offset, const uint8_t *data, size_t len);
int snapshot_record_walk(const struct snapshot_source *s, uint32_t at, uint16_t type,
			 const struct snapshot_scratch *scratch, snapshot_piece_fn *fn, void *ctx) MUST_CHECK;

#endif
