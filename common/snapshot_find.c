#include "common/snapshot_find.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/names.h"

const struct snapshot_table snapshot_users = {
	.names = SECTION_USER_NAMES,
	.ids = SECTION_USER_UIDS,
	.order = SECTION_USERS,
	.type = SNAPSHOT_RECORD_USER,
	.name_offset = sizeof(struct snapshot_user_record),
};
const struct snapshot_table snapshot_groups = {
	.names = SECTION_GROUP_NAMES,
	.ids = SECTION_GROUP_GIDS,
	.order = SECTION_GROUPS,
	.type = SNAPSHOT_RECORD_GROUP,
	.name_offset = sizeof(struct snapshot_group_record),
};
const struct snapshot_table snapshot_accounts = {
	.names = SECTION_ACCOUNT_NAMES,
	.ids = SNAPSHOT_SECTIONS,
	.order = SECTION_ACCOUNTS,
	.type = SNAPSHOT_RECORD_ACCOUNT,
	.name_offset = sizeof(struct snapshot_account_record),
};

/* Every record with an id has it here. */
#define ID_OFFSET sizeof(struct snapshot_head)
_Static_assert(offsetof(struct snapshot_user_record, uid) == ID_OFFSET, "layout");
_Static_assert(offsetof(struct snapshot_group_record, gid) == ID_OFFSET, "layout");
_Static_assert(offsetof(struct snapshot_account_record, uid) == ID_OFFSET, "layout");

/* A walk over the slots that may hold one hash. */
struct probe {
	const struct snapshot_source *source;
	const struct snapshot_section *section;
	const struct snapshot_block *block; /* NULL: to be read */
	uint32_t index, tried;		    /* of blocks */
	uint32_t slot;			    /* the next one in it */
	uint32_t tag;
	struct snapshot_block copy;
};

static void probe_init(struct probe *p, const struct snapshot_source *s,
		       enum snapshot_section_id section, uint64_t hash)
{
	p->source = s;
	p->section = &s->layout->section[section];
	p->block = NULL;
	p->index = (uint32_t)(((hash >> 32) * p->section->blocks) >> 32);
	p->tried = 0;
	p->slot = 0;
	p->tag = (uint32_t)hash;
}

/* The next record that may be it; -ESRCH after a free slot, since the writer fills in order. */
static int probe_next(struct probe *p, uint32_t *ret_at)
{
	if (p->section->blocks == 0)
		return -ESRCH;
	while (p->tried < p->section->blocks) {
		if (!p->block) {
			int r = snapshot_block_get(p->source, p->section, p->index, &p->copy,
						   &p->block);
			if (r < 0)
				return r;
		}
		while (p->slot < SNAPSHOT_BLOCK_SLOTS) {
			const struct snapshot_slot *slot = &p->block->slot[p->slot++];

			if (slot->at == 0)
				return -ESRCH;
			if (le32toh(slot->key) == p->tag) {
				*ret_at = le32toh(slot->at);
				return 0;
			}
		}
		p->block = NULL;
		p->slot = 0;
		p->tried++;
		p->index = p->index + 1 == p->section->blocks ? 0 : p->index + 1;
	}
	return -EBADMSG; /* the writer leaves a free slot */
}

uint64_t snapshot_hash_name(const struct snapshot_layout *l, const char *name, size_t len)
{
	return snapshot_sum(name, len, l->salt);
}

uint64_t snapshot_hash_id(const struct snapshot_layout *l, uint32_t id)
{
	uint32_t key = htole32(id);

	return snapshot_sum(&key, sizeof key, l->salt);
}

int snapshot_find_slot(const struct snapshot_source *s, enum snapshot_section_id section,
		       uint64_t hash, uint32_t at)
{
	uint32_t found;
	struct probe p;
	int r;

	probe_init(&p, s, section, hash);
	do {
		r = probe_next(&p, &found);
	} while (r == 0 && found != at);
	return r;
}

static bool record_has_name(const struct snapshot_record *r, uint16_t name_offset, const char *name,
			    size_t len)
{
	return r->name_len == len && name_offset + len < r->length &&
	       memcmp(r->data + name_offset, name, len) == 0;
}

