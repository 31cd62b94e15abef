/* Section [access]: NAME = allow|deny [services=…] [users=…] [groups=…] [hours=…], a rule a line. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/conf.h"
#include "agentd/conf_value.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define BLANKS  " \t"
#define HOURS   "hours such as Mo-Fr 08:00-18:00, 22:00-06:00, Sa-Su or Fr 22:00-Mo 06:00"

enum list {
	LIST_SERVICES,
	LIST_USERS,
	LIST_GROUPS,
	LIST_HOURS,
	N_LISTS,
};

static const char *const list_names[N_LISTS] = {"services", "users", "groups", "hours"};

struct rule_parser {
	struct conf_access *access;
	struct buf items[N_LISTS]; /* strings; not of hours */
	uint32_t n_items[N_LISTS];
	bool whole_days, times; /* of hours: seen */
	char *why;              /* CONF_EXPECTED_SIZE bytes */
};

static int wrong(struct rule_parser *p, const char *format, ...) PRINTF_LIKE(2, 3);
static int wrong(struct rule_parser *p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(p->why, CONF_EXPECTED_SIZE, format, ap);
	va_end(ap);
	return -EINVAL;
}

/* Mo or Mon, in any case. */
static bool take_day(const char **s, int *ret)
{
	static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	size_t len = strspn(*s, LETTERS);

	for (int i = 0; (len == 2 || len == 3) && i < (int)ARRAY_SIZE(days); i++) {
		if (strncasecmp(*s, days[i], len) != 0)
			continue;
		*s += len;
		*ret = i;
		return true;
	}
	return false;
}

/* 8:00, 08:00, 24:00: minutes of the day. */
static bool take_time(const char **s, int *ret)
{
	size_t digits = strspn(*s, "0123456789");
	const char *p = *s + digits;
	char hour[3], minute[3];
	uint32_t h, m;

	if (digits < 1 || digits > 2 || *p != ':' || strspn(p + 1, "0123456789") != 2)
		return false;
	if (str_print(hour, sizeof(hour), "%.*s", (int)digits, *s) < 0 ||
	    str_print(minute, sizeof(minute), "%.2s", p + 1) < 0)
		return false;
	if (parse_u32(hour, 0, 24, &h) < 0 || parse_u32(minute, 0, h == 24 ? 0 : 59, &m) < 0)
		return false;
	*s = p + 3;
	*ret = (int)(h * 60 + m);
	return true;
}

static bool take_dash(const char **s)
{
	const char *p = *s + strspn(*s, BLANKS);

	if (*p != '-')
		return false;
	*s = p + 1 + strspn(p + 1, BLANKS);
	return true;
}

static bool take_blanks(const char **s)
{
	size_t len = strspn(*s, BLANKS);

	*s += len;
	return len > 0;
}

/* Mo, Mo-Fr, Sa-Mo */
static bool take_days(const char **s, int *ret_first, uint8_t *ret_mask)
{
	const char *rest;
	int day, last;

	if (!take_day(s, &day))
		return false;
	*ret_first = last = day;
	rest = *s;
	if (take_dash(&rest) && take_day(&rest, &last))
		*s = rest;
	for (*ret_mask = (uint8_t)(1 << day); day != last; *ret_mask |= (uint8_t)(1 << day))
		day = (day + 1) % 7;
	return true;
}

/* "08:00-18:00", over midnight when it ends earlier; "22:00-Mo 06:00" after the day FIRST. */
static bool take_times(const char **s, int first, struct access_span *ret)
{
	int from, to, length, last;

	if (!take_time(s, &from) || from == ACCESS_DAY || !take_dash(s))
		return false;
	if (first >= 0 && take_day(s, &last)) {
		if (!take_blanks(s) || !take_time(s, &to))
			return false;
		length = ((last - first + 7) * ACCESS_DAY + to - from) % ACCESS_WEEK;
	} else {
		if (!take_time(s, &to))
			return false;
		length = to > from ? to - from : to - from + ACCESS_DAY;
		if (to == from)
			return false;
	}
	ret->from = (uint16_t)from;
	ret->length = (uint16_t)length;
	return length > 0;
}

