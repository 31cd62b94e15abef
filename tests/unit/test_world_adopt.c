/* Local users whom the directory takes over: which, with what of theirs, and until when. */
#include "tests/unit/world_fixture.h"

#include <string.h>

#include "common/names.h"

#define BOB      "bob:x:1001:100::/home/bob:/bin/zsh\n"
#define TAKEN    "bob\nbob:1001:locked\n"
#define NAMES(s) ((struct strlist){s, sizeof(s), 1})

/* What [accounts] adopt says; the memory is no conf's. */
static void configure(struct fixture *f, struct strlist names)
{
	f->conf.adopt = names;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->conf.adopt = (struct strlist){0};
	return fixture_tear_down(state);
}

static void sync_one(struct fixture *f)
{
	USER(f, .id = "u1", .name = "bob", .uid = 5001, .gid = 5002, .sudo = true, .home = "/srv/x",
	     .shell = "/bin/evil");
	GROUP(f, .id = "g1", .name = "devs", .posix = {{"devs", 5300}}, .n_posix = 1);
	fixture_members(f, "g1", "u1", NULL);
	fixture_build(f);
}

static void is_adopted(struct fixture *f, bool bound, bool pending)
{
	struct account a = fixture_account(f, "u1");

	if (bound)
		fixture_in(f, "u1", "bob", 1001, 100);
	else
		fixture_holder(f, "u1", "bob", 1001, 100);
	assert_true(a.adopted);
	assert_int_equal(fixture_rejects(f, "adopt", "u1", "adopt_pending"), pending);
}

static void test_left_alone(void **state)
{
	struct fixture *f = *state;

	fixture_host(f, BOB, "");
	sync_one(f);
	fixture_out(f, "u1", "name_local");
	configure(f, NAMES("alice"));
	sync_one(f);
	fixture_out(f, "u1", "name_local");
	assert_int_equal(ledger_find_id(&f->ledger, "u1"), INDEX_NONE);
}

/* It has no right of ours before somebody says --apply. */
static void test_pending(void **state)
{
	struct fixture *f = *state;

	fixture_host(f, BOB, "");
	configure(f, NAMES(CONF_ADOPT_ALL));
	sync_one(f);
	is_adopted(f, true, true);
	assert_string_equal(fixture_group_members(f, GROUP_SUDO, GID_SUDO), "");
}

static void test_identity_is_local(void **state)
{
	struct fixture *f = *state;
	struct account a;

	fixture_host(f, BOB, TAKEN);
	configure(f, NAMES("bob"));
	sync_one(f);
	is_adopted(f, true, false);
	a = fixture_account(f, "u1");
	assert_string_equal(a.home, "");
	assert_string_equal(a.shell, "");
	assert_string_equal(fixture_group_members(f, "devs", 5300), "");
	assert_string_equal(fixture_group_members(f, GROUP_SUDO, GID_SUDO), "bob");
	assert_int_equal(fixture_rejects(f, "uid", "u1", "uid_adopted"), 1);
	assert_int_equal(fixture_rejects(f, NULL, "u1", NULL), 1);
	assert_false(fixture_get(f, "u1")->private_group);
	/* what it does not ask for is free for others */
	USER(f, .id = "u2", .name = "emil", .uid = 5001, .gid = 5002);
	sync_one(f);
	fixture_in(f, "u2", "emil", 5001, 5002);
	is_adopted(f, true, false);
}

/* The line went, or named others from the beginning: what was applied counts, and it is told. */
static void test_line_goes(void **state)
{
	struct fixture *f = *state;

	fixture_host(f, BOB, TAKEN);
	sync_one(f);
	is_adopted(f, true, true);
	assert_string_equal(fixture_group_members(f, GROUP_SUDO, GID_SUDO), "bob");
	fixture_host(f, BOB, "");
	sync_one(f);
	fixture_out(f, "u1", "name_local");
	assert_int_equal(ledger_find_id(&f->ledger, "u1"), INDEX_NONE); /* nothing was given */
	fixture_host(f, "", "");
	sync_one(f);
	fixture_in(f, "u1", "bob", 5001, 5002);
}

