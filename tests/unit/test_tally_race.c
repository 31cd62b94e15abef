/* common/tally: many processes at once, frozen ones, and what happens between two calls of ours. */
#include "tests/unit/unit.h"

#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/tally_dir.h"

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

/* Where a limit might cut a record short, not even a piece of one is written: pieces would push the history out. */
static int append_under_limit(unsigned int i)
{
	struct rlimit limit = {1 << 20, 1 << 20};

	(void)i;
	if (try_at(T) != 0 || setrlimit(RLIMIT_FSIZE, &limit) < 0 || try_at(T) != 0)
		return 1;
	limit.rlim_cur--;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || try_at(T) != -EFBIG)
		return 2;
	limit.rlim_cur = 40; /* the two that are there, and a half */
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || try_at(T) != -EFBIG ||
	    tally_succeed(tally_dir, UID, NULL, T) != -EFBIG)
		return 3;
	return tally_now(T, NULL, &five).failures == 2 ? 0 : 4;
}

/* What is left of a record in a full file system. */
static void add_piece(void)
{
	AUTO_CLOSE int fd = open(tally_file(""), O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_int_equal(write(fd, "half one", 8), 8);
}

/* What cannot be counted is refused; what a short write leaves behind harms nobody. */
static void test_cannot_append(void **state)
{
	(void)state;
	assert_int_equal(run_children(1, append_under_limit), 0);
	assert_int_equal(tally_size(""), 2 * 16);
	add_piece();
	assert_int_equal(try_at(T), 0);
	assert_int_equal(tally_now(T, NULL, &five).failures, 3);
}

static int try_ten(unsigned int i)
{
	int passed = 0;

	(void)i;
	for (int n = 0; n < 10; n++)
		passed += tally_reserve(tally_dir, UID, NULL, &five, T, NULL) == 0;
	return passed;
}

/* 40 processes at once: exactly max_attempts tries pass, not one more. */
static void test_parallel_limit(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		assert_int_equal(tally_clear(tally_dir, UID), 0);
		assert_int_equal(run_children(40, try_ten), 5);
		assert_true(tally_now(T, NULL, &five).locked);
	}
}

static int fail_many(unsigned int i)
{
	const struct tally_policy all = {.max_attempts = 0};

	for (int n = 0; n < 100; n++)
		if (tally_reserve(tally_dir, UID, NULL, &all, T + (int)i, NULL) != 0)
			return 1;
	return 0;
}

/*
 * Full files are renamed while others append: nothing is lost that could matter, and little is
 * kept.
 */
static void test_growth(void **state)
{
	const struct tally_policy all = {.max_attempts = 0};
	const struct tally_policy most = {.max_attempts = UINT32_MAX};
	const off_t full = TALLY_FILE_RECORDS * 16;

	(void)state;
	assert_int_equal(run_children(4, fail_many), 0);
	assert_int_equal(tally_now(T + 40, NULL, &all).failures, 400);
	assert_int_equal(run_children(40, fail_many), 0);
	assert_true(tally_now(T + 40, NULL, &all).failures >= TALLY_FILE_RECORDS);
	assert_true(tally_now(T + 40, NULL, &most).locked);
	assert_true(tally_size(".old") >= full);
	/*
	 * Who renames may be put to sleep just before it, and the file grows on; the next one makes
	 * up for it.
	 */
	assert_int_equal(tally_reserve(tally_dir, UID, NULL, &all, T + 40, NULL), 0);
	assert_true(tally_size("") < full);
	/* A success in the new file clears what the renamed one holds. */
	assert_int_equal(tally_succeed(tally_dir, UID, NULL, T), 0);
	assert_int_equal(tally_now(T + 40, NULL, &all).failures, 0);
	assert_int_equal(tally_clear(tally_dir, UID), 0);
	assert_int_equal(tally_size(".old"), -1);
}

