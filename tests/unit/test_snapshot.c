/*
 * Snapshots: what the writer was given comes back; what is damaged, anywhere, is an error and never another answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/names.h"
#include "common/snapshot_format.h"
#include "common/snapshot_writer.h"
#include "tests/unit/sample.h"

static char path[] = "test_snapshot.XXXXXX";

static const struct sample sample = {
	.n_users = 1000, .n_shared = 20, .n_big = 900, .n_local = 700, .generation = 7};

static int file_new(mode_t mode)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	return fd;
}

static struct snapshot *sample_open(const struct sample *s)
{
	struct snapshot *ret;
	int fd = file_new(0644);

	assert_int_equal(sample_write(s, fd), 0);
	close(fd);
	assert_int_equal(snapshot_open(path, SNAPSHOT_NSS, &ret), 0);
	return ret;
}

static void assert_user(const struct snapshot_user *got, const struct sample *s, uint32_t i)
{
	struct sample_text t;
	struct snapshot_user want = sample_user(s, i, &t);

	assert_string_equal(got->name, want.name);
	assert_string_equal(got->gecos, want.gecos);
	assert_string_equal(got->home, want.home);
	assert_string_equal(got->shell, want.shell);
	assert_int_equal(got->uid, want.uid);
	assert_int_equal(got->gid, want.gid);
}

static void assert_gids(struct snapshot *s, const char *name, uint32_t i, struct buf *b)
{
	uint32_t want[SAMPLE_GROUPS_OF + 4], n_want = sample_gids(&sample, i, want), n = 0;

	n_want += sample_local_gids(&sample, i, want + n_want);
	assert_int_equal(snapshot_gids(s, name, b, &n), 0);
	assert_int_equal(n, n_want);
	assert_memory_equal(b->data, want, n * sizeof *want);
}

static void check_users(struct snapshot *s)
{
	struct snapshot_user u;
	struct strlist keys;
	struct buf b = {0};
	char name[32];

	for (uint32_t i = 0; i < sample.n_users; i++) {
		snprintf(name, sizeof name, "user%06u", i);
		assert_int_equal(snapshot_user_by_name(s, name, &b, &u), 0);
		assert_user(&u, &sample, i);
		assert_int_equal(snapshot_user_by_uid(s, SAMPLE_UID + i, &b, &u), 0);
		assert_user(&u, &sample, i);
		assert_gids(s, name, i, &b);
		assert_int_equal(snapshot_keys(s, name, &b, &keys), 0);
		assert_int_equal(keys.count, i % 10 == 0 ? 2 : 0);
		snprintf(name, sizeof name, "user%06u", i + sample.n_users);
		assert_int_equal(snapshot_user_by_name(s, name, &b, &u), -ESRCH);
		assert_int_equal(snapshot_user_by_uid(s, SAMPLE_UID + sample.n_users + i, &b, &u),
				 -ESRCH);
	}
	assert_int_equal(snapshot_user_by_name(s, "user0", &b, &u), -ESRCH);
	assert_int_equal(snapshot_user_by_name(s, "", &b, &u), -ESRCH);
	assert_int_equal(snapshot_user_by_name(s, "../user000001", &b, &u), -ESRCH);
	assert_int_equal(snapshot_user_by_uid(s, 0, &b, &u), -ESRCH);
	assert_int_equal(snapshot_user_by_uid(s, UINT32_MAX, &b, &u), -ESRCH);
	assert_int_equal(snapshot_info(s)->generation, 7);
	assert_int_equal(snapshot_info(s)->n_users, sample.n_users);
	assert_int_equal(snapshot_info(s)->n_groups, sample.n_users + sample.n_shared + 1);
	assert_int_equal(snapshot_info(s)->id_min, SAMPLE_UID);
	assert_int_equal(snapshot_info(s)->id_max, SAMPLE_BIG_GID);
	assert_int_equal(snapshot_verify(s), 0);
	buf_done(&b);
}

static void test_users(void **state)
{
	struct snapshot *s = sample_open(&sample);

	(void)state;
	check_users(s);
	snapshot_close(s);
}

/* Read into memory, it answers the same; also when the file is cut after that, and not before. */
static void test_loaded(void **state)
{
	struct snapshot *s = sample_open(&sample);
	struct snapshot_group g;
	struct buf b = {0};

	(void)state;
	assert_int_equal(snapshot_load(s), 0);
	assert_int_equal(truncate(path, 1000), 0);
	check_users(s);
	assert_int_equal(snapshot_group_by_name(s, SAMPLE_BIG, &b, &g), 0);
	assert_int_equal(g.members.count, sample.n_big);
	assert_int_equal(snapshot_load(s), -EBADMSG);
	check_users(s);
	buf_done(&b);
	snapshot_close(s);
}

