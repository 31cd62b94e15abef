/* common/tally: what is counted, when it locks, and what many processes at once and hostile files do to it. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/str.h"
#include "common/tally.h"

#define UID  5001
#define HOST "192.0.2.7"
#define T    1000000 /* ms */
#define MIN  60000

/* Every test starts in an empty directory of its own and calls it ".". */
static char dir[] = "/tmp/test_tally.XXXXXX";
static const struct tally_policy five = { .max_attempts = 5, .window_s = 1800, .lock_time_s = 300 };
static const struct tally_policy never = { .max_attempts = 0, .window_s = 1800, .lock_time_s = 300 };

static int start(void **state)
{
	(void)state;
	return tally_clear(dir, UID);
}

static struct tally now(int64_t now_ms, const char *rhost, const struct tally_policy *p)
{
	struct tally t;

	memset(&t, 0xa5, sizeof(t));
	assert_int_equal(tally_read(dir, UID, rhost, p, now_ms, &t), 0);
	return t;
}

static char *path(const char *suffix)
{
	static char out[200];

	assert_int_equal(str_print(out, sizeof(out), "%s/%u%s", dir, UID, suffix), 0);
	return out;
}

static off_t size_of(const char *suffix)
{
	struct stat st;

	return stat(path(suffix), &st) == 0 ? st.st_size : -1;
}

static int rename_to_old(void)
{
	char from[200];

	memcpy(from, path(""), sizeof(from));
	return rename(from, path(".old"));
}

static void append_bytes(const void *bytes, size_t len)
{
	AUTO_CLOSE int fd = open(path(""), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
}

/* From the console, where nothing is backed off. */
static int try_at(int64_t at)
{
	return tally_reserve(dir, UID, NULL, &five, at, NULL);
}

static void test_nothing(void **state)
{
	struct tally t = now(T, HOST, &five);

	(void)state;
	assert_int_equal(t.failures, 0);
	assert_false(t.locked);
	assert_true(t.locked_until_ms == 0 && t.backoff_until_ms == 0);
	assert_int_equal(tally_clear(dir, UID), 0);
	assert_int_equal(tally_read("/nonexistent", UID, NULL, &five, T, &t), 0);
	assert_int_equal(tally_reserve("/nonexistent", UID, NULL, &five, T, NULL), -ENOENT);
}

static void test_file(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(try_at(T), 0);
	assert_int_equal(lstat(path(""), &st), 0);
	assert_true(S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0600);
	assert_int_equal(st.st_size, 16);
	assert_int_equal(tally_succeed(dir, UID, T), 0);
	assert_int_equal(size_of(""), 32);
	assert_int_equal(tally_clear(dir, UID), 0);
	assert_int_equal(size_of(""), -1);
}

static void test_lock(void **state)
{
	struct tally t;

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_false(now(T + i, NULL, &five).locked);
		assert_int_equal(tally_reserve(dir, UID, NULL, &five, T + i, &t), 0);
		assert_int_equal(t.failures, i); /* what stood before */
		assert_false(t.locked);
	}
	t = now(T + 5, NULL, &five);
	assert_int_equal(t.failures, 5);
	assert_true(t.locked);
	assert_true(t.locked_until_ms == T + 4 + 300000);
	assert_int_equal(tally_reserve(dir, UID, NULL, &five, T + 5, &t), -EBUSY);
	assert_true(t.locked);
	assert_int_equal(size_of(""), 5 * 16); /* a refused try does not prolong the lock */
	assert_true(now(T + 4 + 299999, NULL, &five).locked);
	t = now(T + 4 + 300000, NULL, &five); /* and then from nothing */
	assert_false(t.locked);
	assert_int_equal(t.failures, 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at(T + 4 + 300000 + i), 0);
	assert_int_equal(try_at(T + 4 + 300005), -EBUSY);
}

