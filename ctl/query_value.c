#include "ctl/query_value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/reason.h"
#include "ctl/text.h"

#define WHY_SIZE 160

static int say(char why[static WHY_SIZE], int r, const char *text)
{
	snprintf(why, WHY_SIZE, "%s", text);
	return r;
}

static bool is_order(enum query_compare c)
{
	return c >= COMPARE_LESS && c <= COMPARE_AT_LEAST;
}

/* Which comparisons a field of KIND knows; dates with a time, "never" apart. NULL: this one. */
static const char *wrong_compare(enum user_field_kind kind, enum query_compare c, bool never)
{
	switch (kind) {
	case USER_TEXT:
	case USER_LIST:
		return is_order(c) ? "text is compared with =, != or ~" : NULL;
	case USER_STATE:
	case USER_REASON:
	case USER_SUDO:
	case USER_BOOL:
		return is_order(c) || c == COMPARE_HAS ? "this field is compared with = or !="
						       : NULL;
	case USER_NUMBER:
		return c == COMPARE_HAS ? "numbers are compared with =, !=, <, <=, > or >=" : NULL;
	case USER_DATE:
		if (never)
			return is_order(c) || c == COMPARE_HAS ? "never is compared with = or !="
							       : NULL;
		return is_order(c) ? NULL
				   : "dates are compared with <, <=, > or >=; only never with =";
	}
	return "no such kind of field";
}

static int parse_state(struct query_value *v)
{
	for (enum user_state s = USER_STATE_NONE; s <= USER_SUSPENDED; s++) {
		if (strcasecmp(user_state_name(s), v->text) == 0) {
			v->text = user_state_name(s);
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_bool(struct query_value *v)
{
	bool yes = strcasecmp(v->text, "yes") == 0 || strcasecmp(v->text, "true") == 0;

	v->number = yes;
	return yes || strcasecmp(v->text, "no") == 0 || strcasecmp(v->text, "false") == 0 ? 0
											  : -EINVAL;
}

static int parse_number(struct query_value *v)
{
	uint32_t n;
	int r = parse_u32(v->text, 0, UINT32_MAX, &n);

	v->number = r == 0 ? n : 0;
	return r;
}

static int parse_date(struct query_value *v, int64_t now)
{
	int64_t ms;

	if (v->text[0] != '-')
		return when_parse(v->text, now, &v->number);
	if (parse_duration_ms(v->text + 1, &ms) < 0)
		return -EINVAL;
	v->number = now - ms / 1000;
	return 0;
}

int query_value_parse(enum user_field_kind kind, enum query_compare compare, int64_t now,
		      struct query_value *v, char why[static WHY_SIZE])
{
	bool never = kind == USER_DATE && strcasecmp(v->text, "never") == 0;
	const char *wrong = wrong_compare(kind, compare, never);
	enum reason reason;

	if (wrong)
		return say(why, -EOPNOTSUPP, wrong);
	switch (kind) {
	case USER_TEXT:
	case USER_LIST:
		return 0;
	case USER_STATE:
		return parse_state(v) == 0
			       ? 0
			       : say(why, -EINVAL, "not STAGED, ACTIVATED or SUSPENDED");
	case USER_REASON:
		return reason_parse(v->text, &reason) == 0
			       ? 0
			       : say(why, -EINVAL,
				     "not ok, nor a reason such as suspended or locked");
	case USER_SUDO:
		return strcmp(v->text, "no") == 0 || strcmp(v->text, "yes") == 0 ||
				       strcmp(v->text, "nopasswd") == 0
			       ? 0
			       : say(why, -EINVAL, "not no, yes or nopasswd");
	case USER_BOOL:
		return parse_bool(v) == 0 ? 0 : say(why, -EINVAL, "not yes or no");
	case USER_NUMBER:
		return parse_number(v) == 0 ? 0 : say(why, -EINVAL, "not a number");
	case USER_DATE:
		return never || parse_date(v, now) == 0
			       ? 0
			       : say(why, -EINVAL,
				     "not a time such as 2026-11-30, now, +30d or -1h, nor never");
	}
	return say(why, -EINVAL, "no such kind of field");
}

bool query_value_no(enum user_field_kind kind, struct query_value *ret)
{
	*ret = (struct query_value){.text = kind == USER_SUDO ? "no" : ""};
	return kind == USER_SUDO || kind == USER_BOOL || kind == USER_DATE || kind == USER_LIST;
}

static bool text_match(enum query_compare c, const char *have, const char *want)
{
	if (c == COMPARE_HAS)
		return strcasestr(have, want) != NULL;
	return (strcmp(have, want) == 0) == (c == COMPARE_EQUAL);
}

static bool list_match(enum query_compare c, const struct strlist *have, const char *want)
{
	bool found = !*want ? have->count == 0 : strlist_has(have, want);

	if (c != COMPARE_HAS)
		return found == (c == COMPARE_EQUAL);
	for (const char *s = NULL; (s = strlist_next(have, s));)
		if (strcasestr(s, want))
			return true;
	return false;
}

static bool number_match(enum query_compare c, int64_t have, int64_t want)
{
	switch (c) {
	case COMPARE_EQUAL:
		return have == want;
	case COMPARE_DIFFERENT:
		return have != want;
	case COMPARE_LESS:
		return have < want;
	case COMPARE_AT_MOST:
		return have <= want;
	case COMPARE_GREATER:
		return have > want;
	case COMPARE_AT_LEAST:
		return have >= want;
	case COMPARE_NONE:
	case COMPARE_HAS:
		break;
	}
	return false;
}

/* A date that is not set is neither before nor after any other. */
static bool date_match(enum query_compare c, int64_t have, int64_t want)
{
	return (have != 0 || !is_order(c)) && number_match(c, have, want);
}

bool query_value_match(const struct query_node *n, const struct user_row *row)
{
	const void *have = user_field_at(n->field, row);

	switch (n->field->kind) {
	case USER_TEXT:
	case USER_STATE:
	case USER_REASON:
	case USER_SUDO:
		return text_match(n->compare, *(const char *const *)have, n->value.text);
	case USER_LIST:
		return list_match(n->compare, have, n->value.text);
	case USER_BOOL:
		return number_match(n->compare, *(const bool *)have, n->value.number);
	case USER_NUMBER:
		return number_match(n->compare, *(const uint32_t *)have, n->value.number);
	case USER_DATE:
		return date_match(n->compare, *(const int64_t *)have, n->value.number);
	}
	return false;
}

void query_hint_fields(struct fault *f)
{
	char names[512] = "";
	size_t used = 0;

	for (size_t i = 0; i < USER_FIELDS && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, " %s",
					 user_fields[i].name);
	fault_hint(f, "the fields are%s", names);
}
