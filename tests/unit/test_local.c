/* Facts of this host, read from files: names, ids, ranges, shells, and files that are no good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentd/local.h"
#include "common/str.h"

static char dir[] = "/tmp/muster-local-XXXXXX";
static const char *const names[] = {"passwd", "group", "subuid", "subgid", "login.defs", "shells", "shadow"};

static void put(const char *name, const char *text)
{
	char path[80];
	FILE *f;

	assert_int_equal(str_print(path, sizeof(path), "%s/%s", dir, name), 0);
	if (!text) {
		unlink(path);
		return;
	}
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static struct local *load(void)
{
	char error[LOCAL_ERROR_SIZE];
	struct local *l = NULL;

	assert_int_equal(local_load(dir, &l, error), 0);
	assert_string_equal(error, "");
	return l;
}

static int set_up(void **state)
{
	(void)state;
	put("passwd", "+alice:x:1003:1003::/home/alice:/bin/bash\n"
		      "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1007:,,,:/home/alice:/bin/bash\n"
		      "+carol\n+dave:x:1004:1004::/home/dave:/bin/bash\n+@staff::::::\nbroken\nmuster:x:998:997::/:/usr/sbin/nologin");
	put("group", "root:x:0:\nsudo:x:27:alice\nAlice:x:1000:\nodd:x:12x:\n:x:4242:\n");
	for (size_t i = 2; i < ARRAY_SIZE(names); i++)
		put(names[i], NULL);
	return 0;
}

static void test_names(void **state)
{
	CLEANUP(local_freep) struct local *l = load();
	static const char *const taken[] = {"root", "ROOT", "alice", "aLice", "sudo", "carol", "broken", "odd", "muster"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		assert_true(local_name_taken(l, taken[i]));
	assert_false(local_name_taken(l, "dora"));
	assert_false(local_name_taken(l, "x"));
	assert_false(local_name_taken(l, ""));
}

static void test_ids(void **state)
{
	CLEANUP(local_freep) struct local *l = load();
	uint32_t uid = 1, gid = 1;

	(void)state;
	assert_true(local_uid_taken(l, 0));
	assert_true(local_uid_taken(l, 998));
	assert_false(local_uid_taken(l, 1007));
	assert_true(local_gid_taken(l, 27));
	assert_true(local_gid_taken(l, 1007)); /* alice's, though no group has it */
	assert_false(local_gid_taken(l, 12));
	assert_int_equal(local_user(l, "muster", &uid, &gid), 0);
	assert_int_equal(uid, 998);
	assert_int_equal(gid, 997);
	assert_int_equal(local_user(l, "Muster", &uid, &gid), -ESRCH);
	assert_int_equal(local_user(l, "carol", &uid, &gid), -ESRCH);
	/* a line of NIS is no local user, whatever it says, and hides none */
	assert_int_equal(local_user(l, "dave", &uid, &gid), -ESRCH);
	assert_true(local_name_taken(l, "dave"));
	assert_true(local_uid_taken(l, 1004));
	assert_int_equal(local_user(l, "alice", &uid, &gid), 0);
	assert_int_equal(uid, 1000);
}

static void test_ranges(void **state)
{
	struct local *l = load();

	(void)state;
	assert_false(local_id_subordinate(l, 99999)); /* shadow's default range */
	assert_true(local_id_subordinate(l, 100000));
	assert_true(local_id_subordinate(l, 600100000));
	assert_false(local_id_subordinate(l, 600100001));
	local_free(l);

	put("login.defs", "# SUB_UID_MIN 5\nSUB_UID_MIN\t\t70000 # why\nSUB_UID_MAX 70009\nSUB_GID_MIN 80000\n"
			  "SUB_GID_MAX 80000\nSUB_GID_COUNT 65536\n");
	put("subuid", "alice:5000:10\nbob:6000:0\nbad\ntop:4294967290:100\n");
	put("subgid", "1000:7000:1");
	l = load();
	assert_false(local_id_subordinate(l, 100000));
	assert_true(local_id_subordinate(l, 70000));
	assert_true(local_id_subordinate(l, 70009));
	assert_false(local_id_subordinate(l, 70010));
	assert_true(local_id_subordinate(l, 80000));
	assert_false(local_id_subordinate(l, 4999));
	assert_true(local_id_subordinate(l, 5000));
	assert_true(local_id_subordinate(l, 5009));
	assert_false(local_id_subordinate(l, 5010));
	assert_false(local_id_subordinate(l, 6000));
	assert_true(local_id_subordinate(l, 7000));
	assert_true(local_id_subordinate(l, 4294967294u));
	local_free(l);
}

