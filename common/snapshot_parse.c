#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/names.h"
#include "common/snapshot_find.h"

int snapshot_user_parse(const struct snapshot_source *s, const struct snapshot_record *r,
			struct snapshot_user_view *ret)
{
	const char *name = (const char *)r->data + sizeof(struct snapshot_user_record);
	size_t gecos, home, shell, end; /* where they begin, from name on */
	struct snapshot_user *u = &ret->user;
	struct snapshot_user_record h;

	if (r->length < sizeof h || r->length > SNAPSHOT_USER_MAX)
		return -EBADMSG;
	memcpy(&h, r->data, sizeof h);
	gecos = r->name_len + 1u;
	home = gecos + le16toh(h.gecos_len) + 1;
	shell = home + le16toh(h.home_len) + 1;
	end = shell + le16toh(h.shell_len) + 1;
	if (sizeof h + end != r->length || name[gecos - 1] != '\0' || name[home - 1] != '\0' ||
	    name[shell - 1] != '\0' || name[end - 1] != '\0')
		return -EBADMSG;
	u->name = name;
	u->gecos = name + gecos;
	u->home = name + home;
	u->shell = name + shell;
	u->uid = le32toh(h.uid);
	u->gid = le32toh(h.gid);
	ret->strings_len = (uint32_t)end;
	ret->gids_at = le32toh(h.gids_at);
	ret->keys_at = le32toh(h.keys_at);
	return snapshot_id_ok(s->layout, u->uid) && snapshot_id_ok(s->layout, u->gid) ? 0 : -EBADMSG;
}

/* Whatever its gid. */
static int group_parse(const struct snapshot_record *r, struct snapshot_group *ret)
{
	const char *name = (const char *)r->data + sizeof(struct snapshot_group_record);
	struct snapshot_group_record h;
	size_t fixed = sizeof h + r->name_len + 1u;

	if (r->length < fixed || r->length > SNAPSHOT_GROUP_MAX || name[r->name_len] != '\0')
		return -EBADMSG;
	memcpy(&h, r->data, sizeof h);
	*ret = (struct snapshot_group){
		.name = name,
		.gid = le32toh(h.gid),
		.members = {
			.data = name + r->name_len + 1,
			.len = (uint32_t)(r->length - fixed),
			.count = le32toh(h.count),
		},
	};
	return 0;
}

int snapshot_group_parse(const struct snapshot_source *s, const struct snapshot_record *r,
			 struct snapshot_group *ret)
{
	struct snapshot_group g;
	int e = group_parse(r, &g);

	if (e == 0 && !snapshot_id_ok(s->layout, g.gid))
		e = -EBADMSG;
	if (e == 0)
		*ret = g;
	return e;
}

int snapshot_local_group_parse(const struct snapshot_record *r, struct snapshot_group *ret)
{
	struct snapshot_group g;
	int e = group_parse(r, &g);

	if (e == 0 && !local_gid_ok(g.gid))
		e = -EBADMSG;
	if (e == 0)
		*ret = g;
	return e;
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
	const uint8_t *name = r->data + sizeof(struct snapshot_account_record);
	struct snapshot_account_record h;
	size_t fixed = sizeof h + r->name_len + 1u;

	if (r->length < fixed || name[r->name_len] != '\0')
		return -EBADMSG;
	memcpy(&h, r->data, sizeof h);
	if (!snapshot_id_ok(s->layout, le32toh(h.uid)))
		return -EBADMSG;
	*ret = (struct snapshot_account_view){
		.uid = le32toh(h.uid),
		.packed = r->data + fixed,
		.packed_len = r->length - fixed,
	};
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

int snapshot_grants_walk(const struct snapshot_record *r, snapshot_gid_fn *fn, void *ctx)
{
	struct snapshot_list_record h;
	uint32_t gid;
	int e = 0;

	if (r->length < sizeof h)
		return -EBADMSG;
	memcpy(&h, r->data, sizeof h);
	if ((r->length - sizeof h) / sizeof gid != le32toh(h.count) || r->length % sizeof gid != 0)
		return -EBADMSG;
	for (size_t at = sizeof h; e >= 0 && at < r->length; at += sizeof gid) {
		memcpy(&gid, r->data + at, sizeof gid);
		gid = le32toh(gid);
		e = local_gid_ok(gid) ? fn(ctx, gid) : -EBADMSG;
	}
	return e < 0 ? e : 0;
}
