#include "common/snapshot_reader.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common/paths.h"
#include "common/snapshot_find.h"

int snapshot_open(const char *path, enum snapshot_kind kind, struct snapshot **ret)
{
	struct snapshot *s = malloc(sizeof *s);
	struct stat st;
	int fd;

	if (!s)
		return -ENOMEM;
	fd = snapshot_file_open(path, kind, &s->layout, &st);
	if (fd < 0) {
		free(s);
		return fd;
	}
	s->source = (struct snapshot_source){.layout = &s->layout, .fd = fd};
	s->hint = 0;
	s->memory = NULL;
	*ret = s;
	return 0;
}

int snapshot_open_published(enum snapshot_kind kind, struct snapshot **ret)
{
	static const char *const paths[][2] = {
		[SNAPSHOT_NSS] = {MUSTER_RUNTIME_DIR "/" NSS_SNAPSHOT,
				  MUSTER_STATE_DIR "/" NSS_SNAPSHOT},
		[SNAPSHOT_PAM] = {MUSTER_RUNTIME_DIR "/" PAM_SNAPSHOT,
				  MUSTER_STATE_DIR "/" PAM_SNAPSHOT},
	};
	int r = snapshot_open(paths[kind][0], kind, ret), r2;

	if (!snapshot_file_missing(r))
		return r;
	r2 = snapshot_open(paths[kind][1], kind, ret);
	return r2 == -ENOENT ? r : r2;
}

int snapshot_load(struct snapshot *s)
{
	AUTO_FREE uint8_t *memory = malloc(s->layout.length);
	int r = memory ? snapshot_pread(s->source.fd, memory, s->layout.length, 0) : -ENOMEM;

	if (r < 0)
		return r;
	free(s->memory);
	s->memory = TAKE(memory);
	s->source.base = s->memory;
	return 0;
}

void snapshot_close(struct snapshot *s)
{
	if (!s)
		return;
	close(s->source.fd);
	free(s->memory);
	free(s);
}

void snapshot_closep(struct snapshot **s)
{
	snapshot_close(*s);
}

const struct snapshot_info *snapshot_info(const struct snapshot *s)
{
	return &s->layout.info;
}

/* One question to snapshot_find.h. */
struct query {
	enum { BY_NAME, BY_ID, NEXT, BY_INDEX, AT } by;
	const struct snapshot_table *table;
	const char *name;
	uint32_t id; /* or number in the list, or place */
	enum snapshot_section_id list;
	uint16_t type;
};

static int query_once(struct snapshot *s, const struct query *q,
		      const struct snapshot_scratch *scratch, struct snapshot_record *ret)
{
	struct snapshot_slot slot;

	size_t len;

	switch (q->by) {
	case BY_NAME:
		len = name_span(q->name, NAME_MAX_LEN + 1);
		if (len == 0)
			return -ESRCH;
		return snapshot_find_name(&s->source, q->table, q->name, len, scratch, ret);
	case BY_ID:
		return snapshot_find_id(&s->source, q->table, q->id, scratch, ret);
	case NEXT:
		return snapshot_find_next(&s->source, q->table, q->id, &s->hint, scratch, &slot,
					  ret);
	case BY_INDEX:
		return snapshot_find_index(&s->source, q->list, q->type, q->id, scratch, ret);
	case AT:
		return snapshot_record_get(&s->source, q->id, q->type, scratch, ret);
	}
	return -EINVAL;
}

/* Out of the memory that the snapshot was loaded into. */
static int query_keep(struct buf *buf, struct snapshot_record *ret)
{
	int r = buf_add(buf, ret->data, ret->length);

	ret->data = buf->data;
	return r;
}

/* The answer's bytes stay in BUF, buf->len of them. */
static int query_run(struct snapshot *s, const struct query *q, struct buf *buf,
		     struct snapshot_record *ret)
{
	size_t size = SNAPSHOT_SCRATCH_SIZE;
	int r;

	do {
		struct snapshot_scratch scratch;

		buf->len = 0;
		r = buf_reserve(buf, size);
		if (r < 0)
			return r;
		scratch = (struct snapshot_scratch){.data = buf->data, .size = buf->size};
		r = query_once(s, q, &scratch, ret);
		size = ret->length;
	} while (r == -ENOSPC);
	if (r == 0 && s->source.base)
		return query_keep(buf, ret);
	if (r == 0)
		buf->len = ret->length;
	return r;
}

