/*
 * Local users whom the directory takes over ([accounts] adopt): passwd entry, ids, home and groups stay theirs; state, password
 * and sudo are the directory's. What 'musterctl adopt --apply' has done counts, and not what is configured: nobody is taken over by
 * a sync, and nobody given back.
 */
#include <errno.h>

#include "agentd/world_private.h"

static bool is_pending(const struct world *w, const char *name)
{
	return local_is_adopted(w->in.local, name) != conf_adopts(w->in.conf, name);
}

bool world_adoptable(const struct world *w, const char *name)
{
	uint32_t uid, gid;

	return local_user(w->in.local, name, &uid, &gid) == 0 &&
	       !local_adopt_fault(w->in.local, name) &&
	       (local_is_adopted(w->in.local, name) || conf_adopts(w->in.conf, name));
}

static int tell(struct world *w, const struct world_user *u)
{
	int r = 0;

	if (u->want_uid && u->want_uid != u->uid)
		r = world_reject(w, &(struct world_subject){"uid", u->id, u->name}, "uid_adopted",
				 "the directory says %u, the local user's %u stays", u->want_uid,
				 u->uid);
	if (r < 0 || !is_pending(w, u->name))
		return r;
	return world_reject(w, &(struct world_subject){"adopt", u->id, u->name}, "adopt_pending",
			    "%s; see 'musterctl adopt'",
			    u->pending ? "to be taken over" : "to be given back");
}

int world_adopt(struct world *w, struct world_user *u)
{
	const char *fault = local_adopt_fault(w->in.local, u->name);
	uint32_t owner;
	int r;

	if (!world_adoptable(w, u->name) && fault && conf_adopts(w->in.conf, u->name))
		return world_leave_out(w, u, fault,
				       "the local user of this name cannot be taken over");
	if (!world_adoptable(w, u->name))
		return world_leave_out(w, u, "name_local", "a local user or group has this name");
	if (local_user(w->in.local, u->name, &u->uid, &u->gid) < 0)
		return -EPROTO; /* it was there a moment ago */
	owner = ledger_find_uid(w->ledger, u->uid);
	if (owner != INDEX_NONE && owner != u->given)
		return world_leave_out(w, u, "id_collision", "uid %u was given to '%s'", u->uid,
				       ledger_user(w->ledger, owner)->name);
	u->adopted = true;
	u->pending = !local_is_adopted(w->in.local, u->name);
	r = tell(w, u);
	u->want_uid = u->want_gid = 0; /* it asks for nothing */
	return r;
}
