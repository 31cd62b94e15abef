/* Section [lease]: leases of directory groups, each key a group's name. */
#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/conf.h"
#include "agentd/conf_value.h"

int conf_lease_add(struct conf *c, const char *group, const char *value)
{
	struct conf_lease l = {0}, *more;
	int r;

	if (conf_lease_of(c, group))
		return -EEXIST;
	r = conf_value_parse(CONF_DURATION, value, 0, CONF_LEASE_MAX_MS, &l.lease_ms);
	if (r < 0)
		return r;
	more = reallocarray(c->leases, c->n_leases + 1, sizeof(l));
	if (!more)
		return -ENOMEM;
	c->leases = more;
	l.group = strdup(group);
	if (!l.group)
		return -ENOMEM;
	c->leases[c->n_leases++] = l;
	return 0;
}

const struct conf_lease *conf_lease_of(const struct conf *c, const char *group)
{
	for (uint32_t i = 0; i < c->n_leases; i++)
		if (!strcmp(c->leases[i].group, group))
			return &c->leases[i];
	return NULL;
}

int64_t conf_lease_shortest(const struct conf *c)
{
	int64_t shortest = c->lease_ms;

	for (uint32_t i = 0; i < c->n_leases; i++)
		shortest = lease_shorter(shortest, c->leases[i].lease_ms);
	return shortest;
}

uint64_t conf_lease_sum(const struct conf *c, uint64_t seed)
{
	for (uint32_t i = 0; i < c->n_leases; i++) {
		seed = XXH3_64bits_withSeed(c->leases[i].group, strlen(c->leases[i].group), seed);
		seed = XXH3_64bits_withSeed(&c->leases[i].lease_ms, sizeof(c->leases[i].lease_ms), seed);
	}
	return seed;
}

void conf_lease_done(struct conf *c)
{
	for (uint32_t i = 0; i < c->n_leases; i++)
		free(c->leases[i].group);
	free(c->leases);
}
