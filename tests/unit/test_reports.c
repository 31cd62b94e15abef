/* agentd/reports: every lock is told once, in order, and what waits is not lost. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentd/file.h"
#include "agentd/reports.h"

#define BOOT "11111111-2222-3333-4444-555555555555"
#define NEXT "66666666-7777-8888-9999-000000000000"

static char dir[] = "/tmp/muster-reports-XXXXXX";

static struct report lock_of(const char *id, int64_t at, const char *boot)
{
	struct report r = {.uid = 5001, .locked_at_ms = at};

	assert_int_equal(str_print(r.id, sizeof(r.id), "%s", id), 0);
	assert_int_equal(str_print(r.boot_id, sizeof(r.boot_id), "%s", boot), 0);
	return r;
}

/* "a b! c": ids, with a ! when sent. */
static void assert_list(const struct reports *r, const char *expected)
{
	char text[256] = "";
	size_t len = 0;

	for (uint32_t i = 0; i < reports_count(r); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s%s", i ? " " : "", reports_at(r, i)->id,
					reports_at(r, i)->sent ? "!" : "");
	assert_string_equal(text, expected);
}

/* The tallies show these locks now: "ID", TIME … NULL. */
#define UPDATE(r, boot, ...)                                                           \
	do {                                                                           \
		const struct { const char *id; int64_t at; } all[] = {__VA_ARGS__};    \
		struct report locks[8];                                                \
		uint32_t n = 0;                                                        \
		for (; all[n].id; n++)                                                 \
			locks[n] = lock_of(all[n].id, all[n].at, boot);                \
		assert_int_equal(reports_update(r, locks, n, boot), 0);                \
	} while (0)
#define NONE {NULL, 0}

static void test_once(void **state)
{
	CLEANUP(reports_done) struct reports r = {0};

	(void)state;
	UPDATE(&r, BOOT, {"a", 5}, {"b", 6}, NONE);
	assert_list(&r, "a b");
	UPDATE(&r, BOOT, {"c", 4}, {"a", 5}, {"b", 6}, NONE); /* found later: told later */
	assert_list(&r, "a b c");
	reports_mark_sent(&r, 0);
	r.changed = false;
	UPDATE(&r, BOOT, {"c", 4}, {"a", 5}, {"b", 6}, NONE);
	assert_list(&r, "a! b c");
	assert_false(r.changed);
	UPDATE(&r, BOOT, {"c", 4}, {"a", 3}, {"b", 6}, NONE); /* another policy sees the same lock earlier */
	assert_list(&r, "a! b c");
	UPDATE(&r, BOOT, {"c", 4}, {"b", 6}, {"a", 9}, NONE); /* a new one */
	assert_list(&r, "b c a");
	UPDATE(&r, BOOT, {"c", 4}, {"a", 9}, {"b", 12}, NONE); /* for one that waits it is one */
	assert_list(&r, "b c a");
	assert_int_equal(reports_at(&r, 0)->locked_at_ms, 6);
}

static void test_postpone(void **state)
{
	CLEANUP(reports_done) struct reports r = {0};

	(void)state;
	UPDATE(&r, BOOT, {"a", 5}, {"b", 6}, {"c", 7}, NONE);
	reports_postpone(&r, 0);
	assert_list(&r, "b c a");
	reports_postpone(&r, 1);
	assert_list(&r, "b a c");
	r.changed = false;
	reports_postpone(&r, 2);
	assert_list(&r, "b a c");
	assert_false(r.changed);
}

static void test_over(void **state)
{
	CLEANUP(reports_done) struct reports r = {0};

	(void)state;
	UPDATE(&r, BOOT, {"a", 5}, {"b", 6}, {"c", 7}, NONE);
	reports_mark_sent(&r, 1);
	UPDATE(&r, BOOT, {"c", 7}, NONE); /* "a" was unlocked before it was told */
	assert_list(&r, "c");
	UPDATE(&r, BOOT, NONE);
	assert_list(&r, "");
}

static void test_reboot(void **state)
{
	CLEANUP(reports_done) struct reports r = {0};

	(void)state;
	UPDATE(&r, BOOT, {"a", 5}, {"b", 6}, {"c", 7}, NONE);
	reports_mark_sent(&r, 1);
	UPDATE(&r, NEXT, {"c", 1}, {"b", 2}, NONE); /* the old ones that wait stay, also where there is a new one */
	assert_list(&r, "a c b");
	assert_string_equal(reports_at(&r, 1)->boot_id, BOOT);
	assert_string_equal(reports_at(&r, 2)->boot_id, NEXT);
}

