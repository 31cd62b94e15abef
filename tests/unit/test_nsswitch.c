/* Lines of nsswitch.conf as glibc takes them, and such as nobody should write. */
#include "unit.h"

#include <stdio.h>

#include "ctl/doctor/nsswitch.h"

static int parse(const char *text, struct nsswitch *n)
{
	*n = (struct nsswitch){0};
	return nsswitch_parse(text, "passwd", n);
}

static void test_services(void **state)
{
	struct nsswitch n;

	(void)state;
	assert_int_equal(
		parse("# passwd: no\n\npasswd:\t files  systemd muster # and no more\ngroup: files\n", &n),
		0);
	assert_int_equal(n.line, 3);
	assert_int_equal(n.count, 3);
	assert_int_equal(nsswitch_find(&n, "files"), 0);
	assert_int_equal(nsswitch_find(&n, "muster"), 2);
	assert_int_equal(nsswitch_find(&n, "more"), -1);
	assert_int_equal(parse("  passwd:files", &n), 0); /* no end of line, no blank */
	assert_int_equal(n.count, 1);
	assert_int_equal(parse("passwd:", &n), 0);
	assert_int_equal(n.count, 0);
	assert_int_equal(parse("passwd: files\npasswd: muster\n", &n), 0); /* the last one counts */
	assert_true(n.line == 2 && n.count == 1 && nsswitch_find(&n, "muster") == 0);
	assert_int_equal(parse("passwd_compat: nis\npasswd2: x\n", &n), -ENOENT);
	assert_int_equal(parse("", &n), -ENOENT);
	assert_int_equal(parse("passwd", &n), -ENOENT);
}

static void test_actions(void **state)
{
	struct nsswitch n;

	(void)state;
	assert_int_equal(
		parse("passwd: files [NOTFOUND=return success=Merge] sss [!UNAVAIL=return] muster\n", &n), 0);
	assert_int_equal(n.count, 3);
	assert_int_equal(n.services[0].on[NSSWITCH_NOTFOUND], NSSWITCH_RETURN);
	assert_int_equal(n.services[0].on[NSSWITCH_SUCCESS], NSSWITCH_MERGE);
	assert_int_equal(n.services[0].on[NSSWITCH_UNAVAIL], NSSWITCH_CONTINUE);
	assert_int_equal(n.services[1].on[NSSWITCH_NOTFOUND], NSSWITCH_RETURN);
	assert_int_equal(n.services[1].on[NSSWITCH_TRYAGAIN], NSSWITCH_RETURN);
	assert_int_equal(n.services[1].on[NSSWITCH_UNAVAIL], NSSWITCH_CONTINUE);
	assert_int_equal(n.services[2].on[NSSWITCH_SUCCESS], NSSWITCH_RETURN);
	assert_int_equal(n.services[2].on[NSSWITCH_NOTFOUND], NSSWITCH_CONTINUE);
	assert_int_equal(parse("passwd: files[NOTFOUND=return]muster\n", &n), 0); /* without blanks */
	assert_true(n.count == 2 && n.services[0].on[NSSWITCH_NOTFOUND] == NSSWITCH_RETURN);
}

static void test_nonsense(void **state)
{
	static const char *const bad[] = {
		"passwd: [NOTFOUND=return] files\n",
		"passwd: files [NOTFOUND=return\nmuster]\n",
		"passwd: files [NOTFOUND]\n",
		"passwd: files [NOTFOUND=]\n",
		"passwd: files [=return]\n",
		"passwd: files [!=return]\n",
		"passwd: files [MAYBE=return]\n",
		"passwd: files [NOTFOUND=returned]\n",
		"passwd: files [",
		"passwd: files [ #]\n",
		"passwd: a-name-that-is-longer-than-any-service-has-ever-been\n",
	};
	struct nsswitch n;
	char many[256] = "passwd:";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (parse(bad[i], &n) != -EINVAL || n.line != 1)
			fail_msg("'%s' is taken", bad[i]);
	for (int i = 0; i < NSSWITCH_SERVICES_MAX; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), " s%d", i);
	assert_int_equal(parse(many, &n), 0);
	assert_int_equal(n.count, NSSWITCH_SERVICES_MAX);
	snprintf(many + strlen(many), sizeof(many) - strlen(many), " [NOTFOUND=return] more");
	assert_int_equal(parse(many, &n), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