static void test_success_clears(void **state)
{
	struct tally t;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(tally_reserve(dir, UID, i % 2 ? HOST : NULL, &five, T + i, NULL), 0);
	assert_int_equal(tally_succeed(dir, UID, T + 10), 0);
	t = now(T + 10, HOST, &five);
	assert_int_equal(t.failures, 0);
	assert_true(t.backoff_until_ms == 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at(T + 20 + i), 0);
	assert_true(now(T + 30, NULL, &five).locked);
	assert_int_equal(tally_clear(dir, UID), 0);
	assert_false(now(T + 30, NULL, &five).locked);
}

static void test_window(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_at(T + i), 0);
	assert_int_equal(now(T + 1800000, NULL, &five).failures, 4);
	assert_int_equal(now(T + 1800001, NULL, &five).failures, 3);
	assert_int_equal(now(T + 1800004, NULL, &five).failures, 0);
	/* The fifth comes when the first is too old: no lock. */
	assert_int_equal(try_at(T + 1800001), 0);
	assert_false(now(T + 1800002, NULL, &five).locked);
	/* With no window all count. */
	const struct tally_policy all = { .max_attempts = 5, .lock_time_s = 300 };
	assert_true(now(T + 1800002, NULL, &all).locked);
	/* A lock outlasts the window it came from. */
	const struct tally_policy brief = { .max_attempts = 3, .window_s = 10, .lock_time_s = 300 };
	assert_true(now(T + 200000, NULL, &brief).locked);
	assert_false(now(T + 300003, NULL, &brief).locked);
}

static void test_until_cleared(void **state)
{
	const struct tally_policy p = { .max_attempts = 5, .window_s = 60, .lock_time_s = 0 };
	struct tally t;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(tally_reserve(dir, UID, NULL, &p, T + i, NULL), 0);
	t = now(INT64_C(1) << 45, NULL, &p); /* a thousand years */
	assert_true(t.locked);
	assert_true(t.locked_until_ms == 0);
	assert_false(now(T + 10, NULL, &never).locked);
	assert_int_equal(now(T + 10, NULL, &never).failures, 5);
}

/* Two are free; then 2 s, doubled each time, up to 15 min; per host, never for the console. */
static void test_backoff(void **state)
{
	static const int64_t delays_s[] = { 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900 };
	int64_t at = T;
	struct tally t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(delays_s); i++) {
		int64_t until = delays_s[i] ? at + delays_s[i] * 1000 : 0;

		assert_int_equal(tally_reserve(dir, UID, HOST, &never, at, NULL), 0);
		assert_true(now(at, HOST, &never).backoff_until_ms == until);
		assert_true(now(at, "192.0.2.8", &never).backoff_until_ms == 0);
		assert_true(now(at, NULL, &never).backoff_until_ms == 0);
		assert_true(now(at, "", &never).backoff_until_ms == 0);
		if (until) {
			assert_int_equal(tally_reserve(dir, UID, HOST, &never, until - 1, &t), -EBUSY);
			assert_true(t.backoff_until_ms == until);
			assert_int_equal(size_of(""), (off_t)(i + 1) * 16);
			at = until;
		}
		assert_true(now(at, HOST, &never).backoff_until_ms == 0);
	}
	/* After an hour of quiet it begins again. */
	assert_int_equal(tally_reserve(dir, UID, HOST, &never, at + 61 * MIN, NULL), 0);
	assert_true(now(at + 61 * MIN, HOST, &never).backoff_until_ms == 0);
	for (int i = 0; i < 10; i++) /* the console has none at all */
		assert_int_equal(tally_reserve(dir, UID, NULL, &never, at + 61 * MIN, NULL), 0);
}