static void test_rename_keeps_the_lock(void **state)
{
	(void)state;
	for (int i = 0; i < TALLY_FILE_RECORDS - 4; i++)
		assert_int_equal(tally_succeed(tally_dir, UID, NULL, T), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_at(T), 0);
	assert_int_equal(tally_size(""), -1); /* renamed with four failures in it */
	assert_int_equal(tally_now(T, NULL, &five).failures, 4);
	assert_int_equal(try_at(T), 0);
	assert_true(tally_now(T, NULL, &five).locked);
	assert_int_equal(try_at(T), -EBUSY);
}

/* Somebody stopped in the middle of a rename holds the lock: tries go on, at once. */
static void test_frozen_holder(void **state)
{
	const off_t full = TALLY_FILE_RECORDS * 16;

	(void)state;
	for (int i = 0; i < TALLY_FILE_RECORDS; i++)
		assert_int_equal(tally_succeed(tally_dir, UID, NULL, T), 0);
	AUTO_CLOSE int fd = open(tally_file(""), O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	alarm(5);
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_at(T), 0);
	alarm(0);
	assert_int_equal(tally_size(""), full + 4 * 16);
	assert_int_equal(tally_now(T, NULL, &five).failures, 4);
	assert_int_equal(flock(fd, LOCK_UN), 0);
	assert_int_equal(try_at(T), 0);
	assert_int_equal(tally_size(".old"), full + 5 * 16);
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
	assert_int_equal(tally_clear(tally_dir, UID), 0);
}

static void rename_now(void)
{
	assert_int_equal(tally_rename(), 0);
	assert_int_equal(try_at(T), 0);
}

/*
 * The file goes away between open() and write(): the try counts in the one that is there
 * afterwards.
 */
static void test_file_goes_away(void **state)
{
	(void)state;
	assert_int_equal(try_at(T), 0);
	before_write = clear_now;
	assert_int_equal(try_at(T), 0);
	assert_int_equal(tally_now(T, NULL, &five).failures, 1);
	before_write = rename_now;
	assert_int_equal(try_at(T), 0);
	assert_int_equal(tally_size(""), 2 * 16);
	assert_int_equal(tally_now(T, NULL, &five).failures,
			 4); /* the one that was lost counts twice */
	/* Renamed since it was opened: the same file, not another one before it. */
	before_old = rename_now;
	assert_int_equal(tally_now(T, NULL, &five).failures, 2);
	assert_null(before_old);
}

/* Somebody else has renamed the full file just before us: the new one is not put over it. */
static void test_renamed_once(void **state)
{
	const off_t full = TALLY_FILE_RECORDS * 16;

	(void)state;
	for (int i = 0; i < TALLY_FILE_RECORDS - 3; i++)
		assert_int_equal(tally_succeed(tally_dir, UID, NULL, T), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(try_at(T), 0);
	before_flock = rename_now;
	assert_int_equal(try_at(T), 0);
	assert_null(before_flock);
	assert_int_equal(tally_size(".old"), full);
	assert_int_equal(tally_size(""), 16);
	assert_int_equal(tally_now(T, NULL, &five).failures, 4);
}

/* An administrator's unlock runs against tries all the time; afterwards all is as it was. */
static int clear_often(unsigned int i)
{
	for (int n = 0; n < 200; n++) {
		if (i == 0) {
			if (tally_clear(tally_dir, UID) != 0)
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
	assert_true(tally_now(T, NULL, &five).locked);
	assert_int_equal(tally_now(T, NULL, &five).failures >= 5, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TALLY_TEST(test_cannot_append), TALLY_TEST(test_parallel_limit),
		TALLY_TEST(test_growth),        TALLY_TEST(test_rename_keeps_the_lock),
		TALLY_TEST(test_frozen_holder), TALLY_TEST(test_file_goes_away),
		TALLY_TEST(test_renamed_once),  TALLY_TEST(test_clear_in_parallel),
	};

	return cmocka_run_group_tests(tests, make_tally_dir, remove_tally_dir);
}