static int user_get(struct snapshot *s, const struct query *q, struct buf *buf,
		    struct snapshot_user_view *ret)
{
	struct snapshot_record record;
	int r = query_run(s, q, buf, &record);

	return r < 0 ? r : snapshot_user_parse(&s->source, &record, ret);
}

static int user_query(struct snapshot *s, const struct query *q, struct buf *buf,
		      struct snapshot_user *ret)
{
	struct snapshot_user_view view;
	int r = user_get(s, q, buf, &view);

	if (r == 0)
		*ret = view.user;
	return r;
}

int snapshot_user_by_name(struct snapshot *s, const char *name, struct buf *buf,
			  struct snapshot_user *ret)
{
	struct query q = {.by = BY_NAME, .table = &snapshot_users, .name = name};

	return user_query(s, &q, buf, ret);
}

int snapshot_user_by_uid(struct snapshot *s, uint32_t uid, struct buf *buf,
			 struct snapshot_user *ret)
{
	struct query q = {.by = BY_ID, .table = &snapshot_users, .id = uid};

	return user_query(s, &q, buf, ret);
}

int snapshot_user_next(struct snapshot *s, uint32_t after, struct buf *buf,
		       struct snapshot_user *ret)
{
	struct query q = {.by = NEXT, .table = &snapshot_users, .id = after};

	return user_query(s, &q, buf, ret);
}

static int group_query(struct snapshot *s, const struct query *q, struct buf *buf,
		       struct snapshot_group *ret)
{
	struct snapshot_record record;
	struct snapshot_group group;
	int r = query_run(s, q, buf, &record);

	if (r == 0)
		r = snapshot_group_parse(&s->source, &record, &group);
	if (r == 0)
		r = snapshot_members_check(&group.members);
	if (r == 0)
		*ret = group;
	return r;
}

int snapshot_group_by_name(struct snapshot *s, const char *name, struct buf *buf,
			   struct snapshot_group *ret)
{
	struct query q = {.by = BY_NAME, .table = &snapshot_groups, .name = name};

	return group_query(s, &q, buf, ret);
}

int snapshot_group_by_gid(struct snapshot *s, uint32_t gid, struct buf *buf,
			  struct snapshot_group *ret)
{
	struct query q = {.by = BY_ID, .table = &snapshot_groups, .id = gid};

	return group_query(s, &q, buf, ret);
}

int snapshot_group_next(struct snapshot *s, uint32_t after, struct buf *buf,
			struct snapshot_group *ret)
{
	struct query q = {.by = NEXT, .table = &snapshot_groups, .id = after};

	return group_query(s, &q, buf, ret);
}

static int gid_add(void *ctx, uint32_t gid)
{
	return buf_add(ctx, &gid, sizeof gid);
}

static int grants_add(struct snapshot *s, uint32_t uid, const struct snapshot_scratch *scratch,
		      struct buf *buf)
{
	struct snapshot_record record;
	int r = snapshot_find_grants(&s->source, uid, scratch, &record);

	if (r == -ESRCH)
		return 0;
	return r < 0 ? r : snapshot_grants_walk(&record, gid_add, buf);
}

int snapshot_gids(struct snapshot *s, const char *name, struct buf *buf, uint32_t *ret_n)
{
	struct query q = {.by = BY_NAME, .table = &snapshot_users, .name = name};
	uint64_t piece[SNAPSHOT_SCRATCH_SIZE / sizeof(uint64_t)];
	struct snapshot_scratch scratch = {.data = piece, .size = sizeof piece};
	struct snapshot_user_view view;
	int r = user_get(s, &q, buf, &view);

	if (r < 0)
		return r;
	buf->len = 0;
	r = snapshot_gids_walk(&s->source, &view, &scratch, gid_add, buf);
	if (r == 0)
		r = grants_add(s, view.user.uid, &scratch, buf);
	if (r == 0)
		*ret_n = (uint32_t)(buf->len / sizeof(uint32_t));
	return r;
}

