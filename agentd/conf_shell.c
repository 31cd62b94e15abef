/* Section [shells]: login shells of directory groups, each key a group's name. */
#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/conf.h"
#include "agentd/conf_value.h"

int conf_shell_add(struct conf *c, const char *group, const char *value)
{
	struct conf_shell s = {0}, *more;
	int r;

	if (conf_shell_of(c, group) != CONF_SHELL_NONE)
		return -EEXIST;
	more = reallocarray(c->shells, c->n_shells + 1, sizeof(s));
	if (!more)
		return -ENOMEM;
	c->shells = more;
	r = conf_value_parse(CONF_SHELL, value, 2, CONF_SHELL_LEN_MAX, &s.shell);
	if (r < 0)
		return r;
	s.group = strdup(group);
	if (!s.group) {
		free(s.shell);
		return -ENOMEM;
	}
	c->shells[c->n_shells++] = s;
	return 0;
}

uint32_t conf_shell_of(const struct conf *c, const char *group)
{
	for (uint32_t i = 0; i < c->n_shells; i++)
		if (!strcmp(c->shells[i].group, group))
			return i;
	return CONF_SHELL_NONE;
}

uint64_t conf_shell_sum(const struct conf *c, uint64_t seed)
{
	for (uint32_t i = 0; i < c->n_shells; i++) {
		seed = XXH3_64bits_withSeed(c->shells[i].group, strlen(c->shells[i].group), seed);
		seed = XXH3_64bits_withSeed(c->shells[i].shell, strlen(c->shells[i].shell), seed);
	}
	return seed;
}

void conf_shell_done(struct conf *c)
{
	for (uint32_t i = 0; i < c->n_shells; i++) {
		free(c->shells[i].group);
		free(c->shells[i].shell);
	}
	free(c->shells);
}
