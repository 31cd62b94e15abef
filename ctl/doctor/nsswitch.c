#include "ctl/doctor/nsswitch.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "common/str.h"

#define SPACE " \t\r\v\f"

/* What glibc does where nothing is said. */
static const enum nsswitch_action defaults[NSSWITCH_STATUSES] = {
	[NSSWITCH_SUCCESS] = NSSWITCH_RETURN,
	[NSSWITCH_NOTFOUND] = NSSWITCH_CONTINUE,
	[NSSWITCH_UNAVAIL] = NSSWITCH_CONTINUE,
	[NSSWITCH_TRYAGAIN] = NSSWITCH_CONTINUE,
};

static int find_word(const char *const *words, size_t n, const char *s, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(words[i]) == len && strncasecmp(words[i], s, len) == 0)
			return (int)i;
	return -1;
}

/* "STATUS=ACTION" or "!STATUS=ACTION", which is said of all others. */
static int parse_action(const char *s, size_t len, struct nsswitch_service *service)
{
	static const char *const statuses[] = {"success", "notfound", "unavail", "tryagain"};
	static const char *const actions[] = {"continue", "return", "merge"};
	const char *equals = memchr(s, '=', len);
	bool others = len && *s == '!';
	int status, action;

	if (!equals)
		return -EINVAL;
	status = find_word(statuses, ARRAY_SIZE(statuses), s + others, (size_t)(equals - s) - others);
	action = find_word(actions, ARRAY_SIZE(actions), equals + 1, len - (size_t)(equals - s) - 1);
	if (status < 0 || action < 0)
		return -EINVAL;
	for (int i = 0; i < NSSWITCH_STATUSES; i++)
		if ((i == status) != others)
			service->on[i] = (enum nsswitch_action)action;
	return 0;
}

/* What stands in brackets after a service; *S is moved behind them. */
static int parse_actions(const char **s, const char *end, struct nsswitch_service *service)
{
	const char *close = memchr(*s, ']', (size_t)(end - *s));
	int r = 0;

	if (!service || !close)
		return -EINVAL;
	for (const char *p = *s + 1; r == 0;) {
		size_t len;

		p += strspn(p, SPACE);
		len = strcspn(p, SPACE "]");
		if (len == 0)
			break;
		r = parse_action(p, len, service);
		p += len;
	}
	*s = close + 1;
	return r;
}

static int parse_services(const char *s, const char *end, struct nsswitch *n)
{
	for (n->count = 0;;) {
		struct nsswitch_service *service = &n->services[n->count];
		size_t len;

		while (s < end && strchr(SPACE, *s))
			s++;
		if (s == end)
			return 0;
		if (*s == '[') {
			int r = parse_actions(&s, end, n->count ? service - 1 : NULL);

			if (r < 0)
				return r;
			continue;
		}
		for (len = 0; s + len < end && !strchr(SPACE "[", s[len]);)
			len++;
		if (n->count == NSSWITCH_SERVICES_MAX)
			return -E2BIG;
		if (str_print(service->name, sizeof(service->name), "%.*s", (int)len, s) < 0)
			return -EINVAL;
		memcpy(service->on, defaults, sizeof(defaults));
		n->count++;
		s += len;
	}
}

/* Is it "DATABASE:"? Where its services begin, else NULL. */
static const char *services_of(const char *line, const char *end, const char *database)
{
	size_t len = strlen(database);

	while (line < end && strchr(SPACE, *line))
		line++;
	if ((size_t)(end - line) <= len || strncmp(line, database, len) != 0)
		return NULL;
	line += len;
	if (!strchr(SPACE ":", *line))
		return NULL;
	while (line < end && strchr(SPACE ":", *line))
		line++;
	return line;
}

int nsswitch_parse(const char *text, const char *database, struct nsswitch *ret)
{
	unsigned number = 0;
	int r = -ENOENT;

	while (*text) {
		size_t len = strcspn(text, "\n"), plain = strcspn(text, "#\n");
		const char *services = services_of(text, text + plain, database);

		number++;
		if (services) {
			ret->line = number;
			r = parse_services(services, text + plain, ret);
		}
		text += len + (text[len] == '\n');
	}
	return r;
}

int nsswitch_find(const struct nsswitch *n, const char *name)
{
	for (unsigned i = 0; i < n->count; i++)
		if (strcmp(n->services[i].name, name) == 0)
			return (int)i;
	return -1;
}

bool nsswitch_merges(const struct nsswitch *n, int from, int to)
{
	for (int i = from; i < to; i++)
		if (n->services[i].on[NSSWITCH_SUCCESS] != NSSWITCH_MERGE)
			return false;
	return true;
}
