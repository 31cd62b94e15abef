/* Queries over users: what they mean, and for every mistake a word and a place. */
#include "tests/unit/unit.h"

#include "ctl/query.h"

#define NOW INT64_C(1795305600) /* 2026-11-22T00:00:00Z */
#define DAY 86400

static struct user_row sample(void)
{
	static const struct strlist groups = STRLIST("admins\0developers\0", 2);

	return (struct user_row){
		.name = "dora",
		.displayname = "Dora Brandt",
		.home = "/home/dora",
		.shell = "/bin/bash",
		.sudo = "nopasswd",
		.uid = 5001,
		.gid = 5001,
		.groups = groups,
		.known = true,
		.id = "0123",
		.username = "dora.brandt",
		.email = "Dora@Example.com",
		.state = "ACTIVATED",
		.verdict = "locked",
		.scheduled_state = "SUSPENDED",
		.scheduled_at = NOW + 7 * DAY,
		.locked = true,
		.locked_at = NOW - DAY,
		.created_at = NOW - 100 * DAY,
		.password_expires_at = NOW + 10 * DAY,
		.ssh_keys = 2,
	};
}

static bool match(const char *text, const struct user_row *row)
{
	static struct query q;
	struct fault f = {0};

	if (query_parse(text, NOW, &q, &f) < 0)
		fail_msg("%s: %s", text, f.text);
	return query_match(&q, row);
}

static void test_conditions(void **state)
{
	static const struct {
		const char *text;
		bool answer;
	} cases[] = {
		{"name = dora", true},
		{"name=dora", true},
		{"name = Dora", false},
		{"name != dora", false},
		{"name ~ OR", true},
		{"name ~ ''", true},
		{"displayname = 'Dora Brandt'", true},
		{"displayname = \"Dora Brandt\"", true},
		{"displayname = \"\"", false},
		{"email ~ @example.com", true},
		{"state = activated", true},
		{"state = SUSPENDED", false},
		{"state != NONE", true},
		{"verdict = locked", true},
		{"verdict = ok", false},
		{"uid = 5001", true},
		{"uid < 5001", false},
		{"uid <= 5001", true},
		{"uid > 5000", true},
		{"uid >= 5002", false},
		{"uid != 5001", false},
		{"ssh_keys > 0", true},
		{"locked", true},
		{"not locked", false},
		{"locked = yes", true},
		{"locked != true", false},
		{"mfa", false},
		{"mfa = No", true},
		{"mfa = false", true},
		{"sudo", true},
		{"sudo = yes", false},
		{"sudo = nopasswd", true},
		{"sudo != no", true},
		{"groups", true},
		{"not groups", false},
		{"groups = admins", true},
		{"groups = dev", false},
		{"groups != dev", true},
		{"groups ~ DEV", true},
		{"groups ~ ops", false},
		{"groups = ''", false},
		{"groups != ''", true},
		{"scheduled_state = suspended and scheduled_at < +8d", true},
	};
	struct user_row row = sample();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (match(cases[i].text, &row) != cases[i].answer)
			fail_msg("%s: not %d", cases[i].text, cases[i].answer);
}

static void test_dates(void **state)
{
	static const struct {
		const char *text;
		bool answer;
	} cases[] = {
		{"password_expires_at < +30d", true},
		{"password_expires_at < +10d", false},
		{"password_expires_at <= +10d", true},
		{"password_expires_at > now", true},
		{"password_expires_at >= 2026-12-02", true},
		{"password_expires_at >= '2026-12-02T00:00:01Z'", false},
		{"password_expires_at = never", false},
		{"password_expires_at != never", true},
		{"password_expires_at", true},
		{"created_at > -7d", false},
		{"created_at < -99d", true},
		/* not set: neither before nor after */
		{"password_changed_at < now", false},
		{"password_changed_at > 1970-01-01", false},
		{"password_changed_at <= now or password_changed_at >= now", false},
		{"password_changed_at = Never", true},
		{"not password_changed_at", true},
	};
	struct user_row row = sample();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (match(cases[i].text, &row) != cases[i].answer)
			fail_msg("%s: not %d", cases[i].text, cases[i].answer);
}

static void test_words_between(void **state)
{
	struct user_row row = sample();

	(void)state;
	/* "and" before "or", "not" before both */
	assert_true(match("locked or mfa and mfa", &row));
	assert_false(match("(locked or mfa) and mfa", &row));
	assert_true(match("not mfa and locked", &row));
	assert_false(match("not (mfa or locked)", &row));
	assert_true(match("NOT mfa AND (locked OR mfa)", &row));
	assert_true(match("not not locked", &row));
	assert_true(match("mfa or mfa or locked", &row));
	/* where a value must be, a word is a value */
	assert_false(match("name = not and locked", &row));
	assert_false(match("name = 'or'", &row));
	/* blanks or none */
	assert_true(match("\t(uid>5000)and(uid<5002)\n", &row));
}

