/* common/used_code: each step once, whoever else takes one at the same time. */
#include "common/used_code.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/str.h"
#include "tests/unit/unit.h"

#define UID      5001
#define CHILDREN 24
#define STEPS    40
#define FIRST    1000

static char dir[64];

static char *file(const char *name)
{
	static char out[128];

	assert_int_equal(str_print(out, sizeof(out), "%s/" USED_CODE_DIR "/%s", dir, name), 0);
	return out;
}

static int setup(void **state)
{
	(void)state;
	if (str_print(dir, sizeof(dir), "/tmp/test_used_code.XXXXXX") < 0 || !mkdtemp(dir))
		return -1;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)type, (void)where;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The names of what is kept for UID, without "." and "..". */
static int count_kept(void)
{
	DIR *d = opendir(file("5001"));
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void test_once(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(used_code_take(dir, UID, 100), 0);
	assert_int_equal(used_code_take(dir, UID, 100), -EEXIST);
	assert_int_equal(used_code_take(dir, UID, 99), -EEXIST);
	assert_int_equal(used_code_take(dir, UID, 0), -EEXIST);
	assert_int_equal(used_code_take(dir, UID + 1, 100), 0);
	assert_int_equal(used_code_take(dir, UID, 102), 0);
	assert_int_equal(used_code_take(dir, UID, 101), -EEXIST);
	assert_int_equal(used_code_take(dir, UID, UINT32_MAX), -EINVAL);
	assert_int_equal(used_code_take(dir, UID, UINT32_MAX - 1), 0);
	assert_int_equal(count_kept(), 1); /* the last stands for all before */
	assert_int_equal(used_code_forget(dir, UID), 0);
	assert_int_equal(access(file("5001"), F_OK), -1);
	assert_int_equal(used_code_forget(dir, UID), 0);
	assert_int_equal(used_code_take(dir, UID, 1), 0);
	assert_int_equal(stat(file(""), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

/* su inherits its caller's. */
static void test_umask(void **state)
{
	mode_t old = umask(0777);
	struct stat st;

	(void)state;
	assert_int_equal(used_code_take(dir, UID, 100), 0);
	umask(old);
	assert_int_equal(used_code_take(dir, UID, 100), -EEXIST);
	assert_int_equal(stat(file("5001"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void test_cannot_record(void **state)
{
	char nowhere[96];

	(void)state;
	snprintf(nowhere, sizeof(nowhere), "%s/nowhere", dir);
	assert_int_equal(used_code_take(nowhere, UID, 100), -ENOENT);
	assert_int_equal(used_code_take(dir, UID, 100), 0);
	assert_int_equal(chmod(file("5001"), 0711), 0); /* somebody else may have been in it */
	assert_int_equal(used_code_take(dir, UID, 101), -EPERM);
	assert_int_equal(symlink("/tmp", file("5002")), 0);
	assert_int_equal(used_code_take(dir, 5002, 100), -EPERM);
	assert_int_equal(mkfifo(file("5003"), 0600), 0);
	assert_int_equal(used_code_take(dir, 5003, 100), -EPERM);
	if (geteuid() == 0)
		return; /* may write everywhere */
	assert_int_equal(chmod(file("5001"), 0500), 0);
	assert_int_equal(used_code_take(dir, UID, 101), -EACCES);
	assert_int_equal(chmod(file("5001"), 0700), 0);
}

/* Whatever else lies there is left alone, and hides nothing. */
static void test_foreign_names(void **state)
{
	static const char *const names[] = {"x", "-1", "+99999", "4294967296", "0x10", ".5"};
	char name[32];

	(void)state;
	assert_int_equal(used_code_take(dir, UID, 100), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(name, sizeof(name), "5001/%s", names[i]);
		close(open(file(name), O_WRONLY | O_CREAT, 0600));
	}
	assert_int_equal(used_code_take(dir, UID, 100), -EEXIST);
	assert_int_equal(used_code_take(dir, UID, 101), 0);
	assert_int_equal(count_kept(), 1 + (int)ARRAY_SIZE(names));
}

/* Every child tries every step, with its neighbours, as fast as it can. */
static void try_all(atomic_int *taken)
{
	for (uint32_t s = 0; s < STEPS; s++)
		for (uint32_t skew = 0; skew < 3; skew++)
			if (used_code_take(dir, UID, FIRST + s + skew) == 0)
				taken[s + skew]++;
}

static void test_race(void **state)
{
	atomic_int *taken =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, all = 0;

	(void)state;
	assert_ptr_not_equal(taken, MAP_FAILED);
	for (int i = 0; i < CHILDREN; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			try_all(taken);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	for (int s = 0; s < STEPS + 2; s++) {
		assert_true(taken[s] <= 1);
		all += taken[s];
	}
	assert_true(all > 0);
	assert_int_equal(taken[STEPS + 1], 1); /* nothing later refuses the last */
	assert_int_equal(used_code_take(dir, UID, FIRST + STEPS + 2),
			 0); /* tidies up after those who came too late */
	assert_int_equal(count_kept(), 1);
	munmap(taken, 4096);
}

#define USED_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		USED_TEST(test_once),          USED_TEST(test_umask), USED_TEST(test_cannot_record),
		USED_TEST(test_foreign_names), USED_TEST(test_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
