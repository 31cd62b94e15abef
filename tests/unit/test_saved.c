/* Verifiers for off-line use: what is believed of a file, when it decides, when it is written and when it goes. */
#include "tests/unit/world_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agentd/codes.h"
#include "agentd/publish.h"
#include "agentd/saved.h"
#include "common/paths.h"
#include "common/saved_verifier.h"
#include "common/used_code.h"
#include "common/verifier.h"

#define DAY 86400
#define UID 5001

static char dir[] = "/tmp/muster-saved-XXXXXX";
static const struct policy policy = {
	.password_ldap = true, .offline_password_max_age_s = 14 * DAY, .portal_url = "", .dummy_hash = VERIFIER_DUMMY};

static struct subject subject(void)
{
	return (struct subject){
		.policy = policy,
		.account = {.id = "u1",
			    .name = "dora",
			    .uid = UID,
			    .bound = true,
			    .activated = true,
			    .state = USER_ACTIVATED,
			    .password_changed_at = NOW - DAY},
		.now = NOW,
		.confirmed_at = NOW,
	};
}

static const char *path_of(uint32_t uid)
{
	static char path[128];

	assert_int_equal(str_print(path, sizeof(path), "%s/user/%u", dir, uid), 0);
	return path;
}

static bool is_there(uint32_t uid)
{
	return access(path_of(uid), F_OK) == 0;
}

static int load(struct buf *b, struct saved_verifier *v)
{
	b->len = 0;
	return saved_verifier_load(dir, UID, b, v);
}

static ino_t inode(void)
{
	struct stat st;

	assert_int_equal(lstat(path_of(UID), &st), 0);
	return st.st_ino;
}

static void test_judge(void **state)
{
	struct subject s = subject();
	const struct saved_verifier good = {"u1", "dora", "ldap", "$y$", NOW};
	struct saved_verifier v = good;
	struct policy p = policy;

	(void)state;
	assert_int_equal(saved_verifier_judge(&v, &s.account, &p, NOW), 0);
	assert_int_equal(saved_verifier_judge(&v, &s.account, &p, NOW + 14 * DAY), 0);
	assert_int_equal(saved_verifier_judge(&v, &s.account, &p, NOW + 14 * DAY + 1), -ESTALE);
	assert_int_equal(saved_verifier_ends_at(&v, &p), NOW + 14 * DAY);
	/* a clock that was ahead once; the mark of trusted time is minutes behind at most */
	assert_int_equal(saved_verifier_judge(&v, &s.account, &p, NOW - 3600), 0);
	assert_int_equal(saved_verifier_judge(&v, &s.account, &p, NOW - 3601), -ESTALE);
	v.confirmed_at = INT64_MAX;
	assert_int_equal(saved_verifier_judge(&v, &s.account, &p, NOW), -ESTALE);
	v.confirmed_at = 0;
	s.account.password_changed_at = 0;
	assert_int_equal(saved_verifier_judge(&v, &s.account, &p, 1), -ESTALE);
	v = good;
	s.account.password_changed_at = NOW;
	assert_int_equal(saved_verifier_judge(&v, &s.account, &p, NOW), 0);
	s.account.password_changed_at = NOW + 1;
	assert_int_equal(saved_verifier_judge(&v, &s.account, &p, NOW), -EKEYEXPIRED);
	s = subject();
	p.offline_password_max_age_s = 0;
	assert_int_equal(saved_verifier_judge(&v, &s.account, &p, NOW), -ESTALE);
	p.offline_password_max_age_s = INT64_MAX;
	assert_int_equal(saved_verifier_judge(&v, &s.account, &p, NOW), -ESTALE);
	p = policy;
	p.password_ldap = false;
	assert_int_equal(saved_verifier_judge(&v, &s.account, &p, NOW), -EPERM);
}

static void test_whose(void **state)
{
	static const struct saved_verifier others[] = {
		{"u2", "dora", "ldap", "$y$", NOW}, {"", "dora", "ldap", "$y$", NOW}, {"u1", "Dora", "ldap", "$y$", NOW},
		{"u1", "", "ldap", "$y$", NOW},	    {"u1", "dora", "", "$y$", NOW},   {"u1", "dora", "hash", "$y$", NOW},
		{"u1", "dora", "ldap", "", NOW},
	};
	struct subject s = subject();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(saved_verifier_judge(&others[i], &s.account, &policy, NOW), -EPERM);
	s.account.id = "";
	assert_int_equal(saved_verifier_judge(&others[1], &s.account, &policy, NOW), -EPERM);
}

