/* Section [groups]: local groups that groups of the directory carry, each key a directory group's name. */
#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/conf.h"
#include "agentd/conf_value.h"

/* Nobody gets these by a group: root is no right to hand on, and what sudo goes by has keys of its own. */
static bool is_forbidden(const char *name)
{
	return !strcmp(name, "root") || !strcmp(name, GROUP_SUDO) || !strcmp(name, GROUP_SUDO_NOPASSWD);
}

static int check_names(const struct strlist *names)
{
	for (const char *s = NULL; (s = strlist_next(names, s));) {
		if (is_forbidden(s))
			return -EPERM;
		if (!name_valid(s))
			return -EINVAL;
	}
	return names->count > 0 ? 0 : -EINVAL;
}

static uint32_t count_names(const struct conf *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_grants; i++)
		n += c->grants[i].locals.count;
	return n;
}

static void grant_done(struct conf_grant *g)
{
	free(g->group);
	conf_value_free(CONF_WORDS, &g->locals);
}

int conf_grant_add(struct conf *c, const char *group, const char *value)
{
	CLEANUP(grant_done) struct conf_grant g = {0};
	struct conf_grant *more;
	int r;

	if (conf_grant_of(c, group))
		return -EEXIST;
	r = conf_value_parse(CONF_WORDS, value, 0, CONF_GRANTS_MAX, &g.locals);
	if (r == 0)
		r = check_names(&g.locals);
	if (r == 0 && count_names(c) + g.locals.count > CONF_GRANTS_MAX)
		r = -E2BIG;
	if (r < 0)
		return r;
	g.group = strdup(group);
	more = reallocarray(c->grants, c->n_grants + 1, sizeof(g));
	if (more)
		c->grants = more;
	if (!more || !g.group)
		return -ENOMEM;
	c->grants[c->n_grants++] = g;
	g = (struct conf_grant){0};
	return 0;
}

const struct conf_grant *conf_grant_of(const struct conf *c, const char *group)
{
	for (uint32_t i = 0; i < c->n_grants; i++)
		if (!strcmp(c->grants[i].group, group))
			return &c->grants[i];
	return NULL;
}

uint64_t conf_grant_sum(const struct conf *c, uint64_t seed)
{
	for (uint32_t i = 0; i < c->n_grants; i++) {
		const struct conf_grant *g = &c->grants[i];

		seed = XXH3_64bits_withSeed(g->group, strlen(g->group), seed);
		seed = XXH3_64bits_withSeed(g->locals.data, g->locals.len, seed);
	}
	return seed;
}

void conf_grant_done(struct conf *c)
{
	for (uint32_t i = 0; i < c->n_grants; i++)
		grant_done(&c->grants[i]);
	free(c->grants);
}