static bool record_has_id(const struct snapshot_record *r, uint32_t id)
{
	uint32_t found;

	if (r->length < ID_OFFSET + sizeof found)
		return false;
	memcpy(&found, r->data + ID_OFFSET, sizeof found);
	return le32toh(found) == id;
}

int snapshot_find_name(const struct snapshot_source *s, const struct snapshot_table *t,
		       const char *name, const struct snapshot_scratch *scratch,
		       struct snapshot_record *ret)
{
	struct probe p;
	uint32_t at;
	size_t len;
	int r;

	len = name_span(name, NAME_MAX_LEN + 1);
	if (len == 0)
		return -ESRCH;
	probe_init(&p, s, t->names, snapshot_hash_name(s->layout, name, len));
	do {
		r = probe_next(&p, &at);
		if (r == 0)
			r = snapshot_record_get(s, at, t->type, scratch, ret);
	} while (r == 0 && !record_has_name(ret, t->name_offset, name, len));
	return r;
}

int snapshot_find_id(const struct snapshot_source *s, const struct snapshot_table *t, uint32_t id,
		     const struct snapshot_scratch *scratch, struct snapshot_record *ret)
{
	struct probe p;
	uint32_t at;
	int r;

	if (!snapshot_id_ok(s->layout, id))
		return -ESRCH;
	probe_init(&p, s, t->ids, snapshot_hash_id(s->layout, id));
	do {
		r = probe_next(&p, &at);
		if (r == 0)
			r = snapshot_record_get(s, at, t->type, scratch, ret);
	} while (r == 0 && !record_has_id(ret, id));
	return r;
}

/* Slot INDEX of a table without gaps; the block stays in *B for the next call. */
static int table_slot(const struct snapshot_source *s, enum snapshot_section_id section,
		      uint32_t index, struct snapshot_slot *ret)
{
	const struct snapshot_section *x = &s->layout->section[section];
	const struct snapshot_block *b;
	struct snapshot_block copy;
	int r;

	if (index >= x->entries)
		return -ESRCH;
	r = snapshot_block_get(s, x, index / SNAPSHOT_BLOCK_SLOTS, &copy, &b);
	if (r < 0)
		return r;
	ret->key = le32toh(b->slot[index % SNAPSHOT_BLOCK_SLOTS].key);
	ret->at = le32toh(b->slot[index % SNAPSHOT_BLOCK_SLOTS].at);
	return ret->at == 0 ? -EBADMSG : 0;
}

/* The first slot with a key greater than AFTER. */
static int table_search(const struct snapshot_source *s, enum snapshot_section_id section,
			uint32_t after, uint32_t *ret_index)
{
	uint32_t low = 0, high = s->layout->section[section].entries;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct snapshot_slot slot;
		int r = table_slot(s, section, middle, &slot);

		if (r < 0)
			return r;
		if (slot.key > after)
			high = middle;
		else
			low = middle + 1;
	}
	*ret_index = low;
	return 0;
}

int snapshot_find_next(const struct snapshot_source *s, const struct snapshot_table *t,
		       uint32_t after, uint32_t *hint, const struct snapshot_scratch *scratch,
		       struct snapshot_slot *ret_slot, struct snapshot_record *ret)
{
	struct snapshot_slot slot = {0};
	uint32_t index = *hint;
	int r = table_slot(s, t->order, index, &slot);

	if (r == 0 && slot.key == after) {
		index++;
	} else {
		r = table_search(s, t->order, after, &index);
		if (r < 0)
			return r;
	}
	r = table_slot(s, t->order, index, &slot);
	if (r < 0)
		return r;
	if (slot.key <= after)
		return -EBADMSG;
	r = snapshot_record_get(s, slot.at, t->type, scratch, ret);
	if (r < 0)
		return r;
	if (!record_has_id(ret, slot.key))
		return -EBADMSG;
	*hint = index;
	*ret_slot = slot;
	return 0;
}

int snapshot_find_index(const struct snapshot_source *s, enum snapshot_section_id list,
			uint16_t type, uint32_t index, const struct snapshot_scratch *scratch,
			struct snapshot_record *ret)
{
	struct snapshot_slot slot;
	int r = table_slot(s, list, index, &slot);

	if (r < 0)
		return r;
	return snapshot_record_get(s, slot.at, type, scratch, ret);
}