static int add_hours(struct rule_parser *p, const char *item)
{
	struct access_rule *r = &p->access->rule;
	struct access_span span = {.days = 0x7f, .length = ACCESS_DAY};
	const char *s = item;
	bool days, timed = true;
	int first = -1;

	if (r->n_spans == ACCESS_SPANS_MAX)
		return wrong(p, "has more than %d hours=; write a second rule", ACCESS_SPANS_MAX);
	days = take_days(&s, &first, &span.days);
	if (days && !*s)
		timed = false;
	else if ((days && !take_blanks(&s)) ||
		 !take_times(&s, span.days & (span.days - 1) ? -1 : first, &span) || *s)
		return wrong(p, "has '%.24s' where it should have " HOURS, item);
	*(timed ? &p->times : &p->whole_days) = true;
	if (p->times && p->whole_days)
		return wrong(p, "has days with and without times in hours=; give each its own, "
				"00:00-24:00 for the whole day");
	r->spans[r->n_spans++] = span;
	return 0;
}

static bool item_valid(enum list list, const char *item)
{
	switch (list) {
	case LIST_SERVICES:
		return object_id_valid(item); /* what a file in /etc/pam.d may be called */
	case LIST_USERS:
		return name_valid(item);
	case LIST_GROUPS:
		return text_plain(item);
	case LIST_HOURS:
	case N_LISTS:
		break;
	}
	return false;
}

/* libpam makes the names of services small. */
static void lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

static int add_item(struct rule_parser *p, enum list list, const char *start, size_t len)
{
	AUTO_FREE char *item = str_format("%.*s", (int)len, start);

	if (!item)
		return -ENOMEM;
	if (!*item)
		return wrong(p, "has an empty item in %s=", list_names[list]);
	if (list == LIST_HOURS)
		return add_hours(p, item);
	if (list == LIST_SERVICES)
		lower(item);
	if (!item_valid(list, item))
		return wrong(p, "has '%.64s' in %s=, which can be none", item, list_names[list]);
	p->n_items[list]++;
	return buf_add(&p->items[list], item, strlen(item) + 1);
}

/* Where the next "WORD=" begins, after blanks; NULL: not here. */
static const char *next_key(const char *s)
{
	const char *word = s + strspn(s, BLANKS);
	size_t len = strspn(word, LETTERS "_");

	return word > s && len && word[len] == '=' ? word : NULL;
}

/* One item of a list: up to a comma, to what is next, or in quotation marks. Moves *S behind it. */
static int take_item(struct rule_parser *p, enum list list, const char **s)
{
	const char *start = *s + strspn(*s, BLANKS), *end = start;

	if (next_key(*s))
		return add_item(p, list, "", 0);
	if (*start == '"') {
		end = strchr(start + 1, '"');
		if (!end)
			return wrong(p, "lacks a quotation mark");
		*s = end + 1;
		return add_item(p, list, start + 1, (size_t)(end - start - 1));
	}
	while (*end && *end != ',' && !next_key(end))
		end++;
	*s = end;
	while (end > start && strchr(BLANKS, end[-1]))
		end--;
	return add_item(p, list, start, (size_t)(end - start));
}

static int take_list(struct rule_parser *p, enum list list, const char **s)
{
	int r;

	if (p->n_items[list] || (list == LIST_HOURS && p->access->rule.n_spans))
		return wrong(p, "has %s= twice", list_names[list]);
	for (;;) {
		r = take_item(p, list, s);
		if (r < 0)
			return r;
		if (!**s || next_key(*s))
			return 0;
		*s += strspn(*s, BLANKS);
		if (!**s)
			return 0;
		if (**s != ',')
			return wrong(p, "lacks a comma after a quotation mark");
		(*s)++;
	}
}

