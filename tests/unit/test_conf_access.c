/* Section [access] of muster.conf: every rule as it reads, every mistake with its line. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <sys/mman.h>

#include "agentd/conf.h"

static char error[CONF_ERROR_SIZE];

static int load(const char *rules, struct conf *c)
{
	AUTO_CLOSE int fd = memfd_create("test", MFD_CLOEXEC);

	*c = (struct conf){0};
	assert_true(dprintf(fd, "[access]\n%s\n", rules) > 0);
	return conf_load_fd(fd, "x.conf", c, error);
}

static void expect_error(const char *rules, const char *expected)
{
	struct conf c;
	int r = load(rules, &c);

	conf_done(&c);
	if (r != -EINVAL || strncmp(error, expected, strlen(expected)) != 0)
		fail_msg("%s: %d '%s', not '%s'", rules, r, error, expected);
}

/* "8 words: 08:00+600 on 0x1f": of the only rule but the last one. */
static void expect_hours(const char *hours, const char *expected)
{
	AUTO_FREE char *text = str_format("a = allow hours=%s\nz = deny", hours);
	char got[128] = "";
	struct conf c;

	if (load(text, &c) < 0)
		fail_msg("%s: %s", hours, error);
	for (uint32_t i = 0; i < c.access[0].rule.n_spans; i++) {
		const struct access_span *s = &c.access[0].rule.spans[i];
		size_t len = strlen(got);

		assert_true(access_span_valid(s));
		snprintf(got + len, sizeof(got) - len, "%s%02x %02d:%02d+%d", len ? ", " : "",
			 s->days, s->from / 60, s->from % 60, s->length);
	}
	assert_true(conf_access_has_hours(&c));
	conf_done(&c);
	if (strcmp(got, expected) != 0)
		fail_msg("%s: %s, not %s", hours, got, expected);
}

static void test_rules(void **state)
{
	const struct conf_access *a;
	struct conf c;

	(void)state;
	assert_int_equal(load("office = allow services=SSHd, login groups=Ops on call,\"Sales, "
			      "EMEA\" hours=Mo-Fr 08:00-18:00\n"
			      "\n  emil.1=deny\tusers=emil,fred   services=sudo ; why\n"
			      "groups = deny groups=x=y,\"dept=1 hours=2\",Größe\n"
			      "others = deny",
			      &c),
			 0);
	assert_int_equal(c.n_access, 4);
	a = c.access;
	assert_true(a[0].rule.allow);
	assert_string_equal(a[0].rule.name, "office");
	assert_int_equal(a[0].rule.line, 2);
	assert_int_equal(a[0].rule.services.count, 2);
	assert_true(strlist_has(&a[0].rule.services, "sshd") &&
		    strlist_has(&a[0].rule.services, "login"));
	assert_int_equal(a[0].groups.count, 2);
	assert_true(strlist_has(&a[0].groups, "Ops on call") &&
		    strlist_has(&a[0].groups, "Sales, EMEA"));
	assert_int_equal(a[0].users.count, 0);
	assert_int_equal(a[0].rule.n_spans, 1);
	assert_false(a[1].rule.allow);
	assert_string_equal(a[1].rule.name, "emil.1");
	assert_int_equal(a[1].rule.line, 4);
	assert_true(strlist_has(&a[1].users, "emil") && strlist_has(&a[1].users, "fred"));
	assert_true(strlist_has(&a[1].rule.services, "sudo"));
	assert_int_equal(a[2].groups.count, 3);
	assert_true(strlist_has(&a[2].groups, "x=y") &&
		    strlist_has(&a[2].groups, "dept=1 hours=2"));
	assert_true(conf_access_names(&c, "Größe"));
	assert_false(conf_access_names(&c, "ops on call"));
	assert_int_equal(a[3].rule.services.count + a[3].groups.count + a[3].users.count +
				 a[3].rule.n_spans,
			 0);
	conf_done(&c);
	assert_int_equal(load("", &c), 0);
	assert_int_equal(c.n_access, 0);
	assert_false(conf_access_has_hours(&c));
	conf_done(&c);
}

static void test_hours(void **state)
{
	(void)state;
	expect_hours("Mo-Fr 08:00-18:00", "1f 08:00+600");
	expect_hours("mon - FRI  8:00 - 18:00", "1f 08:00+600");
	expect_hours("08:00-18:00", "7f 08:00+600");
	expect_hours("22:00-06:00", "7f 22:00+480");
	expect_hours("Su-Tu 00:00-24:00", "43 00:00+1440");
	expect_hours("Sa", "20 00:00+1440");
	expect_hours("Sa-Su", "60 00:00+1440");
	expect_hours("Sa,Su", "20 00:00+1440, 40 00:00+1440");
	expect_hours("Fr 22:00-Mo 06:00", "10 22:00+3360");
	expect_hours("Mo 08:00-Mo 07:59", "01 08:00+10079");
	expect_hours("Mo 08:00-Mo 18:00", "01 08:00+600");
	expect_hours("We 00:00-Th 24:00", "04 00:00+2880");
	expect_hours("Mo-Th 08:00-18:00, Fr 08:00-14:00", "0f 08:00+600, 10 08:00+360");
}