static void assert_big(const struct snapshot_group *g)
{
	const char *m = NULL;
	uint32_t i = 0;
	char name[32];

	assert_string_equal(g->name, SAMPLE_BIG);
	assert_int_equal(g->gid, SAMPLE_BIG_GID);
	assert_int_equal(g->members.count, sample.n_big);
	while ((m = strlist_next(&g->members, m))) {
		snprintf(name, sizeof name, "user%06u", i++);
		assert_string_equal(m, name);
	}
	assert_int_equal(i, sample.n_big);
}

static void test_groups(void **state)
{
	struct snapshot *s = sample_open(&sample);
	struct snapshot_group g;
	struct buf b = {0};

	(void)state;
	assert_int_equal(snapshot_group_by_name(s, SAMPLE_BIG, &b, &g), 0);
	assert_big(&g);
	assert_int_equal(snapshot_group_by_gid(s, SAMPLE_BIG_GID, &b, &g), 0);
	assert_big(&g);
	assert_int_equal(snapshot_group_by_gid(s, SAMPLE_UID + 5, &b, &g), 0);
	assert_string_equal(g.name, "user000005");
	assert_int_equal(g.members.count, 0);
	assert_int_equal(snapshot_group_by_name(s, "team003", &b, &g), 0);
	assert_int_equal(g.members.count, sample.n_users * SAMPLE_GROUPS_OF / sample.n_shared);
	assert_true(strlist_has(&g.members, "user000003"));
	assert_false(strlist_has(&g.members, "user000004"));
	assert_int_equal(snapshot_group_by_name(s, "sudo", &b, &g), -ESRCH);
	assert_int_equal(snapshot_group_by_gid(s, 27, &b, &g), -ESRCH);
	buf_done(&b);
	snapshot_close(s);
}

static void test_walk(void **state)
{
	struct snapshot *s = sample_open(&sample);
	struct snapshot_group g = {0};
	struct snapshot_user u = {0};
	struct buf b = {0};
	uint32_t n = 0;

	(void)state;
	while (snapshot_user_next(s, u.uid, &b, &u) == 0)
		assert_user(&u, &sample, n++);
	assert_int_equal(n, sample.n_users);
	assert_int_equal(snapshot_user_next(s, u.uid, &b, &u), -ESRCH);
	assert_int_equal(snapshot_user_next(s, SAMPLE_UID + 500, &b, &u), 0);
	assert_user(&u, &sample, 501);
	for (n = 0; snapshot_group_next(s, g.gid, &b, &g) == 0; n++)
		;
	assert_int_equal(n, sample.n_users + sample.n_shared + 1);
	assert_int_equal(g.gid, SAMPLE_BIG_GID);
	buf_done(&b);
	snapshot_close(s);
}

/* Local groups are told apart from the others: no list and no search of those has them. */
static void test_local_groups(void **state)
{
	struct snapshot *s = sample_open(&sample);
	struct snapshot_group g;
	struct buf b = {0};
	uint32_t place = 0, seen = 0;

	(void)state;
	while (snapshot_local_group_next(s, &place, &b, &g) == 0) {
		bool docker = g.gid == SAMPLE_DOCKER;

		assert_string_equal(g.name, docker ? "docker" : "plugdev");
		assert_int_equal(g.gid, docker ? SAMPLE_DOCKER : SAMPLE_PLUGDEV);
		assert_int_equal(g.members.count, docker ? 350 : 700);
		seen += docker ? 1 : 16;
	}
	assert_int_equal(seen, 17);
	assert_int_equal(snapshot_local_group_next(s, &place, &b, &g), -ESRCH);
	assert_int_equal(snapshot_group_by_name(s, "docker", &b, &g), -ESRCH);
	assert_int_equal(snapshot_group_by_gid(s, SAMPLE_DOCKER, &b, &g), -ESRCH);
	assert_int_equal(snapshot_info(s)->id_min, SAMPLE_UID);
	buf_done(&b);
	snapshot_close(s);
}

