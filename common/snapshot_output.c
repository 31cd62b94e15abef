#include "common/snapshot_output.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/sort.h"

#define PENDING_MAX 65536u

int snapshot_pwrite(int fd, const void *data, size_t len, uint64_t offset)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

static int zeros_add(struct snapshot_output *o, size_t len)
{
	static const uint8_t zeros[SNAPSHOT_HEADER_SIZE];

	return snapshot_output_add(o, zeros, len);
}

int snapshot_output_init(struct snapshot_output *o, int fd, size_t skip)
{
	*o = (struct snapshot_output){.fd = fd};
	return zeros_add(o, skip);
}

void snapshot_output_done(struct snapshot_output *o)
{
	buf_wipe(&o->pending);
}

int snapshot_output_flush(struct snapshot_output *o)
{
	int r = snapshot_pwrite(o->fd, o->pending.data, o->pending.len, o->offset);

	if (r < 0)
		return r;
	o->offset += o->pending.len;
	o->pending.len = 0;
	return 0;
}

int snapshot_output_add(struct snapshot_output *o, const void *data, size_t len)
{
	int r = buf_add(&o->pending, data, len);

	return r == 0 && o->pending.len >= PENDING_MAX ? snapshot_output_flush(o) : r;
}

int snapshot_output_align(struct snapshot_output *o, size_t to, uint64_t *ret_offset)
{
	uint64_t at = o->offset + o->pending.len;
	size_t gap = (size_t)(-at & (to - 1));

	*ret_offset = at + gap;
	return gap > 0 ? zeros_add(o, gap) : 0;
}

/* A table of BLOCKS empty blocks at the end of the file, in memory for now. */
struct table {
	struct snapshot_section *section;
	struct snapshot_block *blocks;
};

static void table_done(struct table *t)
{
	free(t->blocks);
}

static int table_begin(struct snapshot_output *o, struct snapshot_section *section, uint32_t blocks,
		       uint32_t entries, struct table *ret)
{
	*section = (struct snapshot_section){.blocks = blocks, .entries = entries};
	ret->section = section;
	ret->blocks = NULL;
	if (blocks == 0)
		return 0;
	ret->blocks = calloc(blocks, sizeof *ret->blocks);
	if (!ret->blocks)
		return -ENOMEM;
	return snapshot_output_align(o, SNAPSHOT_BLOCK_SIZE, &section->offset);
}

static int table_end(struct snapshot_output *o, const struct snapshot_layout *l, struct table *t)
{
	for (uint32_t i = 0; i < t->section->blocks; i++) {
		struct snapshot_block *b = &t->blocks[i];
		uint64_t offset = t->section->offset + (uint64_t)i * sizeof *b;
		int r;

		b->sum = htole64(snapshot_sum(b->slot, sizeof b->slot, l->salt + offset));
		r = snapshot_output_add(o, b, sizeof *b);
		if (r < 0)
			return r;
	}
	return 0;
}

static void slot_set(struct snapshot_slot *slot, uint32_t key, uint32_t at)
{
	*slot = (struct snapshot_slot){.key = htole32(key), .at = htole32(at)};
}

/* Of N entries the one that is at AT; that another name has the same half of a hash is rare. */
static uint64_t hash_at(const struct snapshot_entry *entries, uint32_t n, uint32_t at)
{
	uint32_t i = 0;

	while (i + 1 < n && entries[i].at != at)
		i++;
	return entries[i].hash;
}

/*
 * Into the first free slot from the block on that HASH points to; there is one. Where a name may be there only once, all N entries
 * are given: the same one would be met on the way, -EEXIST.
 */
static int table_insert(struct table *t, uint64_t hash, uint32_t at, const struct snapshot_entry *names, uint32_t n)
{
	uint32_t blocks = t->section->blocks;
	uint32_t index = (uint32_t)(((hash >> 32) * blocks) >> 32);

	for (;; index = index + 1 == blocks ? 0 : index + 1)
		for (unsigned i = 0; i < SNAPSHOT_BLOCK_SLOTS; i++) {
			struct snapshot_slot *slot = &t->blocks[index].slot[i];

			if (slot->at == 0) {
				slot_set(slot, (uint32_t)hash, at);
				return 0;
			}
			if (names && le32toh(slot->key) == (uint32_t)hash &&
			    hash_at(names, n, le32toh(slot->at)) == hash)
				return -EEXIST;
		}
}

