#include "agentd/kept.h"

#include <errno.h>
#include <string.h>

#include "agentd/cache.h"

static int add_ids(const struct stage_walk *s, struct buf *ids)
{
	struct membership m;
	const char *id = NULL;
	int r = record_membership_unpack(s->record, s->place.len, &m);

	while (r == 0 && (id = strlist_next(&m.user_ids, id)))
		r = buf_add(ids, id, strlen(id) + 1);
	return r == -EBADMSG ? -EPROTO : r;
}

static int find_ids(const struct stage *stage, struct buf *ids)
{
	struct stage_walk walk = {.stage = stage};
	int r = 0;

	while (r == 0 && (r = stage_next(&walk)) > 0)
		r = record_kind(walk.record, walk.place.len) == RECORD_KEPT ? add_ids(&walk, ids) : 0;
	stage_walk_done(&walk);
	return r;
}

int kept_account(struct store *cache, struct snapshot *published, const char *id, struct buf *ret)
{
	CLEANUP(buf_wipe) struct buf newer = {0};
	struct account a;
	int r;

	ret->len = 0;
	r = cache_account(cache, id, ret);
	if (r == 0)
		r = record_account_unpack(ret->data, ret->len, &a);
	if (r < 0 || !published || snapshot_account(published, a.name, &newer) < 0)
		return r;
	r = record_account_unpack(newer.data, newer.len, &a);
	if (r < 0 || strcmp(a.id, id) != 0)
		return r;
	ret->len = 0;
	return buf_add(ret, newer.data, newer.len);
}

/* What is known is finished, and so asks for exactly what was given. */
static int last_known(struct store *cache, struct snapshot *published, const char *id, struct buf *ret)
{
	struct account a;
	int r = cache->env ? kept_account(cache, published, id, ret) : -ESRCH;

	if (r == 0)
		r = record_account_unpack(ret->data, ret->len, &a);
	return r == 0 && !a.bound ? -ESRCH : r;
}

static int keep(struct stage *stage, struct store *cache, struct snapshot *published, const char *id)
{
	const struct reject unknown = {"user", id, "", "unreadable", "its record cannot be read, and none is known here"};
	CLEANUP(buf_wipe) struct buf record = {0};
	struct stage_place place;
	int r = last_known(cache, published, id, &record);

	if (r == -ESRCH) {
		record.len = 0;
		r = record_reject_pack(&unknown, &record);
	}
	return r < 0 ? r : stage_add(stage, record.data, record.len, &place);
}

int kept_apply(struct stage *stage, struct store *cache, struct snapshot *published, uint32_t *ret_n)
{
	CLEANUP(buf_done) struct buf ids = {0};
	int r = stage->n_kind[RECORD_KEPT] ? find_ids(stage, &ids) : 0;

	*ret_n = 0;
	for (size_t at = 0; r == 0 && at < ids.len; at += strlen((const char *)ids.data + at) + 1) {
		r = keep(stage, cache, published, (const char *)ids.data + at);
		++*ret_n;
	}
	return r < 0 ? r : stage_flush(stage);
}
