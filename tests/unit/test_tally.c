/* common/tally: what is counted, when it locks, and what damage and hostile files do to it. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/str.h"
#include "common/tally_judge.h"
#include "tests/unit/tally_dir.h"

#define HOST "192.0.2.7"
#define MIN  60000
#define DAY  (24 * 60 * INT64_C(60000))

static void test_nothing(void **state)
{
	struct tally t = tally_now(T, HOST, &five);

	(void)state;
	assert_int_equal(t.failures, 0);
	assert_false(t.locked);
	assert_true(t.locked_until_ms == 0 && t.backoff_until_ms == 0);
	assert_int_equal(tally_clear(tally_dir, UID), 0);
	assert_int_equal(tally_read("/nonexistent", UID, NULL, &five, T, &t), 0);
	assert_int_equal(tally_reserve("/nonexistent", UID, NULL, &five, T, NULL), -ENOENT);
}

static void test_file(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(try_at(T), 0);
	assert_int_equal(lstat(tally_file(""), &st), 0);
	assert_true(S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0600);
	assert_int_equal(st.st_size, 16);
	assert_int_equal(tally_succeed(tally_dir, UID, NULL, T), 0);
	assert_int_equal(tally_size(""), 32);
	assert_int_equal(tally_clear(tally_dir, UID), 0);
	assert_int_equal(tally_size(""), -1);
}

static void test_lock(void **state)
{
	struct tally t;

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_false(tally_now(T + i, NULL, &five).locked);
		assert_int_equal(tally_reserve(tally_dir, UID, NULL, &five, T + i, &t), 0);
		assert_int_equal(t.failures, i); /* what stood before */
		assert_false(t.locked);
	}
	t = tally_now(T + 5, NULL, &five);
	assert_int_equal(t.failures, 5);
	assert_true(t.locked);
	assert_true(t.locked_until_ms == T + 4 + 300000 && t.locked_at_ms == T + 4);
	assert_int_equal(tally_reserve(tally_dir, UID, NULL, &five, T + 5, &t), -EBUSY);
	assert_true(t.locked);
	assert_int_equal(tally_size(""), 5 * 16); /* a refused try does not prolong the lock */
	assert_true(tally_now(T + 4 + 299999, NULL, &five).locked);
	t = tally_now(T + 4 + 300000, NULL, &five); /* and then from nothing */
	assert_false(t.locked);
	assert_int_equal(t.failures, 0);
	assert_true(t.locked_at_ms == T + 4); /* it was there */
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at(T + 4 + 300000 + i), 0);
	assert_int_equal(try_at(T + 4 + 300005), -EBUSY);
	assert_int_equal(tally_reserve(tally_dir, UID, NULL, &never, T + 4 + 300005, NULL), 0); /* one that came together with the fifth */
	assert_true(tally_now(T + 4 + 300005, NULL, &five).locked_at_ms == T + 4 + 300004);
	assert_int_equal(tally_succeed(tally_dir, UID, NULL, T + 4 + 300006), 0);
	assert_true(tally_now(T + 4 + 300007, NULL, &five).locked_at_ms == 0);
}

/* A try that nobody could judge is none: taken back alone, from where it was made, and whatever came after it. */
static void test_cancel(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(tally_reserve(tally_dir, UID, HOST, &never, T + i, NULL), -(i == 3) & -EBUSY);
	assert_int_equal(tally_now(T + 4, HOST, &five).failures, 3);
	assert_true(tally_now(T + 4, HOST, &five).backoff_until_ms > 0);
	assert_int_equal(tally_cancel(tally_dir, UID, HOST, T + 1), 0);
	assert_int_equal(tally_now(T + 4, HOST, &five).failures, 2);
	assert_int_equal(tally_now(T + 4, HOST, &five).backoff_until_ms, 0);
	assert_int_equal(tally_cancel(tally_dir, UID, HOST, T + 1), 0); /* it is gone already */
	assert_int_equal(tally_cancel(tally_dir, UID, NULL, T), 0);	/* not from there */
	assert_int_equal(tally_cancel(tally_dir, UID, HOST, T + 9), 0); /* not then */
	assert_int_equal(tally_now(T + 9, HOST, &five).failures, 2);
	assert_int_equal(tally_succeed(tally_dir, UID, NULL, T + 10), 0);
	assert_int_equal(try_at(T + 11), 0);
	assert_int_equal(tally_cancel(tally_dir, UID, HOST, T), 0); /* one that is forgiven already */
	assert_int_equal(tally_now(T + 12, NULL, &five).failures, 1);
	assert_int_equal(tally_cancel(tally_dir, UID, NULL, T + 11), 0);
	assert_int_equal(tally_now(T + 12, NULL, &five).failures, 0);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(try_at(T + 20 + i), 0);
		assert_int_equal(tally_cancel(tally_dir, UID, NULL, T + 20 + i), 0);
	}
	assert_false(tally_now(T + 50, NULL, &five).locked);
}

