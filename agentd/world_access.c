/* Access rules: which of them fit which account, by user and group. */
#include <string.h>

#include "agentd/world_private.h"

static bool join_group(struct world *w, const char *group, uint64_t bit)
{
	bool known = false;

	for (uint32_t i = 0; i < world_n_dirs(w); i++) {
		struct world_dir *d = world_dir(w, i);

		if (d->left_out || !d->rule_name || strcmp(d->rule_name, group) != 0)
			continue;
		d->access |= bit;
		known = true;
	}
	return known;
}

/* Who is in a group that the directory does not have, cannot be known: a rule that allows is for nobody, one that denies for all. */
static int miss_group(struct world *w, const struct conf_access *a, const char *group, uint64_t bit)
{
	w->access_unknown |= bit;
	return world_reject(
		w, &(struct world_subject){"access", "", group}, "group_unknown",
		"the directory has no such group; rule '%s' in line %u of muster.conf %s",
		a->rule.name, a->rule.line,
		a->rule.allow ? "lets nobody in by it" : "counts for everybody");
}

int world_join_rules(struct world *w)
{
	const struct conf *c = w->in.conf;
	int r = 0;

	for (uint32_t i = 0; i < c->n_access; i++)
		for (const char *g = NULL; r == 0 && (g = strlist_next(&c->access[i].groups, g));)
			if (!join_group(w, g, UINT64_C(1) << i))
				r = miss_group(w, &c->access[i], g, UINT64_C(1) << i);
	return r;
}

static bool fits(const struct world *w, const struct world_user *u, uint32_t place)
{
	const struct conf_access *a = &w->in.conf->access[place];

	if (!a->users.count && !a->groups.count)
		return true;
	if (!a->rule.allow && w->access_unknown >> place & 1)
		return true;
	return u->access >> place & 1 || strlist_has(&a->users, u->name);
}

void world_give_access(const struct world *w, const struct world_user *u, struct account *a)
{
	const struct conf *c = w->in.conf;

	a->access_allow = a->access_deny = 0;
	for (uint32_t i = 0; i < c->n_access; i++)
		if (fits(w, u, i))
			*(c->access[i].rule.allow ? &a->access_allow : &a->access_deny) |=
				UINT64_C(1) << i;
}