static void test_mistakes(void **state)
{
	(void)state;
	expect_error("a = permit", "x.conf:2: [access] a begins neither with allow nor with deny");
	expect_error("\n\na = Deny", "x.conf:4: [access] a begins neither");
	expect_error("a =", "x.conf:2: [access] a begins neither");
	expect_error("a = denyusers=x", "x.conf:2: [access] a begins neither");
	expect_error("a = deny user=x",
		     "x.conf:2: [access] a has 'user' where it should have services=, users=");
	expect_error("a = deny users=x Groups=y", "x.conf:2: [access] a has 'Groups' where");
	expect_error("a = deny emil", "x.conf:2: [access] a has 'emil' where");
	expect_error("a = deny users = x", "x.conf:2: [access] a has 'users' where");
	expect_error("a = deny users=", "x.conf:2: [access] a has an empty item in users=");
	expect_error("a = deny users=x,,y", "x.conf:2: [access] a has an empty item in users=");
	expect_error("a = deny users=x, groups=y",
		     "x.conf:2: [access] a has an empty item in users=");
	expect_error("a = deny users=x users=y", "x.conf:2: [access] a has users= twice");
	expect_error("a = deny hours=Mo hours=Tu", "x.conf:2: [access] a has hours= twice");
	expect_error("a = deny users=x y",
		     "x.conf:2: [access] a has 'x y' in users=, which can be none");
	expect_error("a = deny users=../x", "x.conf:2: [access] a has '../x' in users=");
	expect_error("a = deny services=sshd login",
		     "x.conf:2: [access] a has 'sshd login' in services=");
	expect_error("a = deny services=*", "x.conf:2: [access] a has '*' in services=");
	expect_error("a = deny groups=\x1b[2J", "x.conf:2: [access] a has '\\x1b[2J' in groups=");
	expect_error("a = deny groups=\"Ops", "x.conf:2: [access] a lacks a quotation mark");
	expect_error("a = deny groups=\"Ops\"Sales",
		     "x.conf:2: [access] a lacks a comma after a quotation mark");
	expect_error("a b = deny", "x.conf:2: [access] a b has a name that is not");
	expect_error("a = deny\nb = deny users=x\na = deny",
		     "x.conf:4: [access] a is given twice, first in line 2");
	expect_error("a = deny\nb = allow users=x",
		     "x.conf:3: [access] b allows what is allowed without it");
}

static void test_mistakes_in_hours(void **state)
{
	static const char *const bad[] = {
		"Xy",
		"Monday",
		"08:00",
		"08:00-",
		"08:00-08:00",
		"24:00-06:00",
		"25:00-26:00",
		"08:60-09:00",
		"24:01-1:00",
		"8-18",
		"Mo 08:00-Mo 08:00",
		"Mo-Fr 22:00-Sa 06:00",
		"Mo-",
		"Mo-Fr08:00-18:00",
		"08:00-18:00 Mo",
		"Mo 8:00-18:00 x",
		"Mo,08:00",
		"-",
		"008:00-18:00",
		"08:000-18:00",
		"08:00-Mo 18:00",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		AUTO_FREE char *text = str_format("a = deny hours=%s", bad[i]);

		expect_error(text, "x.conf:2: [access] a has '");
		assert_non_null(
			strstr(error, "where it should have hours such as Mo-Fr 08:00-18:00"));
	}
	expect_error("a = deny hours=Mo,We,Fr 08:00-18:00",
		     "x.conf:2: [access] a has days with and without times in hours=");
	expect_error("a = deny hours=Mo,Tu,We,Th,Fr,Sa,Su,Mo,Tu",
		     "x.conf:2: [access] a has more than 8 hours=");
}

static void test_too_many(void **state)
{
	CLEANUP(buf_done) struct buf text = {0};

	(void)state;
	for (int i = 0; i <= ACCESS_RULES_MAX; i++) {
		AUTO_FREE char *line = str_format("r%d = deny users=x\n", i);

		assert_int_equal(buf_add(&text, line, strlen(line)), 0);
	}
	assert_int_equal(buf_add(&text, "", 1), 0);
	expect_error((const char *)text.data,
		     "x.conf:66: [access] r64 is one too many: there can be 64 rules");
}

/* What is reloaded: another rule, and another line of it. */
static void test_sum(void **state)
{
	static const char *const texts[] = {"a = deny", "\na = deny", "b = deny",
					    "a = deny services=sshd", "a = deny\nb = deny"};
	uint64_t sums[ARRAY_SIZE(texts)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct conf c;

		assert_int_equal(load(texts[i], &c), 0);
		sums[i] = c.access_sum;
		for (size_t j = 0; j < i; j++)
			assert_true(sums[i] != sums[j]);
		conf_done(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),    cmocka_unit_test(test_hours),
		cmocka_unit_test(test_mistakes), cmocka_unit_test(test_mistakes_in_hours),
		cmocka_unit_test(test_too_many), cmocka_unit_test(test_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
