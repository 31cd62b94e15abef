/*
 * libnss_muster.so.2 over damaged files, with the mapping and with pread: the right answer or "not available"; never
 * a signal, another answer, "no such user", or ERANGE, after which glibc would grow its buffer for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/nss_host.h"

static const struct sample sample = {.n_users = 4, .n_shared = 5, .n_big = 3, .generation = 1};
static const char *const paths[] = {RUN_SNAPSHOT, LIB_SNAPSHOT};

static uint8_t *good;
static size_t good_len;

static char buffer[8192];
static int e;

static bool unavailable(enum nss_status st)
{
	return st == NSS_STATUS_UNAVAIL && e != ERANGE && e != 0;
}

static void ask_user(uint32_t i)
{
	struct sample_text t;
	struct snapshot_user u = sample_user(&sample, i, &t);
	enum nss_status st;
	struct passwd pw;

	st = module.getpwnam(u.name, &pw, buffer, sizeof buffer, &e);
	CHECK(unavailable(st) || (st == NSS_STATUS_SUCCESS && passwd_right(&pw, &sample, i)));
	st = module.getpwuid(u.uid, &pw, buffer, sizeof buffer, &e);
	CHECK(unavailable(st) || (st == NSS_STATUS_SUCCESS && passwd_right(&pw, &sample, i)));
}

static void ask_groups_of(uint32_t i)
{
	uint32_t want[SAMPLE_GROUPS_OF + 2], n_want = sample_gids(&sample, i, want);
	long int start = 1, size = 1;
	gid_t *list = malloc(sizeof *list);
	struct sample_text t;
	struct snapshot_user u = sample_user(&sample, i, &t);
	enum nss_status st = module.initgroups(u.name, u.gid, &start, &size, &list, -1, &e);

	CHECK(unavailable(st) || st == NSS_STATUS_SUCCESS);
	CHECK(start == (st == NSS_STATUS_SUCCESS ? n_want : 1));
	CHECK(start == 1 || memcmp(list + 1, want + 1, (n_want - 1) * sizeof *want) == 0);
	free(list);
}

static void check_group(enum nss_status st, const struct group *g, gid_t gid, const char *name,
			uint32_t n_members)
{
	struct sample_text t;
	uint32_t n = 0;

	if (unavailable(st))
		return;
	CHECK(st == NSS_STATUS_SUCCESS);
	CHECK(g->gr_gid == gid && strcmp(g->gr_name, name) == 0);
	for (; g->gr_mem[n]; n++)
		CHECK(strcmp(g->gr_mem[n], sample_user(&sample, n, &t).name) == 0);
	CHECK(n == n_members);
}

/* In order and complete, up to where it is not available. */
static void ask_enumeration(void)
{
	enum nss_status st = NSS_STATUS_SUCCESS;
	struct passwd pw;
	struct group gr;

	module.setpwent(0);
	for (uint32_t i = 0; i < sample.n_users && st == NSS_STATUS_SUCCESS; i++) {
		st = module.getpwent(&pw, buffer, sizeof buffer, &e);
		CHECK(unavailable(st) ||
		      (st == NSS_STATUS_SUCCESS && passwd_right(&pw, &sample, i)));
	}
	if (st == NSS_STATUS_SUCCESS)
		CHECK(module.getpwent(&pw, buffer, sizeof buffer, &e) == NSS_STATUS_NOTFOUND);
	module.setgrent(0);
	st = NSS_STATUS_SUCCESS;
	for (uint32_t i = 0; i <= sample.n_users + sample.n_shared && st == NSS_STATUS_SUCCESS; i++) {
		st = module.getgrent(&gr, buffer, sizeof buffer, &e);
		CHECK(unavailable(st) || st == NSS_STATUS_SUCCESS);
	}
}

static void ask_all(const void *ctx)
{
	struct group gr;

	(void)ctx;
	for (uint32_t i = 0; i < sample.n_users; i++) {
		ask_user(i);
		ask_groups_of(i);
	}
	check_group(module.getgrgid(SAMPLE_BIG_GID, &gr, buffer, sizeof buffer, &e), &gr,
		    SAMPLE_BIG_GID, SAMPLE_BIG, sample.n_big);
	check_group(module.getgrnam("team004", &gr, buffer, sizeof buffer, &e), &gr, SAMPLE_GID + 4,
		    "team004", sample.n_users);
	check_group(module.getgrnam("user000002", &gr, buffer, sizeof buffer, &e), &gr,
		    SAMPLE_UID + 2, "user000002", 0);
	ask_enumeration();
}