static void test_never(void **state)
{
	static const struct {
		const char *passwd, *reason;
	} cases[] = {
		{"bob:x:0:0::/:/bin/zsh\n", "adopt_system"},
		{"bob:x:999:100::/:/bin/zsh\n", "adopt_system"},
		{"bob:x:65534:100::/:/bin/zsh\n", "adopt_system"},
		{"bob:x:1001:100::/:/usr/sbin/nologin\n", "adopt_system"},
		{"bob:x:1001:100::/:/bin/false\n", "adopt_system"},
		{"bob:x:1001:100::/:/bin/zsh\nbert:x:1001:100::/:/bin/zsh\n", "adopt_uid_shared"},
		{"bob:x:1000:100::/:/bin/zsh\n", "adopt_uid_shared"}, /* alice's */
		{"Bob:x:1001:100::/:/bin/zsh\n", "name_local"},
		{"bob:x:nobody:100::/:/bin/zsh\n", "name_local"},
	};
	struct fixture *f = *state;

	configure(f, NAMES("bob"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fixture_host(f, cases[i].passwd, TAKEN);
		sync_one(f);
		fixture_out(f, "u1", cases[i].reason);
	}
}

/* Another local user got the name since: that one was not taken over. */
static void test_another_local_user(void **state)
{
	struct fixture *f = *state;

	fixture_host(f, "bob:x:1002:100::/:/bin/zsh\n", TAKEN);
	sync_one(f);
	fixture_out(f, "u1", "name_local");
}

static void test_leaves(void **state)
{
	struct fixture *f = *state;

	fixture_host(f, BOB, TAKEN);
	sync_one(f);
	fixture_build(f);
	is_adopted(f, false, false);
	assert_int_equal(fixture_account(f, "u1").removed_at, NOW);
	f->now += 365 * 86400; /* no tombstone ends by itself: his keys are still in his home */
	fixture_build(f);
	is_adopted(f, false, false);
	assert_int_equal(fixture_account(f, "u1").removed_at, NOW);
	assert_int_equal(fixture_rejects(f, "adopt", "u1", "adopt_forgotten"), 0);
	f->forget = NAMES("bob");
	fixture_build(f);
	assert_false(fixture_has(f, "u1"));
	f->forget = (struct strlist){0}; /* told until he is given back */
	fixture_build(f);
	assert_int_equal(fixture_rejects(f, "adopt", "u1", "adopt_forgotten"), 1);
	fixture_host(f, BOB, "");
	fixture_build(f);
	assert_int_equal(fixture_rejects(f, NULL, "u1", NULL), 0);
}

/* One who was never applied is a tombstone like others, and one who cannot be read is refused. */
static void test_leaves_unapplied(void **state)
{
	struct fixture *f = *state;

	fixture_host(f, BOB, "");
	configure(f, NAMES("bob"));
	sync_one(f);
	fixture_reject(f, "user", "u1", "gecos_invalid");
	fixture_build(f);
	is_adopted(f, false, false);
	assert_int_equal(fixture_account(f, "u1").removed_at, 0);
	fixture_build(f);
	is_adopted(f, false, false);
	f->now += f->conf.tombstone_ms / 1000;
	fixture_build(f);
	assert_false(fixture_has(f, "u1"));
}

static void test_name_comes_back(void **state)
{
	struct fixture *f = *state;

	fixture_host(f, BOB, TAKEN);
	sync_one(f);
	USER(f, .id = "u9", .name = "bob");
	fixture_build(f);
	is_adopted(f, false, false);
	fixture_out(f, "u9", "name_recycled");
	f->accept = NAMES("bob");
	USER(f, .id = "u9", .name = "bob");
	fixture_build(f);
	fixture_in(f, "u9", "bob", 1001, 100);
	assert_false(fixture_has(f, "u1"));
}

/* The ledger gave his local uid to somebody before there was a local user. */
static void test_uid_was_given(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u5", .name = "emil", .uid = 1001, .gid = 1001);
	fixture_build(f);
	fixture_host(f, BOB, TAKEN);
	USER(f, .id = "u5", .name = "emil", .uid = 1001, .gid = 1001);
	sync_one(f);
	fixture_out(f, "u1", "id_collision");
}

/* He was a directory user before he was a local one: what was given to him stays given. */
static void test_was_of_the_directory(void **state)
{
	struct fixture *f = *state;

	sync_one(f);
	fixture_in(f, "u1", "bob", 5001, 5002);
	fixture_host(f, BOB, TAKEN);
	sync_one(f);
	is_adopted(f, true, true);
	fixture_build(f);
	is_adopted(f, false, false);
	fixture_host(f, "", TAKEN);
	sync_one(f);
	fixture_in(f, "u1", "bob", 5001, 5002);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_left_alone),
		TEST(test_pending),
		TEST(test_identity_is_local),
		TEST(test_line_goes),
		TEST(test_never),
		TEST(test_another_local_user),
		TEST(test_leaves),
		TEST(test_leaves_unapplied),
		TEST(test_name_comes_back),
		TEST(test_uid_was_given),
		TEST(test_was_of_the_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