static void test_confirm(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct subject s = subject();
	struct saved_verifier v;
	struct stat st;
	ino_t before;

	(void)state;
	assert_int_equal(load(&b, &v), -ENOENT);
	assert_int_equal(saved_confirm(dir, &s, "secret"), 0);
	assert_int_equal(load(&b, &v), 0);
	assert_string_equal(v.id, "u1");
	assert_string_equal(v.name, "dora");
	assert_string_equal(v.method, "ldap");
	assert_int_equal(v.confirmed_at, NOW);
	assert_int_equal(verifier_match(v.hash, "secret"), 0);
	assert_int_equal(lstat(path_of(UID), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	before = inode();
	s.now += 3599; /* lately enough */
	assert_int_equal(saved_confirm(dir, &s, "secret"), 0);
	assert_true(inode() == before);
	s.now++;
	AUTO_FREE char *hash = strdup(v.hash);
	assert_int_equal(saved_confirm(dir, &s, "secret"), 0);
	assert_int_equal(load(&b, &v), 0);
	assert_int_equal(v.confirmed_at, NOW + 3600);
	assert_string_equal(v.hash, hash); /* the same password takes no new hash */
	assert_int_equal(saved_confirm(dir, &s, "other"), 0);
	assert_int_equal(load(&b, &v), 0);
	assert_int_equal(verifier_match(v.hash, "other"), 0);
	assert_int_equal(verifier_match(v.hash, "secret"), -EKEYREJECTED);
}

/* A short age is confirmed more often, and a time from the future at once. */
static void test_confirm_in_time(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct subject s = subject();
	struct saved_verifier v;

	(void)state;
	s.policy.offline_password_max_age_s = 80;
	assert_int_equal(saved_confirm(dir, &s, "secret"), 0);
	s.now += 9;
	assert_int_equal(saved_confirm(dir, &s, "secret"), 0);
	assert_int_equal(load(&b, &v), 0);
	assert_int_equal(v.confirmed_at, NOW);
	s.now++;
	assert_int_equal(saved_confirm(dir, &s, "secret"), 0);
	assert_int_equal(load(&b, &v), 0);
	assert_int_equal(v.confirmed_at, NOW + 10);
	s.now = NOW - 1000;
	assert_int_equal(saved_confirm(dir, &s, "secret"), 0);
	assert_int_equal(load(&b, &v), 0);
	assert_int_equal(v.confirmed_at, NOW - 1000);
}

/* Not of who is refused, and not when it can never be used. */
static void test_confirm_none(void **state)
{
	struct subject s = subject();

	(void)state;
	s.account.suspended = true;
	assert_int_equal(saved_confirm(dir, &s, "secret"), 0);
	s = subject();
	s.account.password_expired = true;
	assert_int_equal(saved_confirm(dir, &s, "secret"), 0);
	s = subject();
	s.policy.offline_password_max_age_s = 0;
	assert_int_equal(saved_confirm(dir, &s, "secret"), 0);
	assert_false(is_there(UID));
}

/* A password that it would not take says nothing about it. */
static void test_distrust(void **state)
{
	struct subject s = subject();

	(void)state;
	assert_int_equal(saved_distrust(dir, &s, "secret"), 0);
	assert_int_equal(saved_confirm(dir, &s, "secret"), 0);
	assert_int_equal(saved_distrust(dir, &s, "Secret"), 0);
	assert_int_equal(saved_distrust(dir, &s, ""), 0);
	assert_true(is_there(UID));
	assert_int_equal(saved_distrust(dir, &s, "secret"), 1);
	assert_false(is_there(UID));
}

static void make_folder(void)
{
	AUTO_FREE char *path = str_format("%s/user", dir);

	assert_int_equal(mkdir(path, 0700), 0);
}

static void write_file(uint32_t uid, const void *data, size_t len, mode_t mode)
{
	AUTO_CLOSE int fd = open(path_of(uid), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
}

/* Every byte and every length: read as it was, or not at all. */
static void test_damage(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	CLEANUP(buf_done) struct buf whole = {0};
	const struct saved_verifier good = {"u1", "dora", "ldap", VERIFIER_DUMMY, NOW};
	struct saved_verifier v;

	(void)state;
	assert_int_equal(saved_verifier_pack(&good, &whole), 0);
	make_folder();
	write_file(UID, whole.data, whole.len, 0600);
	assert_int_equal(load(&b, &v), 0);
	for (size_t i = 0; i < whole.len; i++) {
		whole.data[i] ^= 1;
		assert_int_equal(saved_verifier_unpack(whole.data, whole.len, &v), -EBADMSG);
		whole.data[i] ^= 1;
		assert_int_equal(saved_verifier_unpack(whole.data, i, &v), -EBADMSG);
	}
	write_file(UID, whole.data, whole.len, 0640);
	assert_int_equal(load(&b, &v), -EPERM);
	write_file(UID, whole.data, whole.len, 0600);
	assert_int_equal(load(&b, &v), 0);
	assert_int_equal(unlink(path_of(UID)), 0);
	assert_int_equal(symlink("0", path_of(UID)), 0);
	assert_int_equal(load(&b, &v), -EPERM);
	assert_int_equal(unlink(path_of(UID)), 0);
	assert_int_equal(mkfifo(path_of(UID), 0600), 0);
	assert_int_equal(load(&b, &v), -EPERM);
}

static void publish_world(struct fixture *f)
{
	CLEANUP(snapshots_done) struct snapshots made = {-1, -1};
	struct sync_status status = {.directory_url = "file:///x", .driver = "document", .last_error = ""};
	struct snapshots_input in = {&policy, &status, 1, NOW, NOW, NULL};
	char error[PUBLISH_ERROR_SIZE];

	fixture_build(f);
	assert_int_equal(snapshots_build(&f->world, &in, &made), 0);
	assert_int_equal(publish(dir, &made, error), 0);
}

static void save(uint32_t uid, const char *id, const char *name)
{
	CLEANUP(buf_done) struct buf b = {0};
	const struct saved_verifier v = {id, name, "ldap", VERIFIER_DUMMY, NOW};

	assert_int_equal(saved_verifier_pack(&v, &b), 0);
	write_file(uid, b.data, b.len, 0600);
}

static void test_sweep(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(saved_sweep(dir, dir, NOW), 0); /* nothing is kept: nothing to know */
	make_folder();
	save(5001, "u1", "dora");
	assert_true(saved_sweep(dir, dir, NOW) < 0); /* no snapshot: nobody can tell */
	assert_true(is_there(5001));
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .state = USER_SUSPENDED);
	USER(f, .id = "u3", .name = "fred", .uid = 5003, .password_changed_at = NOW + 5);
	USER(f, .id = "u4", .name = "gina", .uid = 5004,
	     .scheduled = {{.at = NOW + 100, .state = USER_SUSPENDED}}, .n_scheduled = 1);
	publish_world(f);
	save(5002, "u2", "emil");
	save(5003, "u3", "fred");
	save(5004, "u4", "gina");
	save(5005, "u1", "dora");  /* under another uid */
	save(5006, "u9", "ghost"); /* nobody */
	write_file(5007, "junk", 4, 0600);
	assert_int_equal(saved_sweep(dir, dir, NOW + 99), 5);
	assert_true(is_there(5001) && is_there(5004));
	assert_int_equal(saved_sweep(dir, dir, NOW + 100), 1);
	assert_true(is_there(5001) && !is_there(5004));
	assert_int_equal(saved_sweep(dir, dir, NOW + 14 * DAY), 0);
	assert_int_equal(saved_sweep(dir, dir, NOW + 14 * DAY + 1), 1);
	assert_false(is_there(5001));
}

/* The record of used codes goes with its user, and with nobody else. */
static void test_codes(void **state)
{
	static const uint32_t uids[] = {5001, 5002, 5006, 0};
	struct fixture *f = *state;

	assert_int_equal(codes_sweep(dir, dir), 0);
	for (size_t i = 0; i < ARRAY_SIZE(uids); i++)
		assert_int_equal(used_code_take(dir, uids[i], 100), 0);
	assert_true(codes_sweep(dir, dir) < 0); /* no snapshot: nobody can tell */
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .state = USER_SUSPENDED);
	publish_world(f);
	assert_int_equal(codes_sweep(dir, dir), 2);
	assert_int_equal(codes_sweep(dir, dir), 0);
	assert_int_equal(used_code_take(dir, 5001, 100), -EEXIST);
	assert_int_equal(used_code_take(dir, 5002, 100), -EEXIST);
	assert_int_equal(used_code_take(dir, 5006, 100), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)type, (void)where;
	return remove(path);
}

static int set_up(void **state)
{
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	return mkdtemp(dir) ? fixture_set_up(state) : -1;
}

static int tear_down(void **state)
{
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) < 0 ? -1 : fixture_tear_down(state);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_judge),	  TEST(test_whose),    TEST(test_confirm), TEST(test_confirm_in_time),
		TEST(test_confirm_none), TEST(test_distrust), TEST(test_damage),  TEST(test_sweep),
		TEST(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
