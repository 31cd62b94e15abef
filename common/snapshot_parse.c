#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/names.h"
#include "common/snapshot_find.h"

bool snapshot_id_ok(const struct snapshot_layout *l, uint32_t id)
{
	return id_floor_ok(id) && id >= l->info.id_min && id <= l->info.id_max;
}

static bool record_name_valid(const struct snapshot_record *r, uint16_t name_offset)
{
	return r->name_len > 0 && name_span((const char *)r->data + name_offset,
					    r->length - name_offset) == r->name_len;
}

/* The string of LEN bytes at P, its NUL before END; *P moves behind it. NULL: not so. */
static const char *string_take(const char **p, const char *end, size_t len)
{
	const char *s = *p;

	if ((size_t)(end - s) <= len || s[len] != '\0')
		return NULL;
	*p = s + len + 1;
	return s;
}

int snapshot_user_parse(const struct snapshot_source *s, const struct snapshot_record *r,
			struct snapshot_user_view *ret)
{
	const char *p = (const char *)r->data + sizeof(struct snapshot_user_record);
	const char *end = (const char *)r->data + r->length;
	struct snapshot_user *u = &ret->user;
	struct snapshot_user_record h;

	if (r->length < sizeof h || r->length > SNAPSHOT_USER_MAX)
		return -EBADMSG;
	memcpy(&h, r->data, sizeof h);
	u->uid = le32toh(h.uid);
	u->gid = le32toh(h.gid);
	ret->strings_len = (uint32_t)(end - p);
	ret->gids_at = le32toh(h.gids_at);
	ret->keys_at = le32toh(h.keys_at);
	if (!snapshot_id_ok(s->layout, u->uid) || !snapshot_id_ok(s->layout, u->gid) ||
	    !record_name_valid(r, sizeof h))
		return -EBADMSG;
	u->name = string_take(&p, end, r->name_len);
	u->gecos = string_take(&p, end, le16toh(h.gecos_len));
	u->home = string_take(&p, end, le16toh(h.home_len));
	u->shell = string_take(&p, end, le16toh(h.shell_len));
	if (!u->name || !u->gecos || !u->home || !u->shell || p != end)
		return -EBADMSG;
	return 0;
}

int snapshot_group_parse(const struct snapshot_source *s, const struct snapshot_record *r,
			 struct snapshot_group *ret)
{
	const char *p = (const char *)r->data + sizeof(struct snapshot_group_record);
	const char *end = (const char *)r->data + r->length;
	struct snapshot_group_record h;

	if (r->length < sizeof h || r->length > SNAPSHOT_GROUP_MAX)
		return -EBADMSG;
	memcpy(&h, r->data, sizeof h);
	ret->gid = le32toh(h.gid);
	if (!snapshot_id_ok(s->layout, ret->gid) || !record_name_valid(r, sizeof h))
		return -EBADMSG;
	ret->name = p;
	p += r->name_len + 1;
	ret->members = (struct strlist){
		.data = p,
		.len = (uint32_t)(end - p),
		.count = le32toh(h.count),
	};
	return 0;
}

int snapshot_members_check(const struct strlist *l)
{
	const char *p = l->data, *end = p + l->len;

	for (uint32_t i = 0; i < l->count; i++) {
		size_t len = name_span(p, (size_t)(end - p));

		if (len == 0)
			return -EBADMSG;
		p += len + 1;
	}
	return p == end ? 0 : -EBADMSG;
}

int snapshot_account_parse(const struct snapshot_source *s, const struct snapshot_record *r,
			   struct snapshot_account_view *ret)
{
	struct snapshot_account_record h;

	if (r->length < sizeof h)
		return -EBADMSG;
	memcpy(&h, r->data, sizeof h);
	if (!snapshot_id_ok(s->layout, le32toh(h.uid)) || !record_name_valid(r, sizeof h))
		return -EBADMSG;
	ret->uid = le32toh(h.uid);
	ret->name = (const char *)r->data + sizeof h;
	ret->packed = r->data + sizeof h + r->name_len + 1;
	ret->packed_len = r->length - sizeof h - r->name_len - 1;
	return 0;
}

struct gids_walk {
	const struct snapshot_layout *layout;
	uint32_t uid;
	snapshot_gid_fn *fn;
	void *ctx;
	uint32_t seen, count;
};

static int gids_piece(void *ctx, uint32_t offset, const uint8_t *data, size_t len)
{
	struct snapshot_list_record h;
	struct gids_walk *w = ctx;
	const uint8_t *end = data + len;
	uint32_t gid;
	int r;

	if (offset == 0) {
		if (len < sizeof h)
			return -EBADMSG;
		memcpy(&h, data, sizeof h);
		if (le32toh(h.uid) != w->uid)
			return -EBADMSG;
		w->count = le32toh(h.count);
		data += sizeof h;
	}
	for (; (size_t)(end - data) >= sizeof gid; data += sizeof gid) {
		memcpy(&gid, data, sizeof gid);
		gid = le32toh(gid);
		if (w->seen++ == w->count || !snapshot_id_ok(w->layout, gid))
			return -EBADMSG;
		r = w->fn(w->ctx, gid);
		if (r < 0)
			return r;
	}
	return data == end ? 0 : -EBADMSG;
}

int snapshot_gids_walk(const struct snapshot_source *s, const struct snapshot_user_view *u,
		       const struct snapshot_scratch *scratch, snapshot_gid_fn *fn, void *ctx)
{
	struct gids_walk w = {.layout = s->layout, .uid = u->user.uid, .fn = fn, .ctx = ctx};
	int r = snapshot_record_walk(s, u->gids_at, SNAPSHOT_RECORD_GIDS, scratch, gids_piece, &w);

	return r == 0 && w.seen != w.count ? -EBADMSG : r;
}