static void test_writer_refuses_local(void **state)
{
	struct snapshot_info info = {.kind = SNAPSHOT_NSS, .generation = 1};
	static const uint32_t bad[] = {0, 65534, 65535, ID_TOP + 1, UINT32_MAX};
	struct snapshot_group g = {.name = "docker", .gid = 999};
	uint32_t gids[SNAPSHOT_GRANTS_MAX + 1] = {0};
	struct snapshot_writer *w;
	int fd = file_new(0644);

	(void)state;
	assert_int_equal(snapshot_writer_new(fd, &info, &w), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		g.gid = gids[0] = bad[i];
		assert_int_equal(snapshot_writer_local_group(w, &g), -EINVAL);
		assert_int_equal(snapshot_writer_grants(w, 5000, gids, 1), -EINVAL);
	}
	for (uint32_t i = 0; i < ARRAY_SIZE(gids); i++)
		gids[i] = i + 1;
	assert_int_equal(snapshot_writer_grants(w, 999, gids, 1), -EINVAL);
	assert_int_equal(snapshot_writer_grants(w, 5000, gids, ARRAY_SIZE(gids)), -EINVAL);
	assert_int_equal(snapshot_writer_grants(w, 5000, gids, SNAPSHOT_GRANTS_MAX), 0);
	g = (struct snapshot_group){.name = "a:b", .gid = 5000};
	assert_int_equal(snapshot_writer_local_group(w, &g), -EINVAL);
	g.name = "devs"; /* a gid of the same number as that uid */
	assert_int_equal(snapshot_writer_local_group(w, &g), 0);
	assert_int_equal(snapshot_writer_finish(w), 0);
	g.name = "others";
	assert_int_equal(snapshot_writer_local_group(w, &g), 0);
	assert_int_equal(snapshot_writer_finish(w), -EEXIST);
	snapshot_writer_free(w);
	close(fd);
}

static void assert_text(const struct buf *b, const char *text)
{
	assert_int_equal(b->len, strlen(text));
	assert_memory_equal(b->data, text, b->len);
}

static void test_pam(void **state)
{
	struct snapshot *s;
	struct buf b = {0};
	uint32_t uid = 0, n = 0;
	char text[64];
	int fd = file_new(0600);

	(void)state;
	assert_int_equal(sample_write_pam(&sample, fd), 0);
	close(fd);
	assert_int_equal(snapshot_open(path, SNAPSHOT_NSS, &s), -EBADMSG);
	assert_int_equal(snapshot_open(path, SNAPSHOT_PAM, &s), 0);
	while (snapshot_account_next(s, uid, &b, &uid) == 0) {
		snprintf(text, sizeof text, "account user%06u", n);
		assert_text(&b, text);
		assert_int_equal(uid, SAMPLE_UID + n++);
		assert_int_equal(snapshot_account(s, text + 8, &b), 0);
		assert_text(&b, text);
	}
	assert_int_equal(n, sample.n_users);
	assert_int_equal(snapshot_account(s, "nobody-here", &b), -ESRCH);
	assert_int_equal(snapshot_policy(s, &b), 0);
	assert_text(&b, "policy");
	assert_int_equal(snapshot_status(s, &b), 0);
	assert_text(&b, "status");
	assert_int_equal(snapshot_reject(s, 2, &b), 0);
	assert_text(&b, "reject2");
	assert_int_equal(snapshot_reject(s, 3, &b), -ESRCH);
	assert_int_equal(snapshot_dir_group(s, 1, &b), 0);
	assert_text(&b, "group1");
	assert_int_equal(snapshot_info(s)->n_groups, 2);
	assert_int_equal(snapshot_verify(s), 0);
	buf_done(&b);
	snapshot_close(s);
}

static void test_empty(void **state)
{
	struct sample none = {.generation = 1};
	struct snapshot *s = sample_open(&none);
	struct snapshot_group g;
	struct snapshot_user u;
	struct buf b = {0};

	(void)state;
	assert_int_equal(snapshot_user_by_name(s, "dora", &b, &u), -ESRCH);
	assert_int_equal(snapshot_user_by_uid(s, 1900000000, &b, &u), -ESRCH);
	assert_int_equal(snapshot_group_next(s, 0, &b, &g), -ESRCH);
	assert_int_equal(snapshot_verify(s), 0);
	buf_done(&b);
	snapshot_close(s);
}

static void test_file_kinds(void **state)
{
	struct snapshot *s = sample_open(&sample);
	static const mode_t bad_nss[] = {0664, 0646}, bad_pam[] = {0640, 0604, 0644};
	int fd;

	(void)state;
	snapshot_close(s);
	for (size_t i = 0; i < ARRAY_SIZE(bad_nss); i++) {
		assert_int_equal(chmod(path, bad_nss[i]), 0);
		assert_int_equal(snapshot_open(path, SNAPSHOT_NSS, &s), -EPERM);
	}
	fd = file_new(0600);
	assert_int_equal(sample_write_pam(&sample, fd), 0);
	close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(bad_pam); i++) {
		assert_int_equal(chmod(path, bad_pam[i]), 0);
		assert_int_equal(snapshot_open(path, SNAPSHOT_PAM, &s), -EPERM);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(snapshot_open(path, SNAPSHOT_PAM, &s), -ENOENT);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(snapshot_open(path, SNAPSHOT_PAM, &s), -EPERM);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_equal(snapshot_open(path, SNAPSHOT_PAM, &s), -EPERM);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(snapshot_open("/dev/zero", SNAPSHOT_NSS, &s), -EPERM);
	assert_int_equal(snapshot_open("/", SNAPSHOT_NSS, &s), -EPERM);
}

