/* Snapshots made from a world, brought to a directory, and every way in which that can fail. */
#include "tests/unit/world_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "agentd/publish.h"
#include "common/paths.h"
#include "common/snapshot_reader.h"
#include "common/verifier.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"

static char dir[] = "/tmp/muster-publish-XXXXXX";
static char error[PUBLISH_ERROR_SIZE];

static const char *path_of(const char *name)
{
	static char path[128];

	assert_int_equal(str_print(path, sizeof(path), "%s/%s", dir, name), 0);
	return path;
}

/* WHERE: the directory that they are made in; NULL: in memory. */
static void make_in(struct fixture *f, uint64_t generation, const char *where, struct snapshots *ret)
{
	struct policy policy = {.portal_url = "", .dummy_hash = VERIFIER_DUMMY, .max_attempts = 7};
	struct sync_status status = {.directory_url = "file:///x", .driver = "document", .last_error = "",
				     .serial = 3};
	struct snapshots_input in = {&policy, &status, generation, NOW, NOW, where};

	assert_int_equal(snapshots_build(&f->world, &in, ret), 0);
}

static void make(struct fixture *f, uint64_t generation, struct snapshots *ret)
{
	make_in(f, generation, NULL, ret);
}

static void small_world(struct fixture *f)
{
	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gecos = "Dora", .sudo = true,
	     .ssh_keys = {KEY, sizeof(KEY), 1});
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .ssh_keys = {KEY, sizeof(KEY), 1},
	     .state = USER_SUSPENDED);
	USER(f, .id = "u3", .name = "root", .uid = 5003);
	GROUP(f, .id = "g1", .name = "Team", .posix = {{"team", 6000}}, .n_posix = 1);
	fixture_members(f, "g1", "u2", "u1", NULL);
	fixture_build(f);
}

static struct snapshot *reader(const char *name, enum snapshot_kind kind)
{
	struct snapshot *s = NULL;

	assert_int_equal(snapshot_open(path_of(name), kind, &s), 0);
	return s;
}

static uint64_t generation(const char *name, enum snapshot_kind kind)
{
	CLEANUP(snapshot_closep) struct snapshot *s = reader(name, kind);

	return snapshot_info(s)->generation;
}

static void assert_generations(uint64_t expected)
{
	assert_int_equal(generation(NSS_SNAPSHOT, SNAPSHOT_NSS), expected);
	assert_int_equal(generation(PAM_SNAPSHOT, SNAPSHOT_PAM), expected);
}

static unsigned int count_files(void)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(path_of(name), &st), 0);
	return st.st_mode & 07777;
}

