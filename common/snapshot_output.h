/* The file that a snapshot writer fills from front to back, and the tables that lead into it. */
#ifndef COMMON_SNAPSHOT_OUTPUT_H
#define COMMON_SNAPSHOT_OUTPUT_H

#include "common/snapshot_find.h"

struct snapshot_output {
	int fd; /* the caller's */
	uint64_t offset; /* of the first byte in pending */
	struct buf pending;
};

/* Begins with SKIP zero bytes. */
int snapshot_output_init(struct snapshot_output *o, int fd, size_t skip) MUST_CHECK;
void snapshot_output_done(struct snapshot_output *o);
int snapshot_output_add(struct snapshot_output *o, const void *data, size_t len) MUST_CHECK;
/* Zeros up to the next multiple of TO; *ret_offset is there. */
int snapshot_output_align(struct snapshot_output *o, size_t to, uint64_t *ret_offset) MUST_CHECK;
int snapshot_output_flush(struct snapshot_output *o) MUST_CHECK;
/* Exactly LEN bytes anywhere. */
int snapshot_pwrite(int fd, const void *data, size_t len, uint64_t offset) MUST_CHECK;

/* What a writer keeps of a record. */
struct snapshot_entry {
	uint64_t hash; /* of its name; of its key, where there is one table alone */
	uint32_t id;
	uint32_t at;
};

/*
 * Write the three tables of T over N entries, which are sorted here; l->section tells where they are then.
 * -EEXIST: an id or a name is there twice.
 */
int snapshot_tables_write(struct snapshot_output *o, struct snapshot_layout *l, const struct snapshot_table *t,
			  struct snapshot_entry *entries, uint32_t n) MUST_CHECK;
/*
 * One hash table alone, over N entries that are sorted here by hash. -EEXIST: two have the same hash and id, which is
 * what the caller tells apart that may have the same key.
 */
int snapshot_hash_write(struct snapshot_output *o, struct snapshot_layout *l, enum snapshot_section_id section,
			struct snapshot_entry *entries, uint32_t n) MUST_CHECK;
/* The same for a list of N places. */
int snapshot_list_write(struct snapshot_output *o, struct snapshot_layout *l, enum snapshot_section_id list,
			const uint32_t *at, uint32_t n) MUST_CHECK;

#endif
