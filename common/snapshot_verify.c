/* snapshot_verify(): is every record of a new file where a reader will look for it, and nothing else? */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/snapshot_find.h"
#include "common/snapshot_writer.h"

/* Blocks whole, full ones first, and as many slots in use as the header says. */
static int section_verify(const struct snapshot_source *s, const struct snapshot_section *x)
{
	const struct snapshot_block *b;
	struct snapshot_block copy;
	uint32_t used = 0;

	for (uint32_t i = 0; i < x->blocks; i++) {
		bool free_seen = false;
		int r = snapshot_block_get(s, x, i, &copy, &b);

		if (r < 0)
			return r;
		for (unsigned j = 0; j < SNAPSHOT_BLOCK_SLOTS; j++) {
			if (b->slot[j].at == 0)
				free_seen = true;
			else if (free_seen)
				return -EBADMSG;
			else
				used++;
		}
	}
	return used == x->entries ? 0 : -EBADMSG;
}

/* Name and id of record R lead back to it. The parsers have checked that both are in it. */
static int record_verify(const struct snapshot_source *s, const struct snapshot_table *t,
			 const struct snapshot_slot *slot, const struct snapshot_record *r)
{
	const char *name = (const char *)r->data + t->name_offset;
	int e;

	e = snapshot_find_slot(s, t->names, snapshot_hash_name(s->layout, name, r->name_len),
			       slot->at);
	if (e == 0 && t->ids != SNAPSHOT_SECTIONS)
		e = snapshot_find_slot(s, t->ids, snapshot_hash_id(s->layout, slot->key), slot->at);
	return e == -ESRCH ? -EBADMSG : e;
}

static int gid_any(void *ctx, uint32_t gid)
{
	(void)ctx;
	(void)gid;
	return 0;
}

static int user_verify(struct snapshot *s, const struct snapshot_record *r)
{
	uint64_t piece[SNAPSHOT_SCRATCH_SIZE / sizeof(uint64_t)];
	struct snapshot_scratch scratch = {.data = piece, .size = sizeof piece};
	CLEANUP(buf_done) struct buf buf = {0};
	struct snapshot_user_view u;
	struct strlist keys;
	int e = snapshot_user_parse(&s->source, r, &u);

	if (e == 0)
		e = snapshot_gids_walk(&s->source, &u, &scratch, gid_any, NULL);
	if (e == 0 && u.keys_at != 0)
		e = snapshot_user_keys(s, &u, &buf, &keys);
	return e;
}

static int group_verify(struct snapshot *s, const struct snapshot_record *r)
{
	struct snapshot_group g;
	int e = snapshot_group_parse(&s->source, r, &g);

	return e == 0 ? snapshot_members_check(&g.members) : e;
}

static int account_verify(struct snapshot *s, const struct snapshot_record *r)
{
	struct snapshot_account_view a;

	return snapshot_account_parse(&s->source, r, &a);
}

/* Everything in a sorted table; its hash indexes know these records and no others. */
static int table_verify(struct snapshot *s, const struct snapshot_table *t,
			int (*verify)(struct snapshot *s, const struct snapshot_record *r))
{
	const struct snapshot_section *section = s->layout.section;
	CLEANUP(buf_done) struct buf buf = {0};
	uint32_t n = 0, hint = 0;
	struct snapshot_slot slot = {0};
	struct snapshot_record record = {.length = SNAPSHOT_SCRATCH_SIZE};
	int r = -ENOSPC;

	while (r == 0 || r == -ENOSPC) {
		struct snapshot_scratch scratch;

		if (r == -ENOSPC && buf_reserve(&buf, record.length) < 0)
			return -ENOMEM;
		scratch = (struct snapshot_scratch){.data = buf.data, .size = buf.size};
		r = snapshot_find_next(&s->source, t, slot.key, &hint, &scratch, &slot, &record);
		if (r == 0)
			r = verify(s, &record);
		if (r == 0)
			r = record_verify(&s->source, t, &slot, &record);
		if (r == 0)
			n++;
	}
	if (r != -ESRCH)
		return r;
	if (n != section[t->order].entries || n != section[t->names].entries ||
	    (t->ids != SNAPSHOT_SECTIONS && n != section[t->ids].entries))
		return -EBADMSG;
	return 0;
}

static int list_verify(struct snapshot *s, enum snapshot_section_id list,
		       int (*get)(struct snapshot *s, uint32_t index, struct buf *buf))
{
	CLEANUP(buf_done) struct buf buf = {0};

	for (uint32_t i = 0; i < s->layout.section[list].entries; i++) {
		int r = get(s, i, &buf);

		if (r < 0)
			return r;
	}
	return 0;
}

static int policy_get(struct snapshot *s, uint32_t index, struct buf *buf)
{
	return index == 0 ? snapshot_policy(s, buf) : -EBADMSG;
}

static int status_get(struct snapshot *s, uint32_t index, struct buf *buf)
{
	return index == 0 ? snapshot_status(s, buf) : -EBADMSG;
}

int snapshot_verify(struct snapshot *s)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < SNAPSHOT_SECTIONS; i++)
		r = section_verify(&s->source, &s->layout.section[i]);
	if (r == 0)
		r = table_verify(s, &snapshot_users, user_verify);
	if (r == 0)
		r = table_verify(s, &snapshot_groups, group_verify);
	if (r == 0)
		r = table_verify(s, &snapshot_accounts, account_verify);
	if (r == 0)
		r = snapshot_grants_verify(s);
	if (r == 0)
		r = list_verify(s, SECTION_POLICY, policy_get);
	if (r == 0)
		r = list_verify(s, SECTION_STATUS, status_get);
	if (r == 0)
		r = list_verify(s, SECTION_REJECTS, snapshot_reject);
	if (r == 0)
		r = list_verify(s, SECTION_DIR_GROUPS, snapshot_dir_group);
	return r;
}

int snapshot_verify_memory(int fd, enum snapshot_kind kind)
{
	struct snapshot s = {.source = {.layout = &s.layout, .fd = -1}};
	struct snapshot_header h;
	struct stat st;
	void *base;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	r = snapshot_pread(fd, &h, sizeof h, 0);
	if (r == 0)
		r = snapshot_layout_parse(&h, (uint64_t)st.st_size, kind, &s.layout);
	if (r < 0)
		return r;
	base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	s.source.base = base;
	r = snapshot_verify(&s);
	munmap(base, (size_t)st.st_size);
	return r;
}
