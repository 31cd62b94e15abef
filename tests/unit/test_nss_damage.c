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

#include "common/snapshot_source.h"
#include "tests/unit/nss_host.h"

static const struct sample sample = {.n_users = 4, .n_shared = 5, .n_big = 3, .n_local = 2, .generation = 1};
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
	uint32_t want[SAMPLE_GROUPS_OF + 4], n_want = sample_gids(&sample, i, want);
	long int start = 1, size = 1;
	gid_t *list = malloc(sizeof *list);
	struct sample_text t;
	struct snapshot_user u = sample_user(&sample, i, &t);
	enum nss_status st = module.initgroups(u.name, u.gid, &start, &size, &list, -1, &e);

	n_want += sample_local_gids(&sample, i, want + n_want);
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
	check_group(module.getgrgid(SAMPLE_PLUGDEV, &gr, buffer, sizeof buffer, &e), &gr, SAMPLE_PLUGDEV,
		    "plugdev", sample.n_local);
	check_group(module.getgrnam("docker", &gr, buffer, sizeof buffer, &e), &gr, SAMPLE_DOCKER,
		    "docker", 1);
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
	CHECK(unavailable(module.getgrgid(SAMPLE_DOCKER, &gr, buffer, sizeof buffer, &e)));
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

/* ---- forged, with right checksums: what only musterd could have written must not leave either */

enum grant { OF_USER, PLUGDEV, DOCKER };

/* Where the grant record is in GOOD. */
static size_t grant_at(enum grant which)
{
	static const char *const names[] = {[OF_USER] = "", [PLUGDEV] = "plugdev", [DOCKER] = "docker"};

	for (size_t at = SNAPSHOT_HEADER_SIZE; at + sizeof(struct snapshot_group_record) < good_len; at += SNAPSHOT_ALIGN) {
		struct snapshot_list_record h;
		const char *name = (const char *)good + at + sizeof h;

		memcpy(&h, good + at, sizeof h);
		if (le16toh(h.head.type) != SNAPSHOT_RECORD_GRANT || le32toh(h.head.length) > 64 ||
		    le16toh(h.head.name_len) != strlen(names[which]))
			continue;
		if (which == OF_USER ? le32toh(h.uid) == SAMPLE_UID : strcmp(name, names[which]) == 0)
			return at;
	}
	fail_msg("there is no such grant");
	return 0;
}

/* LEN bytes at AT are DATA, in a grant that begins at RECORD; CTX of the child is asked for them. */
static void forge(size_t record, size_t at, const void *data, size_t len, void (*ask)(const void *ctx))
{
	uint8_t *kept = malloc(good_len);
	struct snapshot_header header;
	struct snapshot_head h;
	uint64_t sum;

	assert_non_null(kept);
	memcpy(kept, good, good_len);
	memcpy(good + record + at, data, len);
	memcpy(&header, good, sizeof header);
	memcpy(&h, good + record, sizeof h);
	sum = htole64(snapshot_sum(good + record + sizeof sum, le32toh(h.length) - sizeof sum,
				   le64toh(header.salt) + record));
	memcpy(good + record, &sum, sizeof sum);
	for (size_t p = 0; p < ARRAY_SIZE(paths); p++) {
		close(file_new(paths[p]));
		assert_int_equal(in_child(ask, NULL), 0);
		unlink(paths[p]);
	}
	memcpy(good, kept, good_len);
	free(kept);
}

static void ask_forged_user(const void *ctx)
{
	long int start = 1, size = 1;
	gid_t *list = malloc(sizeof *list);

	(void)ctx;
	CHECK(unavailable(module.initgroups("user000000", SAMPLE_UID, &start, &size, &list, -1, &e)));
	CHECK(start == 1);
	free(list);
	ask_user(0); /* all the rest is as it was */
	ask_groups_of(1);
}

static void ask_forged_group(const void *ctx)
{
	struct group gr;

	(void)ctx;
	CHECK(unavailable(module.getgrnam("plugdev", &gr, buffer, sizeof buffer, &e)) ||
	      module.getgrnam("plugdev", &gr, buffer, sizeof buffer, &e) == NSS_STATUS_NOTFOUND);
	CHECK(module.getgrgid(0, &gr, buffer, sizeof buffer, &e) == NSS_STATUS_NOTFOUND);
	ask_groups_of(0);
	check_group(module.getgrnam("docker", &gr, buffer, sizeof buffer, &e), &gr, SAMPLE_DOCKER,
		    "docker", 1);
}

static void test_forged_grants(void **state)
{
	static const uint32_t bad[] = {0, 65534, 65535, 2147483648u, UINT32_MAX};
	static const uint32_t counts[] = {0, 1, 3, UINT32_MAX};
	const size_t user = grant_at(OF_USER), plugdev = grant_at(PLUGDEV);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint32_t id = htole32(bad[i]);

		forge(user, 24, &id, sizeof id, ask_forged_user);
		forge(user, 28, &id, sizeof id, ask_forged_user);
		forge(plugdev, 16, &id, sizeof id, ask_forged_group);
	}
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		uint32_t n = htole32(counts[i]);

		forge(user, 20, &n, sizeof n, ask_forged_user);
		forge(plugdev, 20, &n, sizeof n, ask_forged_group);
	}
	forge(plugdev, 24, "pl:gdev", 7, ask_forged_group);
	forge(plugdev, 24, "plugdev\n", 8, ask_forged_group);
	forge(plugdev, 32, "user000000:", 11, ask_forged_group);
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
		cmocka_unit_test(test_forged_grants),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