static void test_success_clears(void **state)
{
	struct tally t;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			tally_reserve(tally_dir, UID, i % 2 ? HOST : NULL, &five, T + i, NULL), 0);
	assert_int_equal(tally_succeed(tally_dir, UID, NULL, T + 10), 0);
	t = tally_now(T + 10, HOST, &five);
	assert_int_equal(t.failures, 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at(T + 20 + i), 0);
	assert_true(tally_now(T + 30, NULL, &five).locked);
	assert_int_equal(tally_clear(tally_dir, UID), 0);
	assert_false(tally_now(T + 30, NULL, &five).locked);
}

static void test_window(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_at(T + i), 0);
	assert_int_equal(tally_now(T + 1800000, NULL, &five).failures, 4);
	assert_int_equal(tally_now(T + 1800001, NULL, &five).failures, 3);
	assert_int_equal(tally_now(T + 1800004, NULL, &five).failures, 0);
	/* The fifth comes when the first is too old: no lock. */
	assert_int_equal(try_at(T + 1800001), 0);
	assert_false(tally_now(T + 1800002, NULL, &five).locked);
	/* With no window all count. */
	const struct tally_policy all = {.max_attempts = 5, .lock_time_s = 300};
	assert_true(tally_now(T + 1800002, NULL, &all).locked);
	/* A lock outlasts the window it came from. */
	const struct tally_policy brief = {.max_attempts = 3, .window_s = 10, .lock_time_s = 300};
	assert_true(tally_now(T + 200000, NULL, &brief).locked);
	assert_false(tally_now(T + 300003, NULL, &brief).locked);
}

static void test_until_cleared(void **state)
{
	const struct tally_policy p = {.max_attempts = 5, .window_s = 60, .lock_time_s = 0};
	struct tally t;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(tally_reserve(tally_dir, UID, NULL, &p, T + i, NULL), 0);
	t = tally_now(INT64_C(1) << 45, NULL, &p); /* a thousand years */
	assert_true(t.locked);
	assert_true(t.locked_until_ms == 0);
	assert_false(tally_now(T + 10, NULL, &never).locked);
	assert_int_equal(tally_now(T + 10, NULL, &never).failures, 5);
}

/* Two are free; then 2 s, doubled each time, up to 15 min; per host, never for the console. */
static void test_backoff(void **state)
{
	static const int64_t delays_s[] = {0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900};
	int64_t at = T;
	struct tally t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(delays_s); i++) {
		int64_t until = delays_s[i] ? at + delays_s[i] * 1000 : 0;

		assert_int_equal(tally_reserve(tally_dir, UID, HOST, &never, at, NULL), 0);
		assert_true(tally_now(at, HOST, &never).backoff_until_ms == until);
		assert_true(tally_now(at, "192.0.2.8", &never).backoff_until_ms == 0);
		assert_true(tally_now(at, NULL, &never).backoff_until_ms == 0);
		assert_true(tally_now(at, "", &never).backoff_until_ms == 0);
		if (until) {
			assert_int_equal(tally_reserve(tally_dir, UID, HOST, &never, until - 1, &t),
					 -EBUSY);
			assert_true(t.backoff_until_ms == until);
			assert_int_equal(tally_size(""), (off_t)(i + 1) * 16);
			at = until;
		}
		assert_true(tally_now(at, HOST, &never).backoff_until_ms == 0);
	}
	at -= 900000; /* the last failure */
	for (int i = 0; i < 10; i++) /* the console has none at all */
		assert_int_equal(tally_reserve(tally_dir, UID, NULL, &never, at, NULL), 0);
	/* It goes on until a day of quiet. */
	assert_int_equal(tally_reserve(tally_dir, UID, HOST, &never, at + DAY - 1, NULL), 0);
	assert_true(tally_now(at + DAY - 1, HOST, &never).backoff_until_ms == at + DAY - 1 + 900000);
	at += DAY - 1 + DAY;
	assert_int_equal(tally_reserve(tally_dir, UID, HOST, &never, at, NULL), 0);
	assert_true(tally_now(at, HOST, &never).backoff_until_ms == 0);
}