static void test_contents(void **state)
{
	struct fixture *f = *state;
	CLEANUP(snapshots_done) struct snapshots made = {-1, -1};
	CLEANUP(snapshot_closep) struct snapshot *nss = NULL;
	CLEANUP(snapshot_closep) struct snapshot *pam = NULL;
	CLEANUP(buf_done) struct buf b = {0};
	struct snapshot_group group;
	struct snapshot_user user;
	struct strlist keys;
	struct account a;
	struct reject j;
	uint32_t n;

	small_world(f);
	make(f, 5, &made);
	assert_int_equal(publish(dir, &made, error), 0);
	assert_string_equal(error, "");
	assert_int_equal(mode_of(NSS_SNAPSHOT), 0644);
	assert_int_equal(mode_of(PAM_SNAPSHOT), 0600);
	assert_int_equal(count_files(), 2);
	nss = reader(NSS_SNAPSHOT, SNAPSHOT_NSS);
	pam = reader(PAM_SNAPSHOT, SNAPSHOT_PAM);
	assert_int_equal(snapshot_user_by_name(nss, "dora", &b, &user), 0);
	assert_int_equal(user.uid, 5001);
	assert_string_equal(user.home, "/home/dora");
	assert_int_equal(snapshot_user_by_name(nss, "root", &b, &user), -ESRCH);
	assert_int_equal(snapshot_group_by_name(nss, "dora", &b, &group), 0);
	assert_int_equal(group.gid, 5001);
	assert_int_equal(snapshot_group_by_gid(nss, 6000, &b, &group), 0);
	assert_int_equal(group.members.count, 2);
	assert_string_equal(group.members.data, "dora");
	assert_int_equal(snapshot_group_by_name(nss, "muster-sudo", &b, &group), 0);
	assert_string_equal(group.members.data, "dora");
	assert_int_equal(snapshot_group_by_name(nss, "muster-sudo-nopasswd", &b, &group), 0);
	assert_int_equal(snapshot_gids(nss, "dora", &b, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(*(uint32_t *)(void *)b.data, 5001);
	assert_int_equal(snapshot_keys(nss, "dora", &b, &keys), 0);
	assert_int_equal(keys.count, 1);
	assert_int_equal(snapshot_keys(nss, "emil", &b, &keys), 0); /* suspended: withheld */
	assert_int_equal(keys.count, 0);
	assert_int_equal(snapshot_account(pam, "emil", &b), 0);
	assert_int_equal(record_account_unpack(b.data, b.len, &a), 0);
	assert_int_equal(a.state, USER_SUSPENDED);
	assert_int_equal(a.ssh_keys.count, 1);
	assert_int_equal(snapshot_reject(pam, 0, &b), 0);
	assert_int_equal(record_reject_unpack(b.data, b.len, &j), 0);
	assert_string_equal(j.reason, "name_reserved");
	assert_int_equal(snapshot_dir_group(pam, 0, &b), 0);
	assert_int_equal(snapshot_dir_group(pam, 1, &b), -ESRCH);
	assert_int_equal(snapshot_policy(pam, &b), 0);
}

static void test_replace(void **state)
{
	struct fixture *f = *state;
	CLEANUP(snapshots_done) struct snapshots first = {-1, -1};
	CLEANUP(snapshots_done) struct snapshots second = {-1, -1};
	FILE *stale;

	small_world(f);
	make(f, 1, &first);
	make(f, 2, &second);
	assert_int_equal(publish(dir, &first, error), 0);
	assert_generations(1);
	stale = fopen(path_of(PAM_SNAPSHOT ".new"), "w");
	assert_non_null(stale);
	fclose(stale);
	assert_int_equal(publish(dir, &second, error), 0);
	assert_generations(2);
	assert_int_equal(count_files(), 2);
	assert_true(publish_has(dir, 2));
	assert_false(publish_has(dir, 1));
	assert_int_equal(publish_withdraw(dir), 0);
	assert_int_equal(publish_withdraw(dir), 0);
	assert_int_equal(count_files(), 0);
	assert_false(publish_has(dir, 2));
}

static bool is_named(int fd, const char *name)
{
	struct stat a, b;

	assert_int_equal(fstat(fd, &a), 0);
	assert_int_equal(stat(path_of(name), &b), 0);
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* What was made in the directory is published there as it is, and copied to any other one. */
static void test_in_place(void **state)
{
	struct fixture *f = *state;
	CLEANUP(snapshots_done) struct snapshots first = {-1, -1};
	CLEANUP(snapshots_done) struct snapshots second = {-1, -1};
	AUTO_FREE char *other = str_format("%s/other", dir);

	AUTO_CLOSE int nameless = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (nameless < 0)
		skip(); /* a file system where all of it is made in memory */
	small_world(f);
	make_in(f, 1, dir, &first);
	assert_int_equal(count_files(), 0);
	assert_int_equal(publish(dir, &first, error), 0);
	assert_true(is_named(first.nss, NSS_SNAPSHOT));
	assert_true(is_named(first.pam, PAM_SNAPSHOT));
	assert_int_equal(mode_of(NSS_SNAPSHOT), 0644);
	assert_int_equal(mode_of(PAM_SNAPSHOT), 0600);
	assert_int_equal(count_files(), 2);
	assert_generations(1);
	assert_int_equal(mkdir(other, 0755), 0);
	assert_int_equal(publish(other, &first, error), 0);
	assert_false(is_named(first.nss, "other/" NSS_SNAPSHOT));
	assert_true(publish_has(other, 1));
	make_in(f, 2, path_of("absent"), &second);
	assert_int_equal(publish(dir, &second, error), 0);
	assert_false(is_named(second.nss, NSS_SNAPSHOT));
	assert_generations(2);
	assert_int_equal(publish_withdraw(other), 0);
	assert_int_equal(rmdir(other), 0);
}

/* The disk keeps another byte than was written. */
static bool flip;
ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	uint8_t copy[70000];

	if (!flip || len < 800 || len > sizeof(copy))
		return __real_write(fd, data, len);
	memcpy(copy, data, len);
	copy[700] ^= 1;
	return __real_write(fd, copy, len);
}

static void test_read_back(void **state)
{
	struct fixture *f = *state;
	CLEANUP(snapshots_done) struct snapshots good = {-1, -1};
	CLEANUP(snapshots_done) struct snapshots more = {-1, -1};

	small_world(f);
	make(f, 1, &good);
	make(f, 2, &more);
	assert_int_equal(publish(dir, &good, error), 0);
	flip = true;
	assert_int_equal(publish(dir, &more, error), -EBADMSG);
	flip = false;
	assert_non_null(strstr(error, "read back"));
	assert_non_null(strstr(error, PAM_SNAPSHOT));
	assert_generations(1);
	assert_int_equal(count_files(), 2);
}

/* What is published already is looked at again before it is published again. */
static void test_confirm_damaged(void **state)
{
	struct fixture *f = *state;
	CLEANUP(snapshots_done) struct snapshots made = {-1, -1};
	AUTO_CLOSE int fd = -1;
	uint8_t byte;

	small_world(f);
	make(f, 1, &made);
	assert_int_equal(publish(dir, &made, error), 0);
	fd = open(path_of(NSS_SNAPSHOT), O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, 520), 1); /* in the first record */
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 520), 1);
	assert_int_equal(publish_confirm(dir, NOW + 60, 60, error), -EBADMSG);
}

