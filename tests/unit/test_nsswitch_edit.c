/* nsswitch.conf with muster put in and taken out: what glibc then goes by, and that nothing else changes. */
#include "unit.h"

#include <stdio.h>

#include "ctl/doctor/nsswitch.h"
#include "ctl/setup/nsswitch_edit.h"

#define DEBIAN "# comment\n\npasswd:         files systemd\ngroup:          files systemd\nhosts: files dns\n"
#define ADDED                                                                                                          \
	"# comment\n\npasswd:         files muster systemd\ngroup:          files [SUCCESS=merge] muster systemd\n"    \
	"hosts: files dns\n"

static void assert_added(const char *text, const char *expected)
{
	CLEANUP(buf_done) struct buf out = {0};
	CLEANUP(buf_done) struct buf again = {0};
	struct fault f;

	assert_int_equal(nsswitch_add(text, &out, &f), 0);
	assert_string_equal((const char *)out.data, expected);
	assert_int_equal(nsswitch_add(expected, &again, &f), 0);
	assert_string_equal((const char *)again.data, expected);
	assert_true(nsswitch_names_muster(expected));
}

static void assert_removed(const char *text, bool merge, const char *expected)
{
	CLEANUP(buf_done) struct buf out = {0};

	assert_int_equal(nsswitch_remove(text, merge, &out), 0);
	assert_string_equal((const char *)out.data, expected);
	assert_false(nsswitch_names_muster(expected));
}

static void test_add(void **state)
{
	(void)state;
	assert_added(DEBIAN, ADDED);
	/* no end of line; comments and blanks stay */
	assert_added("group:files # why\npasswd: files", "group:files [SUCCESS=merge] muster # why\npasswd: files muster");
	assert_added("passwd: compat sss\ngroup: compat\n", "passwd: compat muster sss\ngroup: compat [SUCCESS=merge] muster\n");
	/* none there: as glibc goes by */
	assert_added("", "passwd: files muster\ngroup: files [SUCCESS=merge] muster\n");
	assert_added("hosts: files", "hosts: files\npasswd: files muster\ngroup: files [SUCCESS=merge] muster\n");
	/* the last line of a database counts */
	assert_added("passwd: sss\npasswd: files\ngroup: files\n",
		     "passwd: sss\npasswd: files muster\ngroup: files [SUCCESS=merge] muster\n");
	/* it is there already: where it works it stays, where it does not it is moved */
	assert_added("passwd: files systemd muster\ngroup: files systemd muster\n",
		     "passwd: files systemd muster\ngroup: files [SUCCESS=merge] muster systemd\n");
	assert_added("passwd: muster [NOTFOUND=return] files\ngroup: files muster\n",
		     "passwd:  files muster\ngroup: files [SUCCESS=merge] muster\n");
	assert_added("passwd: files sss [NOTFOUND=return] muster\ngroup: files [success=merge] sss\n",
		     "passwd: files muster sss [NOTFOUND=return]\ngroup: files [success=merge] muster sss\n");
	assert_added("passwd: files\ngroup: files [SUCCESS=merge] sss [SUCCESS=merge] muster\n",
		     "passwd: files muster\ngroup: files [SUCCESS=merge] sss [SUCCESS=merge] muster\n");
	assert_added("passwd: files\ngroup: files\ninitgroups: files sss\n",
		     "passwd: files muster\ngroup: files [SUCCESS=merge] muster\ninitgroups: files muster sss\n");
}

static void assert_refused(const char *text, const char *why)
{
	CLEANUP(buf_done) struct buf out = {0};
	struct fault f;

	assert_int_equal(nsswitch_add(text, &out, &f), -EKEYREJECTED);
	assert_non_null(strstr(f.text, why));
	assert_true(f.hint[0]);
}

static void test_refuse(void **state)
{
	(void)state;
	assert_refused("passwd: sss\n", ":1: it does not name 'files'");
	assert_refused("\npasswd: files [NOTFOUND=return] sss\n", ":2: the actions of 'files'");
	assert_refused("passwd: files [SUCCESS=continue] sss\n", ":1: the actions of 'files'");
	assert_refused("passwd: files\ngroup: files [NOTFOUND=continue] sss\n", ":2: the actions of 'files'");
	assert_refused("passwd: files [what\n", ":1: it cannot be understood");
	assert_refused("passwd files\n", ":1: it cannot be understood");
}

static void test_remove(void **state)
{
	(void)state;
	assert_removed(ADDED, true, DEBIAN);
	assert_removed("group: files [SUCCESS=merge] muster", false, "group: files [SUCCESS=merge]");
	assert_removed("passwd: files muster [NOTFOUND=return] # muster\nmuster: x\n", true, "passwd: files # muster\nmuster: x\n");
	assert_removed("passwd: muster files\nshadow: files muster\n", true, "passwd:  files\nshadow: files\n");
	assert_removed("group: files [SUCCESS=merge] sss [success=merge] muster\n", true, "group: files [SUCCESS=merge] sss\n");
	assert_removed("passwd:muster\n", true, "passwd:\n");
	assert_removed("# passwd: files muster\n\n", true, "# passwd: files muster\n\n");
	assert_removed("passwd: files mustermann\n", true, "passwd: files mustermann\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
