/* All of the grants of local groups, for who looks at the whole file: the table is a hash, without any order. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/snapshot_find.h"

/* The slot in use at *PLACE or the first one after it; *PLACE is then behind it. */
static int slot_next(const struct snapshot_source *s, uint32_t *place, struct snapshot_slot *ret)
{
	const struct snapshot_section *x = &s->layout->section[SECTION_LOCAL_GRANTS];
	const struct snapshot_block *b;
	struct snapshot_block copy;

	for (; *place / SNAPSHOT_BLOCK_SLOTS < x->blocks; ++*place) {
		int r = snapshot_block_get(s, x, *place / SNAPSHOT_BLOCK_SLOTS, &copy, &b);

		if (r < 0)
			return r;
		ret->key = le32toh(b->slot[*place % SNAPSHOT_BLOCK_SLOTS].key);
		ret->at = le32toh(b->slot[*place % SNAPSHOT_BLOCK_SLOTS].at);
		if (ret->at == 0)
			continue;
		++*place;
		return 0;
	}
	return -ESRCH;
}

/* The record stays in BUF or in the snapshot. */
static int record_get(struct snapshot *s, uint32_t at, struct buf *buf, struct snapshot_record *ret)
{
	size_t size = SNAPSHOT_SCRATCH_SIZE;
	int r;

	do {
		r = buf_reserve(buf, size);
		if (r < 0)
			return r;
		r = snapshot_record_get(&s->source, at, SNAPSHOT_RECORD_GRANT,
					&(struct snapshot_scratch){buf->data, buf->size}, ret);
		size = ret->length;
	} while (r == -ENOSPC);
	return r;
}

static int group_parse(const struct snapshot_record *r, struct snapshot_group *ret)
{
	int e = snapshot_local_group_parse(r, ret);

	if (e == 0 && name_span(ret->name, r->name_len + 1u) != r->name_len)
		e = -EBADMSG;
	return e < 0 ? e : snapshot_members_check(&ret->members);
}

int snapshot_local_group_next(struct snapshot *s, uint32_t *place, struct buf *buf,
			      struct snapshot_group *ret)
{
	struct snapshot_record record;
	struct snapshot_slot slot;
	int r;

	while ((r = slot_next(&s->source, place, &slot)) == 0) {
		r = record_get(s, slot.at, buf, &record);
		if (r == 0 && record.name_len == 0)
			continue; /* of a user */
		if (r == 0)
			r = group_parse(&record, ret);
		if (r < 0 || (uint32_t)snapshot_hash_id(&s->layout, ret->gid) == slot.key)
			break; /* and not its slot by name */
	}
	return r;
}

static int gid_any(void *ctx, uint32_t gid)
{
	(void)ctx;
	(void)gid;
	return 0;
}

/* Is it where searches for its keys end, and at SLOT for one of them? A user has but one key: ID's. */
static int keys_verify(const struct snapshot *s, const struct snapshot_slot *slot, const char *name,
		       uint32_t id)
{
	uint64_t by_id = snapshot_hash_id(&s->layout, id);
	uint64_t by_name = name ? snapshot_hash_name(&s->layout, name, strlen(name)) : by_id;
	int r = snapshot_find_slot(&s->source, SECTION_LOCAL_GRANTS, by_id, slot->at);

	if (r == 0)
		r = snapshot_find_slot(&s->source, SECTION_LOCAL_GRANTS, by_name, slot->at);
	if (r == -ESRCH || ((uint32_t)by_id != slot->key && (uint32_t)by_name != slot->key))
		return -EBADMSG;
	return r;
}

static int slot_verify(struct snapshot *s, const struct snapshot_slot *slot, struct buf *buf)
{
	struct snapshot_list_record h;
	struct snapshot_record record;
	struct snapshot_group g;
	int r = record_get(s, slot->at, buf, &record);

	if (r == 0 && record.name_len > 0) {
		r = group_parse(&record, &g);
		return r < 0 ? r : keys_verify(s, slot, g.name, g.gid);
	}
	if (r == 0)
		r = snapshot_grants_walk(&record, gid_any, NULL);
	if (r < 0)
		return r;
	memcpy(&h, record.data, sizeof h);
	return snapshot_id_ok(&s->layout, le32toh(h.uid))
		       ? keys_verify(s, slot, NULL, le32toh(h.uid))
		       : -EBADMSG;
}

int snapshot_grants_verify(struct snapshot *s)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct snapshot_slot slot;
	uint32_t place = 0;
	int r;

	while ((r = slot_next(&s->source, &place, &slot)) == 0) {
		r = slot_verify(s, &slot, &buf);
		if (r < 0)
			return r;
	}
	return r == -ESRCH ? 0 : r;
}