/* What is damaged is skipped, what stands around it counts. */
static void test_damage(void **state)
{
	uint8_t junk[1000], keep[64];

	(void)state;
	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (uint8_t)(i * 7);
	append_bytes(junk, 5); /* a torn write: the rest is no longer at multiples of 16 */
	assert_int_equal(try_at(T), 0);
	append_bytes(junk, 11);
	assert_int_equal(try_at(T), 0);
	append_bytes(junk, sizeof(junk));
	assert_int_equal(try_at(T), 0);
	append_bytes(junk, 15);
	assert_int_equal(now(T, NULL, &five).failures, 3);
	assert_int_equal(tally_clear(dir, UID), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_at(T), 0);
	AUTO_CLOSE int fd = open(path(""), O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, keep, 64, 0), 64);
	for (int i = 0; i < 64; i++) {
		for (int bit = 0; bit < 8; bit++) {
			uint8_t b = (uint8_t)(keep[i] ^ 1 << bit);

			assert_int_equal(pwrite(fd, &b, 1, i), 1);
			assert_int_equal(now(T, NULL, &five).failures, 3);
		}
		assert_int_equal(pwrite(fd, &keep[i], 1, i), 1);
	}
	for (int len = 63; len >= 0; len--) {
		assert_int_equal(ftruncate(fd, len), 0);
		assert_int_equal(now(T, NULL, &five).failures, len / 16);
	}
}

static void test_other_boot(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at(T + 10 * MIN), 0);
	assert_true(now(T + 9 * MIN, NULL, &five).locked); /* a little ahead: another process' clock */
	assert_false(now(T + 9 * MIN - 1, NULL, &five).locked);
	assert_int_equal(now(T, NULL, &five).failures, 0);
}

static void make_fifo(void)
{
	assert_int_equal(mkfifo(path(""), 0600), 0);
}

static void make_symlink(void)
{
	assert_int_equal(symlink("/dev/null", path("")), 0);
}

static void make_dangling(void)
{
	assert_int_equal(symlink("/nonexistent", path("")), 0);
}

static void make_dir(void)
{
	assert_int_equal(mkdir(path(""), 0700), 0);
}

static void make_socket(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(str_print(a.sun_path, sizeof(a.sun_path), "%s", path("")), 0);
	assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(chmod(path(""), 0600), 0);
	close(s);
}

static void make_readable(void)
{
	append_bytes("", 0);
	assert_int_equal(chmod(path(""), 0604), 0);
}

static void make_executable(void)
{
	append_bytes("", 0);
	assert_int_equal(chmod(path(""), 0700), 0);
}

/* Nothing else at the path is believed, written to or waited for. */
static void test_wrong_files(void **state)
{
	static void (*const make[])(void) = { make_fifo,   make_symlink,  make_dangling,  make_dir,
					      make_socket, make_readable, make_executable };
	struct tally t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(make); i++) {
		make[i]();
		alarm(5); /* blocking would kill the test */
		assert_int_equal(tally_read(dir, UID, NULL, &five, T, &t), -EPERM);
		assert_int_equal(try_at(T), -EPERM);
		assert_int_equal(tally_succeed(dir, UID, T), -EPERM);
		/* As the file that was renamed it is as bad. */
		assert_int_equal(rename_to_old(), 0);
		assert_int_equal(tally_read(dir, UID, NULL, &five, T, &t), -EPERM);
		assert_int_equal(try_at(T), -EPERM);
		alarm(0);
		if (make[i] == make_dir)
			assert_int_equal(rmdir(path(".old")), 0);
		assert_int_equal(tally_clear(dir, UID), 0);
	}
}

/* Needs root to make it; the test as an ordinary user has nobody else's files. */
static void test_other_owner(void **state)
{
	struct tally t;

	(void)state;
	if (geteuid() != 0)
		skip();
	append_bytes("", 0);
	assert_int_equal(chown(path(""), 65534, 0), 0);
	assert_int_equal(tally_read(dir, UID, NULL, &five, T, &t), -EPERM);
	assert_int_equal(try_at(T), -EPERM);
}

static int run_children(unsigned int n, int (*child)(unsigned int i))
{
	int sum = 0, status;

	for (unsigned int i = 0; i < n; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(child(i));
	}
	while (wait(&status) > 0) {
		assert_true(WIFEXITED(status));
		sum += WEXITSTATUS(status);
	}
	return sum;
}

static int append_beyond_limit(unsigned int i)
{
	const struct rlimit limit = { 24, 24 }; /* one record and a half */

	(void)i;
	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 1;
	if (try_at(T) != 0 || try_at(T) != -EIO) /* a short write */
		return 2;
	if (try_at(T) != -EFBIG || tally_succeed(dir, UID, T) != -EFBIG)
		return 3;
	return 0;
}

