/* agentd/tallies: what the directory says ends the tallies that it should, and no other. */
#include "tests/unit/world_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agentd/log.h"
#include "agentd/tallies.h"
#include "common/tally.h"

#define OTHER_HASH "$5$rounds=5000$other$yO7jpPnQrOxAQlqiPQ4/4PLv1W3gkCkWMyXBWGE3bR5"

static char dir[] = "/tmp/muster-tallies-XXXXXX";
static char tally[sizeof(dir) + 6];
static const struct tally_policy policy = {.max_attempts = 5, .window_s = 900, .lock_time_s = 900};

static void fail_once(uint32_t uid)
{
	assert_int_equal(tally_reserve(tally, uid, NULL, &policy, 1000000, NULL), 0);
}

static uint32_t failures(uint32_t uid)
{
	struct tally t;

	assert_int_equal(tally_read(tally, uid, NULL, &policy, 1000000, &t), 0);
	return t.failures;
}

/* A world in which dora (5001) is BEFORE, then one in which she is NOW. Does her tally end? That of emil (5002) never does. */
static bool ends(void **state, struct account before, struct account now)
{
	struct fixture *f;
	struct snapshot *published;
	bool ended;

	before.id = "u1";
	if (!now.id)
		now.id = before.id;
	before.name = now.name = "dora";
	before.uid = now.uid = 5001;
	fixture_set_up(state);
	f = *state;
	fixture_user(f, before);
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .account_locked = true, .password_changed_at = 7);
	published = fixture_publish(f);
	fixture_tear_down(state); /* nor does what is in the ledger count */
	fixture_set_up(state);
	f = *state;
	fail_once(5001);
	fail_once(5002);
	fixture_user(f, now);
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .account_locked = true, .password_changed_at = 7);
	fixture_build(f);
	assert_int_equal(tallies_end(dir, published, &f->world), 0);
	snapshot_close(published);
	assert_int_equal(failures(5002), 1);
	ended = failures(5001) == 0;
	assert_int_equal(tally_clear(tally, 5001), 0);
	assert_int_equal(tally_clear(tally, 5002), 0);
	fixture_tear_down(state);
	return ended;
}
#define ACCOUNT(...) ((struct account){__VA_ARGS__})

static void test_unlock_and_reset(void **state)
{
	assert_true(ends(state, ACCOUNT(.account_locked = true), ACCOUNT(.account_locked = false)));
	assert_true(ends(state, ACCOUNT(.account_locked = true, .password_expired = true),
			 ACCOUNT(.password_expired = true)));
	assert_true(ends(state, ACCOUNT(.password_changed_at = 7), ACCOUNT(.password_changed_at = 8)));
	assert_true(ends(state, ACCOUNT(.password_changed_at = 0), ACCOUNT(.password_changed_at = 8)));
	assert_true(ends(state, ACCOUNT(.gecos = ""), ACCOUNT(.password_hash = OTHER_HASH)));
}

static void test_somebody_else(void **state)
{
	assert_true(ends(state, ACCOUNT(.gecos = ""), ACCOUNT(.id = "u3")));
}

static void test_everything_else(void **state)
{
	assert_false(ends(state, ACCOUNT(.gecos = "a"), ACCOUNT(.gecos = "b")));
	assert_false(ends(state, ACCOUNT(.account_locked = true), ACCOUNT(.account_locked = true)));
	assert_false(ends(state, ACCOUNT(.account_locked = false), ACCOUNT(.account_locked = true)));
	assert_false(ends(state, ACCOUNT(.password_expired = true), ACCOUNT(.password_expired = false)));
	assert_false(ends(state, ACCOUNT(.suspended = true), ACCOUNT(.suspended = false)));
	assert_false(ends(state, ACCOUNT(.password_changed_at = 8), ACCOUNT(.password_changed_at = 7)));
	assert_false(ends(state, ACCOUNT(.password_changed_at = 8), ACCOUNT(.password_changed_at = 0)));
	assert_false(ends(state, ACCOUNT(.gecos = ""), ACCOUNT(.password_hash = ""))); /* taken away is not reset */
	assert_false(ends(state, ACCOUNT(.password_expires_at = 8), ACCOUNT(.password_expires_at = 9)));
}

static void test_gone(void **state)
{
	struct fixture *f;
	struct snapshot *published;

	fixture_set_up(state);
	f = *state;
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	USER(f, .id = "u2", .name = "emil", .uid = 5002);
	published = fixture_publish(f);
	fail_once(5001);
	fail_once(5002);
	fail_once(5003); /* nobody's */
	USER(f, .id = "u2", .name = "emil", .uid = 5002);
	fixture_removed(f, "u1");
	fixture_build(f);
	assert_true(fixture_has(f, "u1")); /* his tombstone */
	assert_int_equal(tallies_end(dir, published, &f->world), 0);
	snapshot_close(published);
	assert_int_equal(failures(5001) + failures(5003), 0);
	assert_int_equal(failures(5002), 1);
	/* Without a file to compare with only those end who are gone. */
	fail_once(5003);
	assert_int_equal(tallies_end(dir, NULL, &f->world), 0);
	assert_int_equal(failures(5003), 0);
	assert_int_equal(failures(5002), 1);
	assert_int_equal(tally_clear(tally, 5002), 0);
	fixture_tear_down(state);
}

static void touch(const char *name)
{
	char path[80];

	assert_int_equal(str_print(path, sizeof(path), "%s/%s", tally, name), 0);
	AUTO_CLOSE int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
}

static void empty_folder(const char *path)
{
	DIR *d = opendir(path);

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

static void test_list(void **state)
{
	static const char *const names[] = {"5002", "5001.old", "70", "5002.old", "5002.older", "x", "5003x", "-1",
					    "99999999999", "999999999999999999999", "5004.new"};
	static const uint32_t expected[] = {70, 5001, 5002};
	CLEANUP(buf_done) struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		touch(names[i]);
	assert_int_equal(tallies_list(dir, &b), 0);
	assert_int_equal(b.len, sizeof(expected));
	assert_memory_equal(b.data, expected, sizeof(expected));
	empty_folder(tally);
	b.len = 0;
	assert_int_equal(tallies_list(dir, &b), 0);
	assert_int_equal(tallies_list("/nonexistent", &b), 0);
	assert_int_equal(b.len, 0);
}

static int make_folder(void **state)
{
	(void)state;
	log_init();
	if (!mkdtemp(dir) || str_print(tally, sizeof(tally), "%s/tally", dir) < 0)
		return -1;
	return mkdir(tally, 0700);
}

static int remove_folder(void **state)
{
	(void)state;
	empty_folder(tally);
	rmdir(tally);
	empty_folder(dir);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unlock_and_reset),
		cmocka_unit_test(test_somebody_else),
		cmocka_unit_test(test_everything_else),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
