/*
 * Local groups that groups of the directory carry ([groups] of muster.conf). The directory says who is in its groups and no
 * more: which local groups these are is said by the configuration alone, and their gids by /etc/group alone.
 */
#include <errno.h>
#include <string.h>

#include "agentd/world_private.h"
#include "common/names.h"

static int refuse(struct world *w, const char *name, const char *reason, const char *detail)
{
	return world_reject(w, &(struct world_subject){"local_group", "", name}, reason, "[groups] of muster.conf: %s",
			    detail);
}

static struct world_local *find(const struct world *w, const char *name)
{
	struct world_local *l = (struct world_local *)(void *)w->locals.data;

	for (size_t i = 0; i < w->locals.len / sizeof(*l); i++)
		if (!strcmp(l[i].name, name))
			return &l[i];
	return NULL;
}

static bool gid_known(const struct world *w, uint32_t gid)
{
	const struct world_local *l = (const struct world_local *)(const void *)w->locals.data;

	for (size_t i = 0; i < w->locals.len / sizeof(*l); i++)
		if (l[i].group != INDEX_NONE && world_group(w, l[i].group)->gid == gid)
			return true;
	return false;
}

/* It gets no place in the indexes: for all others the name and the gid are this host's. */
static int add_group(struct world *w, const char *name, uint32_t gid, uint32_t *ret_place)
{
	const struct world_group g = {.name = name, .gid = gid, .local = true};

	*ret_place = world_n_groups(w);
	return buf_add(&w->groups, &g, sizeof(g));
}

static int resolve(struct world *w, const char *name, uint32_t *ret_place)
{
	uint32_t gid;

	*ret_place = INDEX_NONE;
	if (local_group(w->in.local, name, &gid) < 0)
		return refuse(w, name, "group_missing", "there is no such group in /etc/group: it gives nothing");
	if (gid == 0)
		return refuse(w, name, "gid_root", "it is root's group by another name: it gives nothing");
	if (!local_gid_ok(gid) || gid == GID_SUDO || gid == GID_SUDO_NOPASSWD)
		return refuse(w, name, "gid_range", "its gid may not be given: it gives nothing");
	if (gid_known(w, gid))
		return refuse(w, name, "gid_shared", "another group in [groups] has its gid: it gives nothing");
	return add_group(w, name, gid, ret_place);
}

int world_make_local(struct world *w)
{
	int r = 0;

	for (uint32_t i = 0; i < w->in.conf->n_grants; i++) {
		const struct strlist *names = &w->in.conf->grants[i].locals;

		for (const char *s = NULL; r == 0 && (s = strlist_next(names, s));) {
			struct world_local l = {.name = s};

			if (find(w, s))
				continue;
			r = resolve(w, s, &l.group);
			if (r == 0)
				r = buf_add(&w->locals, &l, sizeof(l));
		}
	}
	return r;
}

int world_join_local(struct world *w, const struct conf_grant *g, uint32_t user)
{
	int r = 0;

	for (const char *s = NULL; r == 0 && (s = strlist_next(&g->locals, s));) {
		const struct world_local *l = find(w, s);

		if (l->group != INDEX_NONE)
			r = world_add_member(w, l->group, user);
	}
	return r;
}