/* A success ends the back-off of where it came from alone: else each login of the user gives a stranger new tries. */
static void test_backoff_and_success(void **state)
{
	static const char *const from[] = {NULL, "192.0.2.8", HOST};

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(tally_reserve(tally_dir, UID, HOST, &five, T, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		assert_true(tally_now(T + 1, HOST, &five).backoff_until_ms == T + 2000);
		assert_int_equal(tally_succeed(tally_dir, UID, from[i], T + 1), 0);
		assert_int_equal(tally_now(T + 1, HOST, &five).failures, 0);
	}
	assert_true(tally_now(T + 1, HOST, &five).backoff_until_ms == 0);
}

/* One host, trying whenever it may, for two days: a user at the console is locked out once, for lock_time. */
static void test_stranger(void **state)
{
	static const struct tally_policy policies[] = {{10, 900, 900}, {5, 1800, 1800}, {3, 1200, 300}, {2, 600, 60}};

	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		const struct tally_policy *p = &policies[i];
		int64_t at = T, locks = 0;

		tally_start(state);
		while (at < T + 2 * DAY) {
			struct tally t;

			if (tally_reserve(tally_dir, UID, HOST, p, at, NULL) == 0)
				locks += tally_now(at, NULL, p).locked;
			t = tally_now(at, HOST, p);
			if (t.locked && t.locked_until_ms > t.backoff_until_ms)
				at = t.locked_until_ms;
			else if (t.backoff_until_ms)
				at = t.backoff_until_ms;
		}
		assert_int_equal(locks, 1);
	}
}

static void test_hosts(void **state)
{
	static const char *const same[][2] = {
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"},
		{"2001:DB8:1:2::1", "2001:db8:1:2::1"},
		{"fe80::1%eth0", "fe80::2%eth0"},
		{NULL, ""},
	};
	static const char *const differ[][2] = {
		{"2001:db8:1:2::1", "2001:db8:1:3::1"},	     {"192.0.2.7", "192.0.2.8"},
		{"::ffff:192.0.2.7", "::ffff:192.0.2.8"},    {"a.example", "b.example"},
		{"2001:db8:1:2::1", "2001:db8:1:2::1.example"}, {"192.0.2.7", ""},
		{"0000:0000:0000:0000:0000:0000:0000:0000:0000:0001", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0002"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		assert_int_equal(tally_rhost(same[i][0]), tally_rhost(same[i][1]));
	for (size_t i = 0; i < ARRAY_SIZE(differ); i++)
		assert_int_not_equal(tally_rhost(differ[i][0]), tally_rhost(differ[i][1]));
}

/* What is damaged is skipped, what stands around it counts. */
static void test_damage(void **state)
{
	uint8_t junk[1000], keep[64];

	(void)state;
	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (uint8_t)(i * 7);
	tally_append(junk, 5); /* a torn write: the rest is no longer at multiples of 16 */
	assert_int_equal(try_at(T), 0);
	tally_append(junk, 11);
	assert_int_equal(try_at(T), 0);
	tally_append(junk, sizeof(junk));
	assert_int_equal(try_at(T), 0);
	tally_append(junk, 15);
	assert_int_equal(tally_now(T, NULL, &five).failures, 3);
	assert_int_equal(tally_clear(tally_dir, UID), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_at(T), 0);
	AUTO_CLOSE int fd = open(tally_file(""), O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, keep, 64, 0), 64);
	for (int i = 0; i < 64; i++) {
		for (int bit = 0; bit < 8; bit++) {
			uint8_t b = (uint8_t)(keep[i] ^ 1 << bit);

			assert_int_equal(pwrite(fd, &b, 1, i), 1);
			assert_int_equal(tally_now(T, NULL, &five).failures, 3);
		}
		assert_int_equal(pwrite(fd, &keep[i], 1, i), 1);
	}
	for (int len = 63; len >= 0; len--) {
		assert_int_equal(ftruncate(fd, len), 0);
		assert_int_equal(tally_now(T, NULL, &five).failures, len / 16);
	}
}

static void test_other_boot(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at(T + 10 * MIN), 0);
	assert_true(tally_now(T + 9 * MIN, NULL, &five)
			    .locked); /* a little ahead: another process' clock */
	assert_false(tally_now(T + 9 * MIN - 1, NULL, &five).locked);
	assert_int_equal(tally_now(T, NULL, &five).failures, 0);
}

