#include "common/snapshot_find.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

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

/* All three keys of a grant are in one table: with its name alone the rest of find.h works. */
const struct snapshot_table snapshot_local_groups = {
	.names = SECTION_LOCAL_GRANTS,
	.ids = SNAPSHOT_SECTIONS,
	.order = SNAPSHOT_SECTIONS,
	.type = SNAPSHOT_RECORD_GRANT,
	.name_offset = sizeof(struct snapshot_group_record),
};

/* Every record with an id has it here. */
#define ID_OFFSET sizeof(struct snapshot_head)
_Static_assert(offsetof(struct snapshot_user_record, uid) == ID_OFFSET, "layout");
_Static_assert(offsetof(struct snapshot_group_record, gid) == ID_OFFSET, "layout");
_Static_assert(offsetof(struct snapshot_account_record, uid) == ID_OFFSET, "layout");

/* Told of each record that may be it: 0 it is, 1 it is not, negative an error. */
typedef int visit_fn(void *ctx, uint32_t at);

/*
 * Visit the slots that may hold HASH; -ESRCH at a free one, since the writer fills in order. Inlined with its VISIT:
 * each lookup of each process on the machine comes through here.
 */
static inline __attribute__((always_inline)) int search(const struct snapshot_source *s,
							enum snapshot_section_id section,
							uint64_t hash, visit_fn *visit, void *ctx)
{
	const struct snapshot_section *x = &s->layout->section[section];
	uint32_t n = x->blocks, index = (uint32_t)(((hash >> 32) * n) >> 32);
	struct snapshot_block copy;

	if (n == 0)
		return -ESRCH;
	for (uint32_t tried = 0; tried < n; tried++) {
		const struct snapshot_block *b;
		int r = snapshot_block_get(s, x, index, &copy, &b);

		if (r < 0)
			return r;
		for (unsigned i = 0; i < SNAPSHOT_BLOCK_SLOTS; i++) {
			if (b->slot[i].at == 0)
				return -ESRCH;
			if (le32toh(b->slot[i].key) != (uint32_t)hash)
				continue;
			r = visit(ctx, le32toh(b->slot[i].at));
			if (r <= 0)
				return r;
		}
		index = index + 1 == n ? 0 : index + 1;
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

static int visit_slot(void *ctx, uint32_t at)
{
	return at == *(const uint32_t *)ctx ? 0 : 1;
}

int snapshot_find_slot(const struct snapshot_source *s, enum snapshot_section_id section,
		       uint64_t hash, uint32_t at)
{
	return search(s, section, hash, visit_slot, &at);
}

/* A search that looks into the records. */
struct wanted {
	const struct snapshot_source *source;
	const struct snapshot_table *table;
	const char *name;
	size_t len;
	uint32_t id;
	const struct snapshot_scratch *scratch;
	struct snapshot_record *ret;
};

static bool record_has_id(const struct snapshot_record *r, uint32_t id)
{
	uint32_t found;

	if (r->length < ID_OFFSET + sizeof found)
		return false;
	memcpy(&found, r->data + ID_OFFSET, sizeof found);
	return le32toh(found) == id;
}

static bool record_name_valid(const struct snapshot_record *r, uint16_t name_offset)
{
	return r->name_len > 0 && name_offset < r->length &&
	       name_span((const char *)r->data + name_offset, r->length - name_offset) ==
		       r->name_len;
}

static int visit_name(void *ctx, uint32_t at)
{
	const struct wanted *w = ctx;
	const struct snapshot_table *t = w->table;
	int r = snapshot_record_get(w->source, at, t->type, w->scratch, w->ret);

	if (r < 0)
		return r;
	return w->ret->name_len == w->len && t->name_offset + w->len < w->ret->length &&
			       memcmp(w->ret->data + t->name_offset, w->name, w->len) == 0 ?
		       0 :
		       1;
}

int snapshot_find_name(const struct snapshot_source *s, const struct snapshot_table *t,
		       const char *name, size_t len, const struct snapshot_scratch *scratch,
		       struct snapshot_record *ret)
{
	struct wanted w = {
		.source = s, .table = t, .name = name, .len = len, .scratch = scratch, .ret = ret};

	return search(s, t->names, snapshot_hash_name(s->layout, name, len), visit_name, &w);
}

static int visit_id(void *ctx, uint32_t at)
{
	const struct wanted *w = ctx;
	int r = snapshot_record_get(w->source, at, w->table->type, w->scratch, w->ret);

	if (r < 0)
		return r;
	if (!record_has_id(w->ret, w->id))
		return 1;
	return record_name_valid(w->ret, w->table->name_offset) ? 0 : -EBADMSG;
}

int snapshot_find_id(const struct snapshot_source *s, const struct snapshot_table *t, uint32_t id,
		     const struct snapshot_scratch *scratch, struct snapshot_record *ret)
{
	struct wanted w = {.source = s, .table = t, .id = id, .scratch = scratch, .ret = ret};

	if (!snapshot_id_ok(s->layout, id))
		return -ESRCH;
	return search(s, t->ids, snapshot_hash_id(s->layout, id), visit_id, &w);
}

/* A gid and a uid may be the same number: of the two groups alone have a name. */
struct wanted_grant {
	struct wanted wanted;
	bool named;
};

static int visit_grant(void *ctx, uint32_t at)
{
	const struct wanted_grant *g = ctx;
	const struct wanted *w = &g->wanted;
	int r = snapshot_record_get(w->source, at, SNAPSHOT_RECORD_GRANT, w->scratch, w->ret);

	if (r < 0)
		return r;
	return record_has_id(w->ret, w->id) && (w->ret->name_len > 0) == g->named ? 0 : 1;
}

static int find_grant(const struct snapshot_source *s, uint32_t id, bool named,
		      const struct snapshot_scratch *scratch, struct snapshot_record *ret)
{
	struct wanted_grant g = {{.source = s, .id = id, .scratch = scratch, .ret = ret}, named};

	return search(s, SECTION_LOCAL_GRANTS, snapshot_hash_id(s->layout, id), visit_grant, &g);
}

int snapshot_find_local_group(const struct snapshot_source *s, uint32_t gid,
			      const struct snapshot_scratch *scratch, struct snapshot_record *ret)
{
	int r = find_grant(s, gid, true, scratch, ret);

	if (r < 0)
		return r;
	return record_name_valid(ret, snapshot_local_groups.name_offset) ? 0 : -EBADMSG;
}

int snapshot_find_grants(const struct snapshot_source *s, uint32_t uid,
			 const struct snapshot_scratch *scratch, struct snapshot_record *ret)
{
	return find_grant(s, uid, false, scratch, ret);
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
	if (!record_has_id(ret, slot.key) || !record_name_valid(ret, t->name_offset))
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