static void test_kept(void **state)
{
	CLEANUP(reports_done) struct reports r = {0};
	CLEANUP(reports_done) struct reports again = {0};
	struct stat st;
	char path[80];

	(void)state;
	assert_int_equal(reports_load(dir, &r), 0);
	assert_list(&r, "");
	UPDATE(&r, BOOT, {"a", 5}, {"5f0000000000000000000001", INT64_MAX}, NONE);
	reports_mark_sent(&r, 0);
	assert_int_equal(reports_save(dir, &r), 0);
	assert_int_equal(reports_load(dir, &again), 0);
	assert_int_equal(again.list.len, r.list.len);
	for (uint32_t i = 0; i < 2; i++) {
		const struct report *x = reports_at(&r, i), *y = reports_at(&again, i);

		assert_string_equal(x->id, y->id);
		assert_string_equal(x->boot_id, y->boot_id);
		assert_true(x->uid == y->uid && x->locked_at_ms == y->locked_at_ms && x->sent == y->sent);
	}
	assert_int_equal(str_print(path, sizeof(path), "%s/" REPORTS_FILE, dir), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(reports_save(dir, &r), 0); /* unchanged: not written */
	assert_int_equal(access(path, F_OK), -1);
}

static void test_damage(void **state)
{
	static const char *const texts[] = {
		"", "muster-reports/1", "muster-reports/2\n", "x\n",
#define LINE(words) "muster-reports/1\n" words
		LINE("a 5001 " BOOT " 5 sent"), LINE("a 5001 " BOOT " 5 sent\n\n"), LINE("a 5001 " BOOT " 5\n"),
		LINE("a 5001 " BOOT " 5 send\n"), LINE("a 5001 " BOOT " 5 sent x\n"), LINE("a 5001 " BOOT " -5 sent\n"),
		LINE("a 0 " BOOT " 5 sent\n"), LINE("a x " BOOT " 5 sent\n"), LINE("a/ 5001 " BOOT " 5 sent\n"),
		LINE(" 5001 " BOOT " 5 sent\n"), LINE("a 5001 " BOOT "0 5 sent\n"), LINE("a 5001 " BOOT " 0 sent\n"),
		LINE("a 5001 " BOOT " 99999999999999999999 sent\n"), LINE("a  5001 " BOOT " 5 sent\n"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP(reports_done) struct reports r = {0};

		assert_int_equal(file_replace(dir, REPORTS_FILE, 0600, texts[i], strlen(texts[i])), 0);
		assert_int_equal(reports_load(dir, &r), -EBADMSG);
		assert_int_equal(reports_count(&r), 0);
	}
	CLEANUP(reports_done) struct reports r = {0};
	static const char nul[] = LINE("a 5 " BOOT " 5 sent\n\0x");
	assert_int_equal(file_replace(dir, REPORTS_FILE, 0600, nul, sizeof(nul) - 1), 0);
	assert_int_equal(reports_load(dir, &r), -EBADMSG);
}

static void test_full(void **state)
{
	CLEANUP(reports_done) struct reports r = {0};
	CLEANUP(reports_done) struct reports again = {0};
	static struct report locks[REPORTS_MAX + 1];

	(void)state;
	for (uint32_t i = 0; i <= REPORTS_MAX; i++) {
		char id[16];

		snprintf(id, sizeof(id), "id%u", i);
		locks[i] = lock_of(id, i + 1, BOOT);
	}
	assert_int_equal(reports_update(&r, locks, REPORTS_MAX + 1, BOOT), -ENOSPC);
	assert_int_equal(reports_count(&r), REPORTS_MAX);
	assert_string_equal(reports_at(&r, REPORTS_MAX - 1)->id, "id9999");
	assert_int_equal(reports_save(dir, &r), 0);
	assert_int_equal(reports_load(dir, &again), 0);
	assert_int_equal(reports_count(&again), REPORTS_MAX);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char path[80];

	(void)state;
	if (str_print(path, sizeof(path), "%s/" REPORTS_FILE, dir) < 0)
		return -1;
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once), cmocka_unit_test(test_postpone), cmocka_unit_test(test_over),   cmocka_unit_test(test_reboot),
		cmocka_unit_test(test_kept), cmocka_unit_test(test_damage),   cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