/* Whom the directory may take over, and whom it has: the list as it is written, and as somebody has spoilt it. */
static void test_adopted(void **state)
{
	static const char *const bad[] = {"system", "nologin", "twin", "zwilling", "low", "root", "sudo"};
	struct local *l;
	char path[80];

	(void)state;
	assert_int_equal(str_print(path, sizeof(path), "%s/muster", dir), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	put("login.defs", "UID_MIN\t2000\n");
	put("passwd", "root:x:0:0::/root:/bin/bash\nbob:x:2001:100::/home/bob:/bin/bash\nsystem:x:500:1::/:/bin/bash\n"
		      "nologin:x:2002:1::/:/usr/sbin/nologin\ntwin:x:2003:1::/:/bin/bash\nzwilling:x:2003:1::/:/bin/bash\n"
		      "low:x:1999:1::/:/bin/bash\nsudo:x:2005:1::/:/bin/bash\ndora:x:2006:1::/:/bin/bash\n");
	put("muster/adopted", "# comment:5:locked\nbob\nbob:2001:locked\n\ndora:2006:kept\nno:uid:locked\n:7:locked\n../x:8:kept\n"
			      "erik:2007");
	l = load();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(local_adopt_fault(l, bad[i]));
	assert_null(local_adopt_fault(l, "bob"));
	assert_null(local_adopt_fault(l, "erik"));
	assert_true(local_is_adopted(l, "bob"));
	assert_true(local_is_adopted(l, "dora"));
	assert_false(local_is_adopted(l, "erik")); /* no local user */
	assert_false(local_is_adopted(l, "Bob"));
	assert_false(local_is_adopted(l, "twin"));
	assert_string_equal(local_adopted(l, 0)->name, "bob");
	assert_true(local_adopted(l, 0)->locked);
	assert_false(local_adopted(l, 1)->locked);
	assert_string_equal(local_adopted(l, 2)->name, "erik");
	assert_null(local_adopted(l, 3));
	local_free(l);
	put("muster/adopted", "bob:2002:locked\n");
	l = load();
	assert_false(local_is_adopted(l, "bob")); /* it was another one */
	local_free(l);
	put("muster/adopted", NULL);
	assert_int_equal(rmdir(path), 0);
}

static void test_shells(void **state)
{
	struct local *l = load();

	(void)state;
	assert_true(local_shell_listed(l, "/bin/sh"));
	assert_false(local_shell_listed(l, "/bin/bash"));
	local_free(l);

	put("shells", "# /bin/evil\n/bin/bash\n/usr/bin/zsh # good\nrelative\n");
	l = load();
	assert_true(local_shell_listed(l, "/bin/bash"));
	assert_true(local_shell_listed(l, "/usr/bin/zsh"));
	assert_false(local_shell_listed(l, "/bin/evil"));
	assert_false(local_shell_listed(l, "relative"));
	assert_false(local_shell_listed(l, "/bin/sh"));
	local_free(l);
}

/* Whether one can be run counts as what the files say does: musterd sees when it comes or goes. */
static void test_missing_shells(void **state)
{
	struct local *l;
	uint64_t sum;

	(void)state;
	put("shells", "/bin/sh\n/no/such/shell\n/etc/passwd\n/bin\n");
	l = load();
	assert_false(local_shell_missing(l, "/bin/sh"));
	assert_true(local_shell_missing(l, "/no/such/shell"));
	assert_true(local_shell_missing(l, "/etc/passwd"));
	assert_true(local_shell_missing(l, "/bin"));
	sum = local_fingerprint(l);
	assert_int_equal(local_look_at_shell(l, "/bin/sh"), 0);
	assert_int_equal(local_look_at_shell(l, "/no/such/shell"), 0);
	assert_int_equal(local_fingerprint(l), sum);
	assert_false(local_shell_missing(l, "/nor/such"));
	assert_int_equal(local_look_at_shell(l, "/nor/such"), 0);
	assert_true(local_shell_missing(l, "/nor/such"));
	assert_int_not_equal(local_fingerprint(l), sum);
	local_free(l);
}

static void test_needed(void **state)
{
	char error[LOCAL_ERROR_SIZE];
	struct local *l = NULL;

	(void)state;
	put("group", NULL);
	assert_int_equal(local_load(dir, &l, error), -ENOENT);
	assert_null(l);
	assert_non_null(strstr(error, "/group: No such file"));
}

/* The same text gives the same fingerprint; any change, also from one file to the next, another. */
static void test_fingerprint(void **state)
{
	CLEANUP(local_freep) struct local *a = load();
	CLEANUP(local_freep) struct local *b = load();
	CLEANUP(local_freep) struct local *c = NULL;
	CLEANUP(local_freep) struct local *d = NULL;

	(void)state;
	assert_true(local_fingerprint(a) == local_fingerprint(b));
	put("subuid", "alice:5000:10\n");
	c = load();
	put("subuid", NULL);
	put("subgid", "alice:5000:10\n");
	d = load();
	assert_true(local_fingerprint(a) != local_fingerprint(c));
	assert_true(local_fingerprint(a) != local_fingerprint(d));
	assert_true(local_fingerprint(c) != local_fingerprint(d));
}

static struct local *look_at_shadow(const char *text)
{
	char error[LOCAL_ERROR_SIZE] = "";
	struct local *l = load();

	put("shadow", text);
	assert_int_equal(local_look_at_shadow(l, dir, error), 0);
	assert_string_equal(error, "");
	assert_false(local_shadow_unseen(l));
	return l;
}

#define AGES ":19000:0:99999:7:::\n"

/* Who could log in by a line that no user goes with any more, as pam_unix would find it. */
static void test_shadow(void **state)
{
	static const char *const left[] = {"dora", "empty", "blanks", "odd hash", "last"};
	static const char *const others[] = {"root", "alice", "sudo", "Dora", "locked", "starred", "nis", "+nis", "#no", "short"};
	struct local *l = look_at_shadow(
		"root:$6$a$b" AGES "alice:$6$a$b" AGES "sudo:$6$a$b" AGES "locked:!$6$a$b" AGES "starred:*" AGES
		"+nis:$6$a$b" AGES "-nis:$6$a$b" AGES "+\n-\n:$6$a$b" AGES "#no:$6$a$b" AGES
		"short:$6$a$b\n\n::::::::::::\ndora:$6$a$b" AGES "empty:" AGES " \t blanks:$y$a$b" AGES
		"odd hash:x" AGES "dora:*" AGES "last:$1$a$b:::::::");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(left); i++)
		assert_true(local_shadow_left(l, left[i]));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(local_shadow_left(l, others[i]));
	local_free(l);
	put("shadow", NULL);
	l = look_at_shadow(NULL);
	assert_false(local_shadow_left(l, "dora"));
	local_free(l);
}