static int compare_ids(const void *a, const void *b, void *context)
{
	const struct snapshot_entry *x = a, *y = b;

	(void)context;
	return (x->id > y->id) - (x->id < y->id);
}

static uint32_t blocks_for(uint32_t n)
{
	return n == 0 ? 0 : n / SNAPSHOT_BLOCK_LOAD + 1;
}

/* ENTRIES are sorted by id. */
static int order_write(struct snapshot_output *o, struct snapshot_layout *l,
		       enum snapshot_section_id section, const struct snapshot_entry *entries,
		       uint32_t n)
{
	uint32_t blocks = (n + SNAPSHOT_BLOCK_SLOTS - 1) / SNAPSHOT_BLOCK_SLOTS;
	CLEANUP(table_done) struct table t;
	int r = table_begin(o, &l->section[section], blocks, n, &t);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n; i++)
		slot_set(&t.blocks[i / SNAPSHOT_BLOCK_SLOTS].slot[i % SNAPSHOT_BLOCK_SLOTS],
			 entries[i].id, entries[i].at);
	return table_end(o, l, &t);
}

enum hash_key {
	OF_NAMES, /* each of them once */
	OF_NAMES_OFTEN,
	OF_IDS,
};

static int hash_write(struct snapshot_output *o, struct snapshot_layout *l,
		      enum snapshot_section_id section, const struct snapshot_entry *entries,
		      uint32_t n, enum hash_key key)
{
	CLEANUP(table_done) struct table t;
	int r = table_begin(o, &l->section[section], blocks_for(n), n, &t);

	if (r < 0)
		return r;
	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = table_insert(&t, key == OF_IDS ? snapshot_hash_id(l, entries[i].id) : entries[i].hash,
				 entries[i].at, key == OF_NAMES ? entries : NULL, n);
	return r < 0 ? r : table_end(o, l, &t);
}

int snapshot_tables_write(struct snapshot_output *o, struct snapshot_layout *l,
			  const struct snapshot_table *t, struct snapshot_entry *entries, uint32_t n)
{
	int r;

	if (n == 0)
		return 0;
	sort_unsorted(entries, n, sizeof *entries, compare_ids, NULL);
	for (uint32_t i = 1; i < n; i++)
		if (entries[i].id == entries[i - 1].id)
			return -EEXIST;
	r = hash_write(o, l, t->names, entries, n, OF_NAMES);
	if (r == 0 && t->ids != SNAPSHOT_SECTIONS)
		r = hash_write(o, l, t->ids, entries, n, OF_IDS);
	return r < 0 ? r : order_write(o, l, t->order, entries, n);
}

static int compare_entries(const void *a, const void *b)
{
	const struct snapshot_entry *x = a, *y = b;

	return x->hash == y->hash ? compare_ids(a, b, NULL) : x->hash > y->hash ? 1 : -1;
}

int snapshot_hash_write(struct snapshot_output *o, struct snapshot_layout *l,
			enum snapshot_section_id section, struct snapshot_entry *entries, uint32_t n)
{
	if (n == 0)
		return 0;
	qsort(entries, n, sizeof *entries, compare_entries);
	for (uint32_t i = 1; i < n; i++)
		if (compare_entries(&entries[i], &entries[i - 1]) == 0)
			return -EEXIST;
	return hash_write(o, l, section, entries, n, OF_NAMES_OFTEN);
}

int snapshot_list_write(struct snapshot_output *o, struct snapshot_layout *l,
			enum snapshot_section_id list, const uint32_t *at, uint32_t n)
{
	uint32_t blocks = (n + SNAPSHOT_BLOCK_SLOTS - 1) / SNAPSHOT_BLOCK_SLOTS;
	CLEANUP(table_done) struct table t;
	int r = table_begin(o, &l->section[list], blocks, n, &t);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n; i++)
		slot_set(&t.blocks[i / SNAPSHOT_BLOCK_SLOTS].slot[i % SNAPSHOT_BLOCK_SLOTS], i,
			 at[i]);
	return table_end(o, l, &t);
}
