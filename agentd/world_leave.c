/*
 * Who left. The ledger knows everybody who was ever here; who is not in a whole and explicit list was removed. Name, uid
 * and gid go on resolving for [accounts] tombstone, so that files keep their owner's name; nobody logs in with them. The
 * same holds, without an end, for one who is in the directory but had to be left out.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "agentd/sessions.h"
#include "agentd/world_private.h"
#include "common/names.h"

bool world_named(const struct strlist *names, const char *name)
{
	for (const char *s = NULL; (s = strlist_next(names, s));)
		if (!strcasecmp(s, name))
			return true;
	return false;
}

/* What this host has of its own goes first. */
static int add_holder(struct world *w, uint32_t place)
{
	const struct ledger_user *g = ledger_user(w->ledger, place);
	struct world_user u = {
		.id = g->id,
		.name = g->name,
		.uid = g->uid,
		.gid = g->gid,
		.given = place,
		.fate = WORLD_HOLDER,
		.private_group = g->private_group && world_find_gid(w, g->gid) == INDEX_NONE,
	};

	if (world_adoptable(w, u.name) && local_user(w->in.local, u.name, &u.uid, &u.gid) == 0)
		u.adopted = true;
	else if (local_name_taken(w->in.local, u.name) || name_reserved(u.name) ||
		 world_uid_fault(w, u.uid) || world_gid_fault(w, u.gid))
		return 0;
	u.private_group = u.private_group && !u.adopted;
	return buf_add(&w->users, &u, sizeof(u));
}

static bool in_grace(const struct world *w, const struct ledger_user *g)
{
	const struct conf *c = w->in.conf;

	return c->end_grace_ms && c->end_sessions & CONF_END_UNBOUND &&
	       w->in.now < g->removed_at + (c->end_grace_ms + SESSIONS_LIMIT_MS) / 1000;
}

bool world_is_leaving(const struct world *w, const struct ledger_user *g)
{
	return g->removed_at == 0 || in_grace(w, g);
}

/* Forgotten by an administrator, and still taken over here: he is given back by that, and not because nobody knows him. */
static int tell_forgotten(struct world *w, const struct ledger_user *g)
{
	if (!local_is_adopted(w->in.local, g->name))
		return 0;
	return world_reject(w, &(struct world_subject){"adopt", g->id, g->name}, "adopt_forgotten", "%s",
			    strlist_has(&w->in.conf->adopt, g->name) ? "[accounts] adopt in muster.conf still names him"
								     : "given back by 'musterctl adopt --apply'");
}

static int leave(struct world *w, uint32_t place)
{
	struct ledger_user *g = ledger_user(w->ledger, place);
	int64_t keep_s = w->in.conf->tombstone_ms / 1000;
	bool forget = world_named(&w->in.forget, g->name) && !world_is_leaving(w, g);

	if (g->removed_at == 0 || g->removed_at > w->in.now) { /* or a clock was ahead then */
		g->removed_at = w->in.now;
		g->missing_since = 0;
		g->changed = true;
	}
	if (forget && g->removed_at != LEDGER_FORGOTTEN) {
		g->removed_at = LEDGER_FORGOTTEN;
		g->changed = true;
	}
	if (g->removed_at == LEDGER_FORGOTTEN)
		return tell_forgotten(w, g);
	if (local_is_adopted(w->in.local, g->name)) /* or he would get in again, with the keys in his home */
		return add_holder(w, place);
	if (w->in.now - g->removed_at >= keep_s)
		return 0;
	world_note_change(w, g->removed_at + keep_s);
	return add_holder(w, place);
}

static int stay_or_leave(struct world *w, uint32_t place)
{
	struct ledger_user *g = ledger_user(w->ledger, place);
	uint32_t present = world_find_user(w, g->id);
	const struct world_user *u = present == INDEX_NONE ? NULL : world_user(w, present);

	if (g->dropped)
		return 0;
	if (g->adopted && !world_adoptable(w, g->name)) {
		ledger_drop(w->ledger, place);
		return 0;
	}
	if (!u || u->fate == WORLD_GONE)
		return leave(w, place);
	if (g->removed_at != 0) {
		g->removed_at = 0;
		g->changed = true;
	}
	return u->fate == WORLD_IN ? 0 : add_holder(w, place);
}

int world_leave(struct world *w)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < ledger_n_users(w->ledger); i++)
		r = stay_or_leave(w, i);
	return r;
}

static bool is_here(const struct world *w, uint32_t owner)
{
	uint32_t place = owner == INDEX_NONE ? INDEX_NONE : world_find_user(w, ledger_user(w->ledger, owner)->id);

	return place != INDEX_NONE && world_user(w, place)->fate == WORLD_IN;
}

/* Why the name of OWNER, or INDEX_NONE, is not given up. */
static const char *why_kept(const struct world *w, uint32_t owner, const char *else_why)
{
	const struct ledger_user *g = owner == INDEX_NONE ? NULL : ledger_user(w->ledger, owner);

	if (g && g->removed_at > LEDGER_FORGOTTEN && in_grace(w, g))
		return "its sessions are being ended: say it again a minute after [accounts] end_grace";
	return else_why;
}

const char *world_refused(const struct world *w, const char **ret_why)
{
	const char *name = NULL;

	*ret_why = "";
	while ((name = strlist_next(&w->in.accept, name))) {
		uint32_t owner = ledger_find_name(w->ledger, name);

		*ret_why = why_kept(w, owner, "its owner is still in the directory, or nobody there asks for it");
		if (!is_here(w, owner))
			return name;
	}
	while ((name = strlist_next(&w->in.forget, name))) {
		uint32_t owner = ledger_find_name(w->ledger, name);

		*ret_why = owner == INDEX_NONE ? "nobody ever had it here" :
						 why_kept(w, owner, "its owner is still in the directory, or left only now");
		if (owner == INDEX_NONE || ledger_user(w->ledger, owner)->removed_at != LEDGER_FORGOTTEN)
			return name;
	}
	return NULL;
}
