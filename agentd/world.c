#include "agentd/world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agentd/fetch/protocol.h"
#include "agentd/world_private.h"
#include "common/names.h"

#define TEXT_SIZE 512

uint32_t world_find_user(const struct world *w, const char *id)
{
	uint32_t hash = hash_string(id);

	for (uint32_t step = 0, i; (i = index_next(&w->by_id, hash, &step)) != INDEX_NONE;)
		if (!strcmp(world_user(w, i)->id, id))
			return i;
	return INDEX_NONE;
}

uint32_t world_find_name(const struct world *w, const char *name)
{
	uint32_t hash = hash_name(name);

	for (uint32_t step = 0, i; (i = index_next(&w->by_name, hash, &step)) != INDEX_NONE;)
		if (!strcasecmp(world_user(w, i)->name, name))
			return i;
	return INDEX_NONE;
}

uint32_t world_find_dir(const struct world *w, const char *id)
{
	uint32_t hash = hash_string(id);

	for (uint32_t step = 0, i; (i = index_next(&w->dir_by_id, hash, &step)) != INDEX_NONE;)
		if (!strcmp(world_dir(w, i)->id, id))
			return i;
	return INDEX_NONE;
}

uint32_t world_find_group(const struct world *w, const char *name)
{
	uint32_t hash = hash_name(name);

	for (uint32_t step = 0, i; (i = index_next(&w->group_by_name, hash, &step)) != INDEX_NONE;)
		if (!strcasecmp(world_group(w, i)->name, name))
			return i;
	return INDEX_NONE;
}

uint32_t world_find_gid(const struct world *w, uint32_t gid)
{
	uint32_t hash = hash_number(gid);

	for (uint32_t step = 0, i; (i = index_next(&w->group_by_gid, hash, &step)) != INDEX_NONE;)
		if (world_group(w, i)->gid == gid)
			return i;
	return INDEX_NONE;
}

int world_add_group(struct world *w, const char *name, uint32_t gid, uint32_t *ret_place)
{
	struct world_group g = {.name = arena_string(&w->strings, name), .gid = gid};
	uint32_t place = world_n_groups(w);
	int r;

	if (!g.name)
		return -ENOMEM;
	r = buf_add(&w->groups, &g, sizeof(g));
	if (r == 0)
		r = index_add(&w->group_by_name, hash_name(name), place);
	if (r == 0)
		r = index_add(&w->group_by_gid, hash_number(gid), place);
	*ret_place = place;
	return r;
}

static const char *id_fault(const struct world *w, uint32_t id)
{
	if (id < w->in.conf->id_min || id > w->in.conf->id_max || !id_allowed(id))
		return "range";
	return local_id_subordinate(w->in.local, id) ? "subordinate" : NULL;
}

const char *world_uid_fault(const struct world *w, uint32_t uid)
{
	return local_uid_taken(w->in.local, uid) ? "local" : id_fault(w, uid);
}

const char *world_gid_fault(const struct world *w, uint32_t gid)
{
	return local_gid_taken(w->in.local, gid) ? "local" : id_fault(w, gid);
}

void world_note_change(struct world *w, int64_t at)
{
	if (at > w->in.now && at < w->next_change_at)
		w->next_change_at = at;
}

static int reject(struct world *w, const struct world_subject *s, const char *reason, const char *detail)
{
	CLEANUP(buf_done) struct buf b = {0};
	char id[TEXT_SIZE], name[TEXT_SIZE], text[TEXT_SIZE];
	struct reject rejected = {s->kind, id, name, reason, text};
	struct stage_place place;
	int r;

	if (!strcmp(s->kind, "user") || !strcmp(s->kind, "group"))
		w->n_rejected++;
	if (w->out.n_kind[RECORD_REJECT] >= SYNC_REJECTS_MAX)
		return 0;
	text_show(s->id, id, sizeof(id));
	text_show(s->name, name, sizeof(name));
	text_show(detail, text, sizeof(text));
	r = record_reject_pack(&rejected, &b);
	return r < 0 ? r : stage_add(&w->out, b.data, b.len, &place);
}

int world_reject(struct world *w, const struct world_subject *s, const char *reason, const char *detail, ...)
{
	char text[TEXT_SIZE];
	va_list ap;

	va_start(ap, detail);
	vsnprintf(text, sizeof(text), detail, ap);
	va_end(ap);
	return reject(w, s, reason, text);
}

int world_leave_out(struct world *w, struct world_user *u, const char *reason, const char *detail, ...)
{
	char text[TEXT_SIZE];
	va_list ap;

	u->fate = WORLD_OUT;
	va_start(ap, detail);
	vsnprintf(text, sizeof(text), detail, ap);
	va_end(ap);
	return reject(w, &(struct world_subject){"user", u->id, u->name}, reason, text);
}

int world_build(struct world *w, const struct world_input *in, struct ledger *ledger)
{
	static int (*const steps[])(struct world *) = {
		world_read,	 world_give_names, world_make_groups,  world_make_local,   world_give_uids,
		world_give_gids, world_leave,	   world_join_rules,   world_join_members, world_sort_members,
		world_finish_accounts,
	};
	int r;

	*w = (struct world){.in = *in, .ledger = ledger, .next_change_at = INT64_MAX};
	r = stage_init(&w->out);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++)
		r = steps[i](w);
	return r < 0 ? r : stage_flush(&w->out);
}

void world_trim(struct world *w)
{
	buf_done(&w->dirs);
	buf_done(&w->groups);
	buf_done(&w->members);
	buf_done(&w->locals);
	buf_done(&w->user_groups);
	buf_done(&w->first_groups);
	buf_done(&w->removed);
	index_done(&w->by_id);
	index_done(&w->by_name);
	index_done(&w->by_gid);
	index_done(&w->dir_by_id);
	index_done(&w->group_by_name);
	index_done(&w->group_by_gid);
}

void world_done(struct world *w)
{
	world_trim(w);
	arena_done(&w->strings);
	stage_done(&w->out);
	buf_done(&w->users);
	buf_done(&w->order);
	wipe(w, sizeof(*w));
	w->out.fd = -1;
}