/* Writing fails after LIMIT bytes: what is there stays, and nothing else is left. */
static void test_no_room(void **state)
{
	struct fixture *f = *state;
	CLEANUP(snapshots_done) struct snapshots good = {-1, -1};
	CLEANUP(snapshots_done) struct snapshots more = {-1, -1};
	struct rlimit limit, before;
	struct stat st;

	small_world(f);
	make(f, 1, &good);
	make(f, 2, &more);
	assert_int_equal(publish(dir, &good, error), 0);
	assert_int_equal(stat(path_of(PAM_SNAPSHOT), &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	for (off_t room = 0; room < st.st_size; room += 400) {
		limit = (struct rlimit){(rlim_t)room, before.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		assert_int_equal(publish(dir, &more, error), -EFBIG);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_generations(1);
		assert_int_equal(count_files(), 2);
	}
}

static void test_no_directory(void **state)
{
	struct fixture *f = *state;
	CLEANUP(snapshots_done) struct snapshots made = {-1, -1};

	small_world(f);
	make(f, 1, &made);
	assert_int_equal(publish(path_of("absent"), &made, error), -ENOENT);
	assert_non_null(strstr(error, "make"));
}

static void test_confirm(void **state)
{
	struct fixture *f = *state;
	CLEANUP(snapshots_done) struct snapshots made = {-1, -1};
	struct stat before, after;
	struct snapshot *s;

	assert_int_equal(publish_confirm(dir, NOW, 60, error), -ENOENT);
	small_world(f);
	make(f, 3, &made);
	assert_int_equal(publish(dir, &made, error), 0);
	assert_int_equal(publish_confirm(dir, NOW + 59, 60, error), 0); /* fresh enough */
	s = reader(PAM_SNAPSHOT, SNAPSHOT_PAM);
	assert_int_equal(snapshot_info(s)->confirmed_at, NOW);
	snapshot_close(s);
	assert_int_equal(stat(path_of(NSS_SNAPSHOT), &before), 0);
	assert_int_equal(publish_confirm(dir, NOW + 60, 60, error), 1);
	assert_generations(3);
	assert_int_equal(stat(path_of(NSS_SNAPSHOT), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino); /* whoever has mapped it keeps no old one */
	s = reader(PAM_SNAPSHOT, SNAPSHOT_PAM);
	assert_int_equal(snapshot_info(s)->confirmed_at, NOW + 60);
	assert_int_equal(snapshot_info(s)->created_at, NOW);
	assert_int_equal(snapshot_verify(s), 0);
	snapshot_close(s);
	assert_int_equal(publish_confirm(dir, NOW, 60, error), 0); /* a clock set back a little takes nothing back */
	s = reader(PAM_SNAPSHOT, SNAPSHOT_PAM);
	assert_int_equal(snapshot_info(s)->confirmed_at, NOW + 60);
	snapshot_close(s);
	/* that clock was wrong: nothing is confirmed for years to come */
	assert_int_equal(publish_confirm(dir, NOW + 60 - CLOCK_AGREE_S, 60, error), 0);
	assert_int_equal(publish_confirm(dir, NOW + 59 - CLOCK_AGREE_S, 60, error), 1);
}

static int set_up(void **state)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	return fixture_set_up(state);
}

static int tear_down(void **state)
{
	assert_int_equal(publish_clean(dir), 0);
	assert_int_equal(publish_withdraw(dir), 0);
	assert_int_equal(rmdir(dir), 0);
	return fixture_tear_down(state);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_contents), TEST(test_replace),      TEST(test_in_place), TEST(test_read_back),
		TEST(test_no_room),  TEST(test_no_directory), TEST(test_confirm),
		TEST(test_confirm_damaged),
	};

	umask(077);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