static void test_writer_refuses(void **state)
{
	struct snapshot_info info = {.kind = SNAPSHOT_NSS, .generation = 1};
	struct snapshot_user u = {"dora", "", "/home/dora", "/bin/sh", 5000, 5000};
	struct snapshot_group g = {.name = "team", .gid = 5001};
	uint32_t gids[] = {5000, 27};
	struct strlist keys = {0};
	struct snapshot_writer *w;
	char big[5000];
	int fd = file_new(0644);

	(void)state;
	assert_int_equal(snapshot_writer_new(fd, &info, &w), 0);
	assert_int_equal(snapshot_writer_user(w, &u, gids, 2, &keys), -EINVAL);
	assert_int_equal(snapshot_writer_user(w, &u, gids, 0, &keys), -EINVAL);
	gids[0] = 5001;
	assert_int_equal(snapshot_writer_user(w, &u, gids, 1, &keys), -EINVAL);
	gids[0] = 5000;
	u.uid = 0;
	assert_int_equal(snapshot_writer_user(w, &u, gids, 1, &keys), -EINVAL);
	u.uid = 5000;
	u.name = "a:b";
	assert_int_equal(snapshot_writer_user(w, &u, gids, 1, &keys), -EINVAL);
	u.name = "dora";
	memset(big, 'x', sizeof big);
	big[sizeof big - 1] = '\0';
	u.gecos = big;
	assert_int_equal(snapshot_writer_user(w, &u, gids, 1, &keys), -E2BIG);
	u.gecos = "";
	g.members = (struct strlist){.data = "b\0a", .len = 4, .count = 2};
	assert_int_equal(snapshot_writer_group(w, &g), -EINVAL);
	g.members = (struct strlist){.data = "a\0a", .len = 4, .count = 2};
	assert_int_equal(snapshot_writer_group(w, &g), -EINVAL);
	assert_int_equal(snapshot_writer_account(w, "dora", 5000, "", 0), -EINVAL);
	assert_int_equal(snapshot_writer_user(w, &u, gids, 1, &keys), 0);
	assert_int_equal(snapshot_writer_finish(w), 0);
	u.uid = 5005;
	assert_int_equal(snapshot_writer_user(w, &u, gids, 1, &keys), 0);
	assert_int_equal(snapshot_writer_finish(w), -EEXIST);
	snapshot_writer_free(w);
	close(fd);
}

/* Every question about one user and one group has the right answer, or an error that is not "not there". */
static void ask_all(struct snapshot *s, const struct sample *want)
{
	uint32_t gids[SAMPLE_GROUPS_OF + 4], n, n_own;
	struct snapshot_group g;
	struct snapshot_user u;
	struct buf b = {0};
	char name[32];
	int r;

	for (uint32_t i = 0; i < want->n_users; i++) {
		snprintf(name, sizeof name, "user%06u", i);
		r = snapshot_user_by_name(s, name, &b, &u);
		assert_true(r == 0 || r == -EBADMSG);
		if (r == 0)
			assert_user(&u, want, i);
		r = snapshot_user_by_uid(s, SAMPLE_UID + i, &b, &u);
		assert_true(r == 0 || r == -EBADMSG);
		if (r == 0)
			assert_user(&u, want, i);
		r = snapshot_gids(s, name, &b, &n);
		assert_true(r == 0 || r == -EBADMSG);
		if (r == 0) {
			n_own = sample_gids(want, i, gids);
			assert_int_equal(n, n_own + sample_local_gids(want, i, gids + n_own));
			assert_memory_equal(b.data, gids, n * sizeof *gids);
		}
		r = snapshot_user_next(s, SAMPLE_UID + i - 1, &b, &u);
		assert_true(r == 0 || r == -EBADMSG);
		if (r == 0)
			assert_user(&u, want, i);
	}
	r = snapshot_group_by_name(s, SAMPLE_BIG, &b, &g);
	assert_true(r == 0 || r == -EBADMSG);
	r = r == 0 ? snapshot_group_by_gid(s, SAMPLE_BIG_GID, &b, &g) : r;
	assert_true(r == 0 || r == -EBADMSG);
	if (r == 0) {
		assert_int_equal(g.members.count, want->n_big);
		assert_string_equal(g.members.data, "user000000");
	}
	assert_int_not_equal(snapshot_group_by_name(s, "nobody-here", &b, &g), 0);
	n = 0;
	do
		r = snapshot_local_group_next(s, &n, &b, &g);
	while (r == 0 && g.members.count == (g.gid == SAMPLE_DOCKER ? (want->n_local + 1) / 2 : want->n_local));
	assert_true(r == -ESRCH || r == -EBADMSG);
	buf_done(&b);
}