/* Who is in one published file and not yet in the other matches nothing that depends on it. */
static void test_unknown(void **state)
{
	struct user_row row = {.name = "new", .displayname = "", .sudo = "no"};

	(void)state;
	assert_true(match("name = new and not groups", &row));
	assert_false(match("mfa", &row));
	assert_false(match("not mfa", &row));
	assert_false(match("name = new or state = SUSPENDED", &row));
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "character 1: the name of a field"},
		{"   ", "character 4: the name of a field"},
		{"stat = SUSPENDED", "character 1: 'stat': no such field"},
		{"name", "character 1: 'name': needs an operator"},
		{"state and mfa", "character 1: 'state': needs an operator"},
		{"name =", "character 7: a value"},
		{"name = =", "character 8: '=': a value"},
		{"name == x", "character 7: '=': a value"},
		{"name = (x)", "character 8: '(': a value"},
		{"= x", "character 1: '=': the name of a field"},
		{"'name' = x", "character 2: 'name': the name of a field"},
		{"name < x", "character 6: '<': text is compared with"},
		{"groups > x", "character 8: '>': text is compared with"},
		{"mfa ~ yes", "character 5: '~': this field is compared with"},
		{"mfa = maybe", "character 7: 'maybe': not yes or no"},
		{"state = GONE", "character 9: 'GONE': not STAGED, ACTIVATED or SUSPENDED"},
		{"verdict = fine", "character 11: 'fine': not ok, nor a reason"},
		{"sudo = maybe", "character 8: 'maybe': not no, yes or nopasswd"},
		{"uid = -1", "character 7: '-1': not a number"},
		{"uid = 4294967296", "character 7: '4294967296': not a number"},
		{"uid ~ 5", "character 5: '~': numbers are compared with"},
		{"created_at < tomorrow", "character 14: 'tomorrow': not a time"},
		{"created_at < 2026-02-30", "character 14: '2026-02-30': not a time"},
		{"created_at < +1w", "character 14: '+1w': not a time"},
		{"created_at = 2026-11-22", "character 12: '=': dates are compared with <"},
		{"created_at < never", "character 12: '<': never is compared with"},
		{"mfa locked", "character 5: 'locked': 'and' or 'or'"},
		{"mfa and", "character 8: the name of a field"},
		{"mfa or )", "character 8: ')': the name of a field"},
		{"(mfa", "character 5: 'and', 'or' or ')'"},
		{"mfa)", "character 4: ')': 'and' or 'or'"},
		{"not", "character 4: the name of a field"},
		{"name = 'dora", "character 8: ''': this quote is not closed"},
		{"mfa & locked", "character 5: '&': not understood"},
		{"name ! dora", "character 6: '!': not understood"},
		{"displayname = 'J\xc3\xb6rg' mfa", "character 22: 'mfa': 'and' or 'or'"},
		{"mfa \x01", "character 5: '\\x01': not understood"},
	};
	static struct query q;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fault f = {0};

		assert_int_equal(query_parse(cases[i].text, NOW, &q, &f), -EINVAL);
		if (!strstr(f.text, cases[i].says))
			fail_msg("\"%s\": %s", cases[i].text, f.text);
	}
}

/* COUNT times PART, then END. */
static char *repeated(const char *part, unsigned count, const char *end)
{
	char *text = calloc(1, strlen(part) * count + strlen(end) + 1);

	assert_non_null(text);
	for (unsigned i = 0; i < count; i++)
		memcpy(text + i * strlen(part), part, strlen(part));
	memcpy(text + count * strlen(part), end, strlen(end));
	return text;
}

static void test_limits(void **state)
{
	static const struct {
		const char *part;
		unsigned count;
		const char *end, *says; /* NULL: it is a query */
	} cases[] = {
		{"not ", QUERY_DEPTH_MAX - 1, "locked", NULL},
		{"not ", QUERY_DEPTH_MAX, "locked", "nested too deep"},
		{"(", 4000, "", "nested too deep"},
		{"mfa or ", QUERY_NODES_MAX / 2 - 1, "locked", NULL},
		{"mfa or ", QUERY_NODES_MAX / 2, "locked", "too many conditions"},
		{" ", QUERY_LENGTH_MAX - 6, "locked", NULL},
		{" ", QUERY_LENGTH_MAX - 5, "locked", "longer than"},
	};
	struct user_row row = sample();
	static struct query q;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = repeated(cases[i].part, cases[i].count, cases[i].end);
		struct fault f = {0};
		int r = query_parse(text, NOW, &q, &f);

		free(text);
		assert_int_equal(r, cases[i].says ? -EINVAL : 0);
		if (cases[i].says)
			assert_non_null(strstr(f.text, cases[i].says));
		else
			(void)!query_match(&q, &row);
	}
}

static void test_for_root(void **state)
{
	static struct query q;
	struct fault f = {0};

	(void)state;
	assert_int_equal(query_parse("name = x or uid > 5 and not groups and sudo", NOW, &q, &f),
			 0);
	assert_null(q.for_root);
	assert_int_equal(query_parse("name = x or email = y or mfa", NOW, &q, &f), 0);
	assert_string_equal(q.for_root->name, "email");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions),    cmocka_unit_test(test_dates),
		cmocka_unit_test(test_words_between), cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_mistakes),      cmocka_unit_test(test_limits),
		cmocka_unit_test(test_for_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