static int take_key(struct rule_parser *p, const char **s)
{
	const char *word = *s + strspn(*s, BLANKS);
	size_t len = strcspn(word, "=" BLANKS);

	for (int i = 0; i < N_LISTS; i++) {
		if (strlen(list_names[i]) != len || strncmp(list_names[i], word, len) != 0 ||
		    word[len] != '=')
			continue;
		*s = word + len + 1;
		return take_list(p, (enum list)i, s);
	}
	return wrong(p, "has '%.*s' where it should have services=, users=, groups= or hours=",
		     (int)(len < 24 ? len : 24), word);
}

static int take_verb(struct rule_parser *p, const char **s)
{
	size_t len = strcspn(*s, BLANKS);

	p->access->rule.allow = len == strlen("allow") && !strncmp(*s, "allow", len);
	if (!p->access->rule.allow && (len != strlen("deny") || strncmp(*s, "deny", len) != 0))
		return wrong(p, "begins neither with allow nor with deny");
	*s += len;
	return 0;
}

static int parse_rule(struct rule_parser *p, const char *value)
{
	int r = take_verb(p, &value);

	while (r == 0 && value[strspn(value, BLANKS)])
		r = take_key(p, &value);
	return r;
}

static struct strlist list_of(const struct rule_parser *p, enum list list)
{
	return (struct strlist){(const char *)p->items[list].data, (uint32_t)p->items[list].len,
				p->n_items[list]};
}

static void free_rule(struct conf_access *a)
{
	free((char *)(uintptr_t)a->rule.name);
	free((char *)(uintptr_t)a->rule.services.data);
	free((char *)(uintptr_t)a->users.data);
	free((char *)(uintptr_t)a->groups.data);
}

static int check_name(const struct conf *c, const char *name, char *why)
{
	struct rule_parser p = {.why = why};

	if (!object_id_valid(name))
		return wrong(&p,
			     "has a name that is not up to 64 letters, digits, '.', '_' and '-'");
	for (uint32_t i = 0; i < c->n_access; i++)
		if (!strcmp(c->access[i].rule.name, name))
			return wrong(&p, "is given twice, first in line %u",
				     c->access[i].rule.line);
	if (c->n_access == ACCESS_RULES_MAX)
		return wrong(&p, "is one too many: there can be %d rules", ACCESS_RULES_MAX);
	return 0;
}

int conf_access_add(struct conf *c, const char *name, const char *value, unsigned int line,
		    char ret_why[static CONF_EXPECTED_SIZE])
{
	struct conf_access a = {.rule.line = line}, *more;
	struct rule_parser p = {.access = &a, .why = ret_why};
	int r = check_name(c, name, ret_why);

	if (r < 0)
		return r;
	r = parse_rule(&p, value);
	a.rule.services = list_of(&p, LIST_SERVICES);
	a.users = list_of(&p, LIST_USERS);
	a.groups = list_of(&p, LIST_GROUPS);
	a.rule.name = r == 0 ? strdup(name) : NULL;
	more = a.rule.name ? reallocarray(c->access, c->n_access + 1, sizeof(a)) : NULL;
	if (!more) {
		free_rule(&a);
		return r < 0 ? r : -ENOMEM;
	}
	c->access = more;
	c->access[c->n_access++] = a;
	c->access_sum = XXH3_64bits_withSeed(name, strlen(name), c->access_sum + line);
	c->access_sum = XXH3_64bits_withSeed(value, strlen(value), c->access_sum);
	return 0;
}

const struct access_rule *conf_access_idle(const struct conf *c)
{
	const struct access_rule *last = c->n_access ? &c->access[c->n_access - 1].rule : NULL;

	return last && last->allow ? last : NULL;
}

bool conf_access_names(const struct conf *c, const char *group)
{
	for (uint32_t i = 0; i < c->n_access; i++)
		if (strlist_has(&c->access[i].groups, group))
			return true;
	return false;
}

bool conf_access_has_hours(const struct conf *c)
{
	for (uint32_t i = 0; i < c->n_access; i++)
		if (c->access[i].rule.n_spans)
			return true;
	return false;
}

void conf_access_done(struct conf *c)
{
	for (uint32_t i = 0; i < c->n_access; i++)
		free_rule(&c->access[i]);
	free(c->access);
}
