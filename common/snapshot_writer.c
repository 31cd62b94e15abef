#include "common/snapshot_writer.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/names.h"
#include "common/snapshot_output.h"

#define GIDS_MAX 65536u /* NGROUPS_MAX */

struct snapshot_writer {
	struct snapshot_output out;
	struct snapshot_layout layout; /* sections as they get known */
	struct buf record;	       /* the one being built */
	struct buf users, groups, accounts; /* struct snapshot_entry */
	struct buf grants;		    /* the same, one a key */
	struct buf lists[SNAPSHOT_SECTIONS]; /* uint32_t at; of those that are lists */
};

int snapshot_writer_new(int fd, const struct snapshot_info *info, struct snapshot_writer **ret)
{
	struct snapshot_writer *w = calloc(1, sizeof *w);
	uint64_t of[4] = {htole64(info->kind), htole64(info->generation),
			  htole64((uint64_t)info->created_at),
			  htole64((uint64_t)info->confirmed_at)};
	int r;

	if (!w)
		return -ENOMEM;
	w->layout.info = *info;
	w->layout.info.id_min = UINT32_MAX;
	w->layout.info.id_max = 0;
	w->layout.salt = snapshot_sum(of, sizeof of, 0);
	r = snapshot_output_init(&w->out, fd, SNAPSHOT_HEADER_SIZE);
	if (r < 0) {
		snapshot_writer_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void snapshot_writer_free(struct snapshot_writer *w)
{
	if (!w)
		return;
	snapshot_output_done(&w->out);
	buf_wipe(&w->record);
	buf_done(&w->users);
	buf_done(&w->groups);
	buf_done(&w->accounts);
	buf_done(&w->grants);
	for (unsigned i = 0; i < SNAPSHOT_SECTIONS; i++)
		buf_done(&w->lists[i]);
	free(w);
}

void snapshot_writer_freep(struct snapshot_writer **w)
{
	snapshot_writer_free(*w);
}

/* Begin a record with LEN fixed bytes at FIXED, its head first. */
static int record_begin(struct snapshot_writer *w, const void *fixed, size_t len)
{
	w->record.len = 0;
	return buf_add(&w->record, fixed, len);
}

/* Head and checksum of what is in w->record, then out with it. */
static int record_end(struct snapshot_writer *w, uint16_t type, size_t name_len, size_t max,
		      uint32_t *ret_at)
{
	struct snapshot_head h = {
		.length = htole32((uint32_t)w->record.len),
		.type = htole16(type),
		.name_len = htole16((uint16_t)name_len),
	};
	uint64_t offset;
	int r;

	if (w->record.len > max)
		return -E2BIG;
	r = snapshot_output_align(&w->out, SNAPSHOT_ALIGN, &offset);
	if (r < 0)
		return r;
	if (offset + w->record.len > SNAPSHOT_LENGTH_MAX)
		return -EFBIG;
	memcpy(w->record.data, &h, sizeof h);
	h.sum = htole64(snapshot_sum(w->record.data + sizeof h.sum,
				     w->record.len - sizeof h.sum, w->layout.salt + offset));
	memcpy(w->record.data, &h.sum, sizeof h.sum);
	r = snapshot_output_add(&w->out, w->record.data, w->record.len);
	if (r == 0)
		*ret_at = (uint32_t)(offset / SNAPSHOT_ALIGN);
	return r;
}

static int entry_add(struct snapshot_writer *w, struct buf *table, const char *name, uint32_t id,
		     uint32_t at)
{
	struct snapshot_entry e = {
		.hash = snapshot_hash_name(&w->layout, name, strlen(name)),
		.id = id,
		.at = at,
	};

	return buf_add(table, &e, sizeof e);
}

static void id_take(struct snapshot_writer *w, uint32_t id)
{
	struct snapshot_info *i = &w->layout.info;

	if (id < i->id_min)
		i->id_min = id;
	if (id > i->id_max)
		i->id_max = id;
}

static int gids_check(const uint32_t *gids, uint32_t n)
{
	if (n > GIDS_MAX)
		return -E2BIG;
	for (uint32_t i = 0; i < n; i++)
		if (!id_floor_ok(gids[i]))
			return -EINVAL;
	return 0;
}

static int gids_write(struct snapshot_writer *w, uint32_t uid, const uint32_t *gids, uint32_t n,
		      uint32_t *ret_at)
{
	struct snapshot_list_record h = {.uid = htole32(uid), .count = htole32(n)};
	int r = record_begin(w, &h, sizeof h);

	for (uint32_t i = 0; r == 0 && i < n; i++) {
		uint32_t gid = htole32(gids[i]);

		id_take(w, gids[i]);
		r = buf_add(&w->record, &gid, sizeof gid);
	}
	return r < 0 ? r : record_end(w, SNAPSHOT_RECORD_GIDS, 0, SNAPSHOT_BLOB_MAX, ret_at);
}

static int keys_write(struct snapshot_writer *w, uint32_t uid, const struct strlist *keys,
		      uint32_t *ret_at)
{
	struct snapshot_list_record h = {.uid = htole32(uid), .count = htole32(keys->count)};
	int r = record_begin(w, &h, sizeof h);

	if (r == 0)
		r = buf_add(&w->record, keys->data, keys->len);
	return r < 0 ? r : record_end(w, SNAPSHOT_RECORD_KEYS, 0, SNAPSHOT_BLOB_MAX, ret_at);
}

static int user_write(struct snapshot_writer *w, const struct snapshot_user *u, uint32_t gids_at,
		      uint32_t keys_at, uint32_t *ret_at)
{
	const char *const strings[] = {u->name, u->gecos, u->home, u->shell};
	struct snapshot_user_record h = {
		.uid = htole32(u->uid),
		.gid = htole32(u->gid),
		.gids_at = htole32(gids_at),
		.keys_at = htole32(keys_at),
		.gecos_len = htole16((uint16_t)strlen(u->gecos)),
		.home_len = htole16((uint16_t)strlen(u->home)),
		.shell_len = htole16((uint16_t)strlen(u->shell)),
	};
	int r = record_begin(w, &h, sizeof h);

	for (unsigned i = 0; r == 0 && i < ARRAY_SIZE(strings); i++)
		r = buf_add(&w->record, strings[i], strlen(strings[i]) + 1);
	return r < 0 ? r : record_end(w, SNAPSHOT_RECORD_USER, strlen(u->name), SNAPSHOT_USER_MAX,
				      ret_at);
}

int snapshot_writer_user(struct snapshot_writer *w, const struct snapshot_user *u,
			 const uint32_t *gids, uint32_t n_gids, const struct strlist *keys)
{
	uint32_t gids_at, keys_at = 0, at;
	int r;

	if (w->layout.info.kind != SNAPSHOT_NSS || !name_valid(u->name) || !id_floor_ok(u->uid) ||
	    n_gids == 0 || gids[0] != u->gid)
		return -EINVAL;
	if (strlen(u->gecos) + strlen(u->home) + strlen(u->shell) > SNAPSHOT_USER_MAX)
		return -E2BIG; /* before a length is cut to 16 bits */
	r = gids_check(gids, n_gids);
	if (r == 0)
		r = gids_write(w, u->uid, gids, n_gids, &gids_at);
	if (r == 0 && keys->count > 0)
		r = keys_write(w, u->uid, keys, &keys_at);
	if (r == 0)
		r = user_write(w, u, gids_at, keys_at, &at);
	if (r < 0)
		return r;
	id_take(w, u->uid);
	return entry_add(w, &w->users, u->name, u->uid, at);
}

/* Sorted, no duplicates, valid: the reader's lists are what the writer was given. */
static int members_check(const struct strlist *l)
{
	const char *before = "", *s = NULL;

	if (!strlist_valid(l))
		return -EINVAL;
	while ((s = strlist_next(l, s))) {
		if (!name_valid(s) || strcmp(before, s) >= 0)
			return -EINVAL;
		before = s;
	}
	return 0;
}

static int group_write(struct snapshot_writer *w, const struct snapshot_group *g, uint16_t type,
		       uint32_t *ret_at)
{
	struct snapshot_group_record h = {
		.gid = htole32(g->gid),
		.count = htole32(g->members.count),
	};
	int r;

	if (w->layout.info.kind != SNAPSHOT_NSS || !name_valid(g->name))
		return -EINVAL;
	r = members_check(&g->members);
	if (r == 0)
		r = record_begin(w, &h, sizeof h);
	if (r == 0)
		r = buf_add(&w->record, g->name, strlen(g->name) + 1);
	if (r == 0)
		r = buf_add(&w->record, g->members.data, g->members.len);
	return r < 0 ? r : record_end(w, type, strlen(g->name), SNAPSHOT_GROUP_MAX, ret_at);
}

int snapshot_writer_group(struct snapshot_writer *w, const struct snapshot_group *g)
{
	uint32_t at;
	int r = id_floor_ok(g->gid) ? group_write(w, g, SNAPSHOT_RECORD_GROUP, &at) : -EINVAL;

	if (r < 0)
		return r;
	id_take(w, g->gid);
	return entry_add(w, &w->groups, g->name, g->gid, at);
}

/* What is found by one key. A user and a group may have the same. */
static int grant_add(struct snapshot_writer *w, uint64_t hash, bool of_user, uint32_t at)
{
	struct snapshot_entry e = {.hash = hash, .id = of_user, .at = at};

	return buf_add(&w->grants, &e, sizeof e);
}

int snapshot_writer_local_group(struct snapshot_writer *w, const struct snapshot_group *g)
{
	uint32_t at;
	int r = local_gid_ok(g->gid) ? group_write(w, g, SNAPSHOT_RECORD_GRANT, &at) : -EINVAL;

	if (r == 0)
		r = grant_add(w, snapshot_hash_name(&w->layout, g->name, strlen(g->name)), false, at);
	return r < 0 ? r : grant_add(w, snapshot_hash_id(&w->layout, g->gid), false, at);
}

int snapshot_writer_grants(struct snapshot_writer *w, uint32_t uid, const uint32_t *gids, uint32_t n)
{
	struct snapshot_list_record h = {.uid = htole32(uid), .count = htole32(n)};
	uint32_t at;
	int r = record_begin(w, &h, sizeof h);

	if (w->layout.info.kind != SNAPSHOT_NSS || !id_floor_ok(uid) || n > SNAPSHOT_GRANTS_MAX)
		return -EINVAL;
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		uint32_t gid = htole32(gids[i]);

		r = local_gid_ok(gids[i]) ? buf_add(&w->record, &gid, sizeof gid) : -EINVAL;
	}
	if (r == 0)
		r = record_end(w, SNAPSHOT_RECORD_GRANT, 0, SNAPSHOT_SCRATCH_SIZE, &at);
	return r < 0 ? r : grant_add(w, snapshot_hash_id(&w->layout, uid), true, at);
}

int snapshot_writer_account(struct snapshot_writer *w, const char *name, uint32_t uid,
			    const void *record, size_t len)
{
	struct snapshot_account_record h = {.uid = htole32(uid)};
	uint32_t at;
	int r;

	if (w->layout.info.kind != SNAPSHOT_PAM || !name_valid(name) || !id_floor_ok(uid))
		return -EINVAL;
	r = record_begin(w, &h, sizeof h);
	if (r == 0)
		r = buf_add(&w->record, name, strlen(name) + 1);
	if (r == 0)
		r = buf_add(&w->record, record, len);
	if (r == 0)
		r = record_end(w, SNAPSHOT_RECORD_ACCOUNT, strlen(name), SNAPSHOT_BLOB_MAX, &at);
	if (r < 0)
		return r;
	id_take(w, uid);
	return entry_add(w, &w->accounts, name, uid, at);
}

static int blob_write(struct snapshot_writer *w, enum snapshot_section_id list, uint16_t type,
		      const void *record, size_t len)
{
	struct snapshot_head h = {0};
	uint32_t at;
	int r;

	if (w->layout.info.kind != SNAPSHOT_PAM)
		return -EINVAL;
	r = record_begin(w, &h, sizeof h);
	if (r == 0)
		r = buf_add(&w->record, record, len);
	if (r == 0)
		r = record_end(w, type, 0, SNAPSHOT_BLOB_MAX, &at);
	return r < 0 ? r : buf_add(&w->lists[list], &at, sizeof at);
}

int snapshot_writer_policy(struct snapshot_writer *w, const void *record, size_t len)
{
	if (w->lists[SECTION_POLICY].len > 0)
		return -EEXIST;
	return blob_write(w, SECTION_POLICY, SNAPSHOT_RECORD_POLICY, record, len);
}

int snapshot_writer_status(struct snapshot_writer *w, const void *record, size_t len)
{
	if (w->lists[SECTION_STATUS].len > 0)
		return -EEXIST;
	return blob_write(w, SECTION_STATUS, SNAPSHOT_RECORD_STATUS, record, len);
}

int snapshot_writer_reject(struct snapshot_writer *w, const void *record, size_t len)
{
	return blob_write(w, SECTION_REJECTS, SNAPSHOT_RECORD_REJECT, record, len);
}

int snapshot_writer_dir_group(struct snapshot_writer *w, const void *record, size_t len)
{
	return blob_write(w, SECTION_DIR_GROUPS, SNAPSHOT_RECORD_DIR_GROUP, record, len);
}

static uint32_t entry_count(const struct buf *table)
{
	return (uint32_t)(table->len / sizeof(struct snapshot_entry));
}

static int tables_write(struct snapshot_writer *w, const struct snapshot_table *t,
			struct buf *entries)
{
	return snapshot_tables_write(&w->out, &w->layout, t, (struct snapshot_entry *)entries->data,
				     entry_count(entries));
}

static int header_write(struct snapshot_writer *w)
{
	const struct snapshot_info *i = &w->layout.info;
	uint32_t n_users = entry_count(i->kind == SNAPSHOT_NSS ? &w->users : &w->accounts);
	size_t dir_groups = w->lists[SECTION_DIR_GROUPS].len / sizeof(uint32_t);
	uint32_t n_groups = i->kind == SNAPSHOT_NSS ? entry_count(&w->groups) : (uint32_t)dir_groups;
	struct snapshot_header h = {
		.magic = SNAPSHOT_MAGIC,
		.version = htole32(SNAPSHOT_VERSION),
		.kind = htole32(i->kind),
		.generation = htole64(i->generation),
		.created_at = (int64_t)htole64((uint64_t)i->created_at),
		.confirmed_at = (int64_t)htole64((uint64_t)i->confirmed_at),
		.length = htole64(w->out.offset),
		.salt = htole64(w->layout.salt),
		.id_min = htole32(i->id_min),
		.id_max = htole32(i->id_max),
		.n_users = htole32(n_users),
		.n_groups = htole32(n_groups),
	};

	for (unsigned j = 0; j < SNAPSHOT_SECTIONS; j++) {
		h.section[j].offset = htole64(w->layout.section[j].offset);
		h.section[j].blocks = htole32(w->layout.section[j].blocks);
		h.section[j].entries = htole32(w->layout.section[j].entries);
	}
	h.sum = htole64(snapshot_header_sum(&h));
	return snapshot_pwrite(w->out.fd, &h, sizeof h, 0);
}

int snapshot_writer_finish(struct snapshot_writer *w)
{
	int r = tables_write(w, &snapshot_users, &w->users);

	if (r == 0)
		r = tables_write(w, &snapshot_groups, &w->groups);
	if (r == 0)
		r = tables_write(w, &snapshot_accounts, &w->accounts);
	if (r == 0)
		r = snapshot_hash_write(&w->out, &w->layout, SECTION_LOCAL_GRANTS,
					(struct snapshot_entry *)w->grants.data,
					entry_count(&w->grants));
	for (unsigned i = SECTION_POLICY; r == 0 && i <= SECTION_DIR_GROUPS; i++)
		r = snapshot_list_write(&w->out, &w->layout, (enum snapshot_section_id)i,
					(const uint32_t *)w->lists[i].data,
					(uint32_t)(w->lists[i].len / sizeof(uint32_t)));
	if (r == 0)
		r = snapshot_output_flush(&w->out);
	return r < 0 ? r : header_write(w);
}

int snapshot_copy(struct snapshot *from, int fd, int64_t confirmed_at)
{
	uint8_t chunk[16384];
	struct snapshot_header h;
	uint64_t length = from->layout.length;
	int r = 0;

	for (uint64_t at = 0; r == 0 && at < length; at += sizeof chunk) {
		size_t n = length - at < sizeof chunk ? (size_t)(length - at) : sizeof chunk;

		r = snapshot_pread(from->source.fd, chunk, n, at);
		if (r == 0)
			r = snapshot_pwrite(fd, chunk, n, at);
	}
	if (r == 0)
		r = snapshot_pread(from->source.fd, &h, sizeof h, 0);
	if (r < 0)
		return r;
	h.confirmed_at = (int64_t)htole64((uint64_t)confirmed_at);
	h.sum = htole64(snapshot_header_sum(&h));
	return snapshot_pwrite(fd, &h, sizeof h, 0);
}