/* No question has an answer. */
static void ask_in_vain(const void *ctx)
{
	struct passwd pw;
	struct group gr;

	ask_all(ctx);
	CHECK(unavailable(module.getpwnam("user000001", &pw, buffer, sizeof buffer, &e)));
	CHECK(unavailable(module.getgrgid(SAMPLE_BIG_GID, &gr, buffer, sizeof buffer, &e)));
	CHECK(unavailable(module.getpwent(&pw, buffer, sizeof buffer, &e)));
	CHECK(snapshot_mappings() == 0);
}

static int file_new(const char *path)
{
	int fd;

	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, good, good_len), good_len);
	return fd;
}

static void test_every_byte_flipped(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(paths); p++) {
		int fd = file_new(paths[p]);

		for (size_t i = 0; i < good_len; i++) {
			uint8_t flipped = (uint8_t)(good[i] ^ (1u << (i + p) % 8));

			assert_int_equal(pwrite(fd, &flipped, 1, (off_t)i), 1);
			assert_int_equal(in_child(ask_all, NULL), 0);
			assert_int_equal(pwrite(fd, &good[i], 1, (off_t)i), 1);
		}
		close(fd);
		unlink(paths[p]);
	}
}

static void test_truncated(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(paths); p++) {
		int fd = file_new(paths[p]);

		for (size_t n = good_len - 1; n > 0; n = (n - 1) & ~(size_t)511) {
			assert_int_equal(ftruncate(fd, (off_t)n), 0);
			assert_int_equal(in_child(ask_in_vain, NULL), 0);
		}
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(in_child(ask_in_vain, NULL), 0);
		close(fd);
		unlink(paths[p]);
	}
}

static void test_random_bytes(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(paths); p++) {
		int fd = file_new(paths[p]);

		for (int round = 0; round < 50; round++) {
			for (size_t i = round == 0 ? 0 : 512; i < good_len; i++) {
				uint8_t byte = (uint8_t)random();

				assert_int_equal(pwrite(fd, &byte, 1, (off_t)i), 1);
			}
			assert_int_equal(in_child(ask_all, NULL), 0);
		}
		close(fd);
		unlink(paths[p]);
	}
}

/* What root never publishes: another mode, owner or kind of file. */
static void test_wrong_kinds(void **state)
{
	static const mode_t modes[] = {0664, 0646, 0666, 0777};

	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(paths); p++) {
		int fd = file_new(paths[p]);

		for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
			assert_int_equal(fchmod(fd, modes[i]), 0);
			assert_int_equal(in_child(ask_in_vain, NULL), 0);
		}
		assert_int_equal(fchmod(fd, 0644), 0);
		assert_int_equal(in_child(ask_all, NULL), 0);
		if (geteuid() == 0) {
			assert_int_equal(fchown(fd, 65534, 65534), 0);
			assert_int_equal(in_child(ask_in_vain, NULL), 0);
			assert_int_equal(fchown(fd, 0, 0), 0);
		}
		close(fd);
		assert_int_equal(rename(paths[p], "lib/aside"), 0);
		assert_int_equal(symlink("../lib/aside", paths[p]), 0);
		assert_int_equal(in_child(ask_in_vain, NULL), 0);
		assert_int_equal(unlink(paths[p]), 0);
		assert_int_equal(symlink("/dev/zero", paths[p]), 0);
		assert_int_equal(in_child(ask_in_vain, NULL), 0);
		assert_int_equal(unlink(paths[p]), 0);
		assert_int_equal(mkfifo(paths[p], 0644), 0);
		assert_int_equal(in_child(ask_in_vain, NULL), 0);
		assert_int_equal(unlink(paths[p]), 0);
		assert_int_equal(mkdir(paths[p], 0755), 0);
		assert_int_equal(in_child(ask_in_vain, NULL), 0);
		assert_int_equal(rmdir(paths[p]), 0);
		assert_int_equal(unlink("lib/aside"), 0);
	}
}

static int setup(void **state)
{
	struct stat st;
	int fd;

	if (nss_host_enter(state) < 0 || sample_publish(&sample, RUN_SNAPSHOT) < 0)
		return -1;
	fd = open(RUN_SNAPSHOT, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	good_len = (size_t)st.st_size;
	good = malloc(good_len);
	if (!good || read(fd, good, good_len) != st.st_size)
		return -1;
	close(fd);
	return unlink(RUN_SNAPSHOT);
}

static int teardown(void **state)
{
	free(good);
	return nss_host_leave(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_flipped),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_wrong_kinds),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