/* MUST: the damage is where snapshot_verify() looks. */
static void assert_damage_seen(const struct sample *want, bool must)
{
	struct snapshot *s;
	int r = snapshot_open(path, SNAPSHOT_NSS, &s);

	if (r == -EBADMSG)
		return;
	assert_int_equal(r, 0);
	r = snapshot_verify(s);
	assert_true(r == -EBADMSG || (r == 0 && !must));
	ask_all(s, want);
	snapshot_close(s);
}

static uint8_t *file_read(size_t *ret_len)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *data;

	assert_int_equal(fstat(fd, &st), 0);
	data = malloc((size_t)st.st_size);
	assert_int_equal(read(fd, data, (size_t)st.st_size), st.st_size);
	close(fd);
	*ret_len = (size_t)st.st_size;
	return data;
}

static void test_every_byte_flipped(void **state)
{
	struct sample small = {.n_users = 6, .n_shared = 5, .n_big = 3, .n_local = 3, .generation = 3};
	struct snapshot *s = sample_open(&small);
	size_t len;
	uint8_t *data = file_read(&len);
	int fd = open(path, O_RDWR | O_CLOEXEC);

	(void)state;
	snapshot_close(s);
	for (size_t i = 0; i < len; i++) {
		uint8_t flipped = (uint8_t)(data[i] ^ (1u << i % 8));

		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)i), 1);
		assert_damage_seen(&small, data[i] != 0); /* 0: may be padding */
		assert_int_equal(pwrite(fd, &data[i], 1, (off_t)i), 1);
	}
	close(fd);
	free(data);
}

static void test_truncated(void **state)
{
	struct snapshot *s = sample_open(&sample);
	size_t len;
	uint8_t *data = file_read(&len);

	(void)state;
	snapshot_close(s);
	for (size_t n = len - 1; n > 0; n = (n - 1) & ~(size_t)511) {
		assert_int_equal(truncate(path, (off_t)n), 0);
		assert_int_equal(snapshot_open(path, SNAPSHOT_NSS, &s), -EBADMSG);
	}
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(snapshot_open(path, SNAPSHOT_NSS, &s), -EBADMSG);
	free(data);
}

/* A page of an older file of the same shape, in its old place: each byte is good, the whole is not. */
static void test_page_of_another_generation(void **state)
{
	struct sample small = {.n_users = 60, .n_shared = 5, .n_big = 3, .n_local = 9, .generation = 3};
	struct snapshot *s = sample_open(&small);
	size_t len, len_old;
	uint8_t *old = file_read(&len_old), *data;
	int fd;

	(void)state;
	snapshot_close(s);
	small.generation = 4;
	snapshot_close(sample_open(&small));
	data = file_read(&len);
	assert_int_equal(len, len_old);
	fd = open(path, O_RDWR | O_CLOEXEC);
	for (size_t at = 0; at + 512 <= len; at += 512) {
		if (memcmp(old + at, data + at, 512) == 0)
			continue; /* the middle of a long list of members */
		assert_int_equal(pwrite(fd, old + at, 512, (off_t)at), 512);
		assert_damage_seen(&small, true);
		assert_int_equal(pwrite(fd, data + at, 512, (off_t)at), 512);
	}
	close(fd);
	free(old);
	free(data);
}

static void test_deterministic(void **state)
{
	size_t len, len2;
	uint8_t *a, *b;

	(void)state;
	snapshot_close(sample_open(&sample));
	a = file_read(&len);
	snapshot_close(sample_open(&sample));
	b = file_read(&len2);
	assert_int_equal(len, len2);
	assert_memory_equal(a, b, len);
	free(a);
	free(b);
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_loaded),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_local_groups),
		cmocka_unit_test(test_writer_refuses_local),
		cmocka_unit_test(test_pam),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_file_kinds),
		cmocka_unit_test(test_writer_refuses),
		cmocka_unit_test(test_every_byte_flipped),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_page_of_another_generation),
		cmocka_unit_test(test_deterministic),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
