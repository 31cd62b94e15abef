#include "agentd/refresh.h"

#include <errno.h>
#include <string.h>

#include "agentd/cache.h"
#include "agentd/refresh_answer.h"

/* Ids of the users who are answered for: few. */
struct list {
	struct buf ids;
	uint32_t count;
	struct store *cache;
	int64_t now;
	bool groups; /* as in refresh_list() */
	struct stage *stage; /* what is being made */
};

static struct strlist ids_of(const struct list *l)
{
	return (struct strlist){l->ids.len ? (const char *)l->ids.data : "", (uint32_t)l->ids.len, l->count};
}

static bool has(const struct strlist *ids, const char *id)
{
	for (const char *s = NULL; (s = strlist_next(ids, s));)
		if (!strcmp(s, id))
			return true;
	return false;
}

static int add(struct stage *stage, const void *record, size_t len)
{
	struct stage_place place;

	return stage_add(stage, record, len, &place);
}

/*
 * An answer does not say what is scheduled (agentd/fetch/protocol.h): that is as the cache has it. An activation that is due has
 * happened before this answer, and must not undo what the answer says; a suspension stays until a sync takes it away.
 */
static void keep_scheduled(const struct account *before, int64_t now, struct account *a)
{
	a->n_scheduled = 0;
	for (uint32_t i = 0; i < before->n_scheduled; i++)
		if (before->scheduled[i].at > now || before->scheduled[i].state != USER_ACTIVATED)
			a->scheduled[a->n_scheduled++] = before->scheduled[i];
}

static int add_account(const struct list *l, const struct stage_walk *s, const char *id)
{
	CLEANUP(buf_wipe) struct buf known = {0};
	CLEANUP(buf_wipe) struct buf record = {0};
	struct account a, before;
	int r = record_account_unpack(s->record, s->place.len, &a);

	if (r == 0)
		r = cache_account(l->cache, id, &known);
	if (r == -ESRCH)
		return l->groups ? -ESTALE : add(l->stage, s->record, s->place.len);
	if (r == 0)
		r = record_account_unpack(known.data, known.len, &before);
	if (r == 0 && l->groups && !before.bound && before.removed_at)
		return -ESTALE; /* the cache does not know in which groups he is */
	if (r < 0)
		return r;
	keep_scheduled(&before, l->now, &a);
	r = record_account_pack(&a, &record);
	return r < 0 ? r : add(l->stage, record.data, record.len);
}

/* The answers themselves. Who is kept stays as the cache has him. */
static int take_answer(struct list *l, const struct stage_walk *s)
{
	const char *id;
	int r = refresh_subject(s->record, s->place.len, &id);

	if (r < 0 || record_kind(s->record, s->place.len) == RECORD_KEPT)
		return r;
	r = buf_add(&l->ids, id, strlen(id) + 1);
	l->count++;
	if (r == 0 && record_kind(s->record, s->place.len) == RECORD_ACCOUNT)
		return add_account(l, s, id);
	return r < 0 ? r : add(l->stage, s->record, s->place.len);
}

static int take_answers(struct list *l, const struct stage *answers)
{
	struct stage_walk walk = {.stage = answers};
	int r = 0;

	while (r == 0 && (r = stage_next(&walk)) > 0)
		r = take_answer(l, &walk);
	stage_walk_done(&walk);
	return r;
}

/* One who left, or was left out, is known to the ledger, or by his reject. */
static int take_account(const void *record, size_t len, void *context)
{
	const struct list *l = context;
	const struct strlist ids = ids_of(l);
	struct account a;
	int r = record_account_unpack(record, len, &a);

	return r < 0 || !a.bound || has(&ids, a.id) ? r : add(l->stage, record, len);
}

static int take_reject(const struct list *l, const void *record, size_t len)
{
	static const char *const made_again[] = {"group", "posix_group", "member", "local_group",
						 "local_file", "access", "adopt", "conf"};
	const struct strlist ids = ids_of(l);
	struct reject j;
	int r = record_reject_unpack(record, len, &j);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(made_again); i++)
		if (!strcmp(j.kind, made_again[i]))
			return 0;
	return r < 0 || has(&ids, j.id) ? r : add(l->stage, record, len);
}

static int take_record(const void *record, size_t len, void *context)
{
	const struct list *l = context;

	return record_kind(record, len) == RECORD_REJECT ? take_reject(l, record, len) : add(l->stage, record, len);
}

int refresh_list(const struct stage *answers, struct store *cache, int64_t now, bool groups, struct stage *ret)
{
	struct list l = {.cache = cache, .now = now, .groups = groups, .stage = ret};
	int r = stage_init(ret);

	if (r == 0 && !cache->env)
		r = -ENOENT;
	if (r == 0)
		r = take_answers(&l, answers);
	if (r == 0)
		r = cache_each_account(cache, take_account, &l);
	if (r == 0)
		r = cache_each_record(cache, take_record, &l);
	buf_done(&l.ids);
	return r < 0 ? r : stage_flush(ret);
}