/* What cannot be counted is refused; what a short write leaves behind harms nobody. */
static void test_cannot_append(void **state)
{
	(void)state;
	assert_int_equal(run_children(1, append_beyond_limit), 0);
	assert_int_equal(size_of(""), 24);
	assert_int_equal(try_at(T), 0);
	assert_int_equal(now(T, NULL, &five).failures, 2);
}

static int try_ten(unsigned int i)
{
	int passed = 0;

	(void)i;
	for (int n = 0; n < 10; n++)
		passed += tally_reserve(dir, UID, NULL, &five, T, NULL) == 0;
	return passed;
}

/* 40 processes at once: exactly max_attempts tries pass, not one more. */
static void test_parallel_limit(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		assert_int_equal(tally_clear(dir, UID), 0);
		assert_int_equal(run_children(40, try_ten), 5);
		assert_true(now(T, NULL, &five).locked);
	}
}

static int fail_many(unsigned int i)
{
	const struct tally_policy all = { .max_attempts = 0 };

	for (int n = 0; n < 100; n++)
		if (tally_reserve(dir, UID, NULL, &all, T + (int)i, NULL) != 0)
			return 1;
	return 0;
}

/* Full files are renamed while others append: nothing is lost that could matter, and little is kept. */
static void test_growth(void **state)
{
	const struct tally_policy all = { .max_attempts = 0 };
	const struct tally_policy most = { .max_attempts = UINT32_MAX };
	const off_t full = TALLY_FILE_RECORDS * 16;

	(void)state;
	assert_int_equal(run_children(4, fail_many), 0);
	assert_int_equal(now(T + 40, NULL, &all).failures, 400);
	assert_int_equal(run_children(40, fail_many), 0);
	assert_true(now(T + 40, NULL, &all).failures >= TALLY_FILE_RECORDS);
	assert_true(now(T + 40, NULL, &most).locked);
	assert_true(size_of(".old") >= full);
	/* Who renames may be put to sleep just before it, and the file grows on; the next one makes up for it. */
	assert_int_equal(tally_reserve(dir, UID, NULL, &all, T + 40, NULL), 0);
	assert_true(size_of("") < full);
	/* A success in the new file clears what the renamed one holds. */
	assert_int_equal(tally_succeed(dir, UID, T), 0);
	assert_int_equal(now(T + 40, NULL, &all).failures, 0);
	assert_int_equal(tally_clear(dir, UID), 0);
	assert_int_equal(size_of(".old"), -1);
}

static void test_rename_keeps_the_lock(void **state)
{
	(void)state;
	for (int i = 0; i < TALLY_FILE_RECORDS - 4; i++)
		assert_int_equal(tally_succeed(dir, UID, T), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_at(T), 0);
	assert_int_equal(size_of(""), -1); /* renamed with four failures in it */
	assert_int_equal(now(T, NULL, &five).failures, 4);
	assert_int_equal(try_at(T), 0);
	assert_true(now(T, NULL, &five).locked);
	assert_int_equal(try_at(T), -EBUSY);
}

/* Somebody stopped in the middle of a rename holds the lock: tries go on, at once. */
static void test_frozen_holder(void **state)
{
	const off_t full = TALLY_FILE_RECORDS * 16;

	(void)state;
	for (int i = 0; i < TALLY_FILE_RECORDS; i++)
		assert_int_equal(tally_succeed(dir, UID, T), 0);
	AUTO_CLOSE int fd = open(path(""), O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	alarm(5);
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_at(T), 0);
	alarm(0);
	assert_int_equal(size_of(""), full + 4 * 16);
	assert_int_equal(now(T, NULL, &five).failures, 4);
	assert_int_equal(flock(fd, LOCK_UN), 0);
	assert_int_equal(try_at(T), 0);
	assert_int_equal(size_of(".old"), full + 5 * 16);
	assert_int_equal(try_at(T), -EBUSY);
}

/* What others do just before our write(), flock() or open() of the renamed file: once. */
static void (*before_write)(void), (*before_flock)(void), (*before_old)(void);