/* BUF keeps what follows the first SKIP bytes. */
static int buf_drop(struct buf *buf, size_t skip)
{
	if (buf->len < skip)
		return -EBADMSG;
	buf->len -= skip;
	memmove(buf->data, buf->data + skip, buf->len);
	return 0;
}

int snapshot_user_keys(struct snapshot *s, const struct snapshot_user_view *u, struct buf *buf, struct strlist *ret)
{
	struct query q = {.by = AT, .id = u->keys_at, .type = SNAPSHOT_RECORD_KEYS};
	struct snapshot_list_record h;
	struct snapshot_record record;
	int r = query_run(s, &q, buf, &record);

	if (r < 0)
		return r;
	if (record.length < sizeof h)
		return -EBADMSG;
	memcpy(&h, record.data, sizeof h);
	if (le32toh(h.uid) != u->user.uid)
		return -EBADMSG;
	r = buf_drop(buf, sizeof h);
	*ret = (struct strlist){
		.data = (const char *)buf->data,
		.len = (uint32_t)buf->len,
		.count = le32toh(h.count),
	};
	return r == 0 && !strlist_valid(ret) ? -EBADMSG : r;
}

int snapshot_keys(struct snapshot *s, const char *name, struct buf *buf, struct strlist *ret)
{
	struct query q = {.by = BY_NAME, .table = &snapshot_users, .name = name};
	struct snapshot_user_view view;
	struct strlist keys = {0};
	int r = user_get(s, &q, buf, &view);

	if (r == 0 && view.keys_at != 0)
		r = snapshot_user_keys(s, &view, buf, &keys);
	if (r == 0)
		*ret = keys;
	return r;
}

/* The account's packed record, alone in BUF. */
static int account_query(struct snapshot *s, const struct query *q, struct buf *buf,
			 uint32_t *ret_uid)
{
	struct snapshot_account_view view;
	struct snapshot_record record;
	int r = query_run(s, q, buf, &record);

	if (r == 0)
		r = snapshot_account_parse(&s->source, &record, &view);
	if (r < 0)
		return r;
	*ret_uid = view.uid;
	return buf_drop(buf, (size_t)(view.packed - record.data));
}

int snapshot_account(struct snapshot *s, const char *name, struct buf *buf)
{
	struct query q = {.by = BY_NAME, .table = &snapshot_accounts, .name = name};
	uint32_t uid;

	return account_query(s, &q, buf, &uid);
}

int snapshot_account_next(struct snapshot *s, uint32_t after_uid, struct buf *buf,
			  uint32_t *ret_uid)
{
	struct query q = {.by = NEXT, .table = &snapshot_accounts, .id = after_uid};

	return account_query(s, &q, buf, ret_uid);
}

int snapshot_account_by_uid(struct snapshot *s, uint32_t uid, struct buf *buf)
{
	uint32_t found;
	int r = uid > 0 ? snapshot_account_next(s, uid - 1, buf, &found) : -ESRCH;

	return r == 0 && found != uid ? -ESRCH : r;
}

static int blob_query(struct snapshot *s, enum snapshot_section_id list, uint16_t type,
		      uint32_t index, struct buf *buf)
{
	struct query q = {.by = BY_INDEX, .list = list, .type = type, .id = index};
	struct snapshot_record record;
	int r = query_run(s, &q, buf, &record);

	return r < 0 ? r : buf_drop(buf, sizeof(struct snapshot_head));
}

int snapshot_policy(struct snapshot *s, struct buf *buf)
{
	return blob_query(s, SECTION_POLICY, SNAPSHOT_RECORD_POLICY, 0, buf);
}

int snapshot_status(struct snapshot *s, struct buf *buf)
{
	return blob_query(s, SECTION_STATUS, SNAPSHOT_RECORD_STATUS, 0, buf);
}

int snapshot_reject(struct snapshot *s, uint32_t index, struct buf *buf)
{
	return blob_query(s, SECTION_REJECTS, SNAPSHOT_RECORD_REJECT, index, buf);
}

int snapshot_dir_group(struct snapshot *s, uint32_t index, struct buf *buf)
{
	return blob_query(s, SECTION_DIR_GROUPS, SNAPSHOT_RECORD_DIR_GROUP, index, buf);
}