static void make_fifo(void)
{
	assert_int_equal(mkfifo(tally_file(""), 0600), 0);
}

static void make_symlink(void)
{
	assert_int_equal(symlink("/dev/null", tally_file("")), 0);
}

static void make_dangling(void)
{
	assert_int_equal(symlink("/nonexistent", tally_file("")), 0);
}

static void make_dir(void)
{
	assert_int_equal(mkdir(tally_file(""), 0700), 0);
}

static void make_socket(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(str_print(a.sun_path, sizeof(a.sun_path), "%s", tally_file("")), 0);
	assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(chmod(tally_file(""), 0600), 0);
	close(s);
}

static void make_readable(void)
{
	tally_append("", 0);
	assert_int_equal(chmod(tally_file(""), 0604), 0);
}

static void make_executable(void)
{
	tally_append("", 0);
	assert_int_equal(chmod(tally_file(""), 0700), 0);
}

/* Nothing else at the path is believed, written to or waited for. */
static void test_wrong_files(void **state)
{
	static void (*const make[])(void) = {make_fifo,   make_symlink,  make_dangling,  make_dir,
					     make_socket, make_readable, make_executable};
	struct tally t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(make); i++) {
		make[i]();
		alarm(5); /* blocking would kill the test */
		assert_int_equal(tally_read(tally_dir, UID, NULL, &five, T, &t), -EPERM);
		assert_int_equal(try_at(T), -EPERM);
		assert_int_equal(tally_succeed(tally_dir, UID, NULL, T), -EPERM);
		/* As the file that was renamed it is as bad. */
		assert_int_equal(tally_rename(), 0);
		assert_int_equal(tally_read(tally_dir, UID, NULL, &five, T, &t), -EPERM);
		assert_int_equal(try_at(T), -EPERM);
		alarm(0);
		if (make[i] == make_dir)
			assert_int_equal(rmdir(tally_file(".old")), 0);
		assert_int_equal(tally_clear(tally_dir, UID), 0);
	}
}

/* su has the umask of whoever calls it: what that takes away must not keep the next one from counting. */
static void test_umask(void **state)
{
	mode_t before = umask(0777);
	struct stat st;
	int r = try_at(T);

	(void)state;
	umask(before);
	assert_int_equal(r, 0);
	assert_int_equal(lstat(tally_file(""), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(try_at(T + 1), 0);
	assert_int_equal(chmod(tally_file(""), 0400), 0); /* as one who died before he could give it back has left it */
	assert_int_equal(tally_now(T + 2, NULL, &five).failures, 2);
	assert_int_equal(try_at(T + 2), 0);
}

/* Needs root to make it; the test as an ordinary user has nobody else's files. */
static void test_other_owner(void **state)
{
	struct tally t;

	(void)state;
	if (geteuid() != 0)
		skip();
	tally_append("", 0);
	assert_int_equal(chown(tally_file(""), 65534, 0), 0);
	assert_int_equal(tally_read(tally_dir, UID, NULL, &five, T, &t), -EPERM);
	assert_int_equal(try_at(T), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TALLY_TEST(test_nothing),     TALLY_TEST(test_file),
		TALLY_TEST(test_cancel),
		TALLY_TEST(test_lock),        TALLY_TEST(test_success_clears),
		TALLY_TEST(test_window),      TALLY_TEST(test_until_cleared),
		TALLY_TEST(test_backoff),     TALLY_TEST(test_damage),
		TALLY_TEST(test_other_boot),  TALLY_TEST(test_wrong_files),
		TALLY_TEST(test_other_owner), TALLY_TEST(test_backoff_and_success),
		TALLY_TEST(test_stranger),    TALLY_TEST(test_umask),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, make_tally_dir, remove_tally_dir);
}