int __real_open64(const char *name, int flags, ...);
int __wrap_open64(const char *name, int flags, mode_t mode);
ssize_t __real_write(int fd, const void *data, size_t len);
int __real_flock(int fd, int operation);
ssize_t __wrap_write(int fd, const void *data, size_t len);
int __wrap_flock(int fd, int operation);

static void run_once(void (**hook)(void))
{
	void (*now_called)(void) = *hook;

	*hook = NULL;
	if (now_called)
		now_called();
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	run_once(&before_write);
	return __real_write(fd, data, len);
}

int __wrap_flock(int fd, int operation)
{
	run_once(&before_flock);
	return __real_flock(fd, operation);
}

int __wrap_open64(const char *name, int flags, mode_t mode)
{
	if (strstr(name, ".old"))
		run_once(&before_old);
	return __real_open64(name, flags, mode);
}

static void clear_now(void)
{
	assert_int_equal(tally_clear(dir, UID), 0);
}

static void rename_now(void)
{
	assert_int_equal(rename_to_old(), 0);
	assert_int_equal(try_at(T), 0);
}

/* The file goes away between open() and write(): the try counts in the one that is there afterwards. */
static void test_file_goes_away(void **state)
{
	(void)state;
	assert_int_equal(try_at(T), 0);
	before_write = clear_now;
	assert_int_equal(try_at(T), 0);
	assert_int_equal(now(T, NULL, &five).failures, 1);
	before_write = rename_now;
	assert_int_equal(try_at(T), 0);
	assert_int_equal(size_of(""), 2 * 16);
	assert_int_equal(now(T, NULL, &five).failures, 4); /* the one that was lost counts twice */
	before_old = rename_now; /* renamed since it was opened: the same file, not another one before it */
	assert_int_equal(now(T, NULL, &five).failures, 2);
	assert_null(before_old);
}

/* Somebody else has renamed the full file just before us: the new one is not put over it. */
static void test_renamed_once(void **state)
{
	const off_t full = TALLY_FILE_RECORDS * 16;

	(void)state;
	for (int i = 0; i < TALLY_FILE_RECORDS - 3; i++)
		assert_int_equal(tally_succeed(dir, UID, T), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(try_at(T), 0);
	before_flock = rename_now;
	assert_int_equal(try_at(T), 0);
	assert_null(before_flock);
	assert_int_equal(size_of(".old"), full);
	assert_int_equal(size_of(""), 16);
	assert_int_equal(now(T, NULL, &five).failures, 4);
}

/* An administrator's unlock runs against tries all the time; afterwards all is as it was. */
static int clear_often(unsigned int i)
{
	for (int n = 0; n < 200; n++) {
		if (i == 0) {
			if (tally_clear(dir, UID) != 0)
				return 1;
			usleep(100);
		} else {
			int r = try_at(T);

			if (r != 0 && r != -EBUSY && r != -EAGAIN) /* whatever it is, it refuses */
				return 1;
		}
	}
	return 0;
}

static void test_clear_in_parallel(void **state)
{
	(void)state;
	assert_int_equal(run_children(8, clear_often), 0);
	while (try_at(T) == 0)
		;
	assert_true(now(T, NULL, &five).locked);
	assert_int_equal(now(T, NULL, &five).failures >= 5, 1);
}

static int make_test_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_test_dir(void **state)
{
	return start(state) | rmdir(dir);
}

#define TEST(function) cmocka_unit_test_setup(function, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing),	   TEST(test_file),		TEST(test_lock),
		TEST(test_success_clears), TEST(test_window),		TEST(test_until_cleared),
		TEST(test_backoff),	   TEST(test_damage),		TEST(test_other_boot),
		TEST(test_wrong_files),	   TEST(test_other_owner),	TEST(test_cannot_append),
		TEST(test_parallel_limit), TEST(test_growth),		TEST(test_rename_keeps_the_lock),
		TEST(test_frozen_holder),  TEST(test_clear_in_parallel),	TEST(test_file_goes_away),
		TEST(test_renamed_once),
	};

	return cmocka_run_group_tests(tests, make_test_dir, remove_test_dir);
}