/* A line that is longer than any buffer, and a NUL, hide none that follows. */
static void test_shadow_hides_none(void **state)
{
	static const char end[] = "\na:$6$\0b" AGES "dora:$6$a$b" AGES;
	static char text[3 << 20];
	char error[LOCAL_ERROR_SIZE], path[80];
	struct local *l = load();
	FILE *f;

	(void)state;
	memset(text, ':', sizeof(text));
	memcpy(text, "long", 4);
	memcpy(text + sizeof(text) - sizeof(end), end, sizeof(end));
	assert_int_equal(str_print(path, sizeof(path), "%s/shadow", dir), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, sizeof(text) - 1, 1, f), 1);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(local_look_at_shadow(l, dir, error), 0);
	assert_true(local_shadow_left(l, "dora"));
	local_free(l);
}

/* A password that changes is no news, and its hash goes nowhere: neither a local user's, nor that of one who is gone. */
static void test_shadow_fingerprint(void **state)
{
	CLEANUP(local_freep) struct local *none = look_at_shadow("alice:$6$a$b" AGES);
	CLEANUP(local_freep) struct local *same = look_at_shadow("alice:$6$c$d" AGES "frank:!" AGES);
	CLEANUP(local_freep) struct local *dora = look_at_shadow("dora:$6$a$b" AGES);
	CLEANUP(local_freep) struct local *again = look_at_shadow("alice:!" AGES "dora:$6$c$d" AGES);

	(void)state;
	assert_true(local_fingerprint(none) == local_fingerprint(same));
	assert_true(local_fingerprint(none) != local_fingerprint(dora));
	assert_true(local_fingerprint(dora) == local_fingerprint(again));
}

static void test_shadow_not_read(void **state)
{
	char error[LOCAL_ERROR_SIZE] = "", path[80];
	CLEANUP(local_freep) struct local *seen = look_at_shadow("");
	CLEANUP(local_freep) struct local *l = load();

	(void)state;
	assert_int_equal(str_print(path, sizeof(path), "%s/shadow", dir), 0);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(local_look_at_shadow(l, dir, error), 0);
	assert_int_equal(local_shadow_unseen(l), geteuid() != 0);
	assert_true(geteuid() == 0 || local_fingerprint(l) != local_fingerprint(seen));
	put("shadow", NULL);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(local_look_at_shadow(l, dir, error), -EINVAL);
	assert_non_null(strstr(error, "/shadow: "));
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes to it: it is not waited for */
	assert_int_equal(local_look_at_shadow(l, dir, error), -EINVAL);
	put("shadow", NULL);
	put("shadow", "");
	assert_int_equal(truncate(path, (64 << 20) + 1), 0);
	assert_int_equal(local_look_at_shadow(l, dir, error), -EFBIG);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		put(names[i], NULL);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_names, set_up),
		cmocka_unit_test_setup(test_ids, set_up),
		cmocka_unit_test_setup(test_ranges, set_up),
		cmocka_unit_test_setup(test_adopted, set_up),
		cmocka_unit_test_setup(test_shells, set_up),
		cmocka_unit_test_setup(test_missing_shells, set_up),
		cmocka_unit_test_setup(test_needed, set_up),
		cmocka_unit_test_setup(test_fingerprint, set_up),
		cmocka_unit_test_setup(test_shadow, set_up),
		cmocka_unit_test_setup(test_shadow_hides_none, set_up),
		cmocka_unit_test_setup(test_shadow_fingerprint, set_up),
		cmocka_unit_test_setup(test_shadow_not_read, set_up),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
