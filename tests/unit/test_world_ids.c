/* Names and ids (D1, D2, D3, D4): who gets which, who keeps them, who is left out. */
#include "tests/unit/world_fixture.h"

#include <string.h>

#include "common/names.h"

static void test_asked_for(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 5002);
	fixture_build(f);
	fixture_in(f, "u1", "dora", 5001, 5002);
	assert_true(fixture_get(f, "u1")->private_group);
	assert_int_equal(ledger_find_id(&f->ledger, "u1"), 0);
	assert_true(ledger_user(&f->ledger, 0)->changed);
	assert_int_equal(f->world.n_accounts, 1);
	assert_int_equal(f->world.n_rejected, 0);
}

static void test_none_asked_for(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora");
	USER(f, .id = "u2", .name = "emil", .uid = 5001);
	USER(f, .id = "u3", .name = "fred", .gid = 5003);
	fixture_build(f);
	fixture_in(f, "u1", "dora", id_from_hash("u1"), id_from_hash("u1"));
	fixture_in(f, "u2", "emil", 5001, 5001);
	fixture_in(f, "u3", "fred", id_from_hash("u3"), 5003);
}

/* An id that may not be given is replaced, and that is said. */
static void test_id_replaced(void **state)
{
	static const struct {
		uint32_t id;
		const char *reason;
	} cases[] = {
		{1, "range"},	       {999, "range"},	      {60001, "range"},	      {65534, "range"},
		{65535, "range"},      {524288, "range"},     {1879048191, "range"},  {GID_SUDO, "range"},
		{4294967295u, "range"}, {2147483648u, "range"}, {30000, "subordinate"}, {30009, "subordinate"},
		{100000, "subordinate"}, {1000, "local"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char uid_reason[32], gid_reason[32];

		assert_int_equal(str_print(uid_reason, sizeof(uid_reason), "uid_%s", cases[i].reason), 0);
		assert_int_equal(str_print(gid_reason, sizeof(gid_reason), "gid_%s", cases[i].reason), 0);
		ledger_done(&f->ledger);
		USER(f, .id = "u1", .name = "dora", .uid = cases[i].id, .gid = cases[i].id);
		fixture_build(f);
		fixture_in(f, "u1", "dora", id_from_hash("u1"), id_from_hash("u1"));
		assert_int_equal(fixture_rejects(f, "uid", "u1", uid_reason), 1);
		assert_int_equal(fixture_rejects(f, "gid", "u1", gid_reason), 1);
		assert_int_equal(f->world.n_rejected, 0);
	}
}

static void test_id_limits(void **state)
{
	struct fixture *f = *state;

	f->conf.id_min = 5000;
	f->conf.id_max = 5010;
	USER(f, .id = "u1", .name = "dora", .uid = 5000, .gid = 5010);
	USER(f, .id = "u2", .name = "emil", .uid = 4999);
	USER(f, .id = "u3", .name = "fred", .uid = 5011);
	USER(f, .id = "u4", .name = "gina");
	fixture_build(f);
	fixture_in(f, "u1", "dora", 5000, 5010);
	fixture_out(f, "u2", "uid_range"); /* its hash is above id_max */
	fixture_out(f, "u3", "uid_range");
	fixture_out(f, "u4", "uid_range");
}

/* 5500 is a local gid, but no local uid. */
static void test_uid_and_gid_apart(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .uid = 5500);
	USER(f, .id = "u2", .name = "emil", .uid = 5600, .gid = 5500);
	fixture_build(f);
	fixture_in(f, "u1", "dora", 5500, id_from_hash("u1"));
	fixture_in(f, "u2", "emil", 5600, 5600);
	assert_int_equal(fixture_rejects(f, "gid", "u2", "gid_local"), 1);
}

static void test_uid_collision(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u2", .name = "emil", .uid = 5001, .gid = 5001);
	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 5001);
	fixture_build(f);
	fixture_in(f, "u1", "dora", 5001, 5001); /* and its gid is not called shared */
	fixture_out(f, "u2", "id_collision");
	assert_int_equal(f->world.n_rejected, 1);

	/* the owner keeps it, also against a lesser id */
	USER(f, .id = "u0", .name = "zora", .uid = 5001, .gid = 5100);
	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 5001);
	fixture_build(f);
	fixture_in(f, "u1", "dora", 5001, 5001);
	fixture_out(f, "u0", "id_collision");
}

static void test_id_duplicate(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	USER(f, .id = "u2", .name = "emil", .uid = 5002);
	USER(f, .id = "u1", .name = "fred", .uid = 5003);
	fixture_build(f);
	fixture_out(f, "u1", "id_duplicate");
	assert_int_equal(fixture_rejects(f, "user", "u1", "id_duplicate"), 2);
	fixture_in(f, "u2", "emil", 5002, 5002);
}

static void test_names(void **state)
{
	static const struct {
		const char *name, *reason;
	} cases[] = {
		{"", "name_invalid"},	   {"0day", "name_invalid"},   {"a:b", "name_invalid"},
		{"a\nb", "name_invalid"},  {"../x", "name_invalid"},   {"d\xc3\xb6ra", "name_invalid"},
		{"abcdefghijklmnopqrstuvwxyzabcdefg", "name_invalid"}, {"root", "name_reserved"},
		{"ROOT", "name_reserved"}, {"sudo", "name_reserved"},  {"Docker", "name_reserved"},
		{"muster-sudo", "name_reserved"}, {"alice", "name_local"}, {"Alice", "name_local"},
		{"locals", "name_local"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		USER(f, .id = "u1", .name = cases[i].name, .uid = 5001);
		USER(f, .id = "u2", .name = "dora", .uid = 5002);
		fixture_build(f);
		fixture_out(f, "u1", cases[i].reason);
		fixture_in(f, "u2", "dora", 5002, 5002);
	}
	assert_int_equal(ledger_n_users(&f->ledger), 1);
}

static void test_name_duplicate(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	USER(f, .id = "u2", .name = "Dora", .uid = 5002);
	USER(f, .id = "u3", .name = "emil", .uid = 5003);
	fixture_build(f);
	fixture_out(f, "u1", "name_duplicate");
	fixture_out(f, "u2", "name_duplicate");
	fixture_in(f, "u3", "emil", 5003, 5003);

	/* who had it keeps it */
	USER(f, .id = "u2", .name = "EMIL", .uid = 5002);
	USER(f, .id = "u3", .name = "emil", .uid = 5003);
	fixture_build(f);
	fixture_out(f, "u2", "name_duplicate");
	fixture_in(f, "u3", "emil", 5003, 5003);
}

static void test_name_recycled(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	fixture_build(f);
	USER(f, .id = "u2", .name = "Dora", .uid = 5002);
	fixture_build(f);
	fixture_out(f, "u2", "name_recycled");
	fixture_holder(f, "u1", "dora", 5001, 5001);

	/* also long after: crontabs have no end */
	f->now = NOW + 400 * 86400;
	USER(f, .id = "u2", .name = "dora", .uid = 5002);
	fixture_build(f);
	fixture_out(f, "u2", "name_recycled");
	assert_false(fixture_has(f, "u1"));
}

/* What the administrator asked for was not done: what the first such name is. */
static void expect_refused(const struct fixture *f, const char *name)
{
	const char *why, *got = world_refused(&f->world, &why);

	if (name)
		assert_string_equal(got, name);
	else
		assert_null(got);
	assert_true(!name || *why);
}

static void test_accept(void **state)
{
	struct fixture *f = *state;

	f->accept = (struct strlist){"DORA", 5, 1};
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	USER(f, .id = "u2", .name = "dora", .uid = 5002);
	fixture_build(f); /* two ask, and nobody had it */
	expect_refused(f, "DORA");
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	fixture_build(f);
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	USER(f, .id = "u2", .name = "dora", .uid = 5002);
	fixture_build(f); /* the owner is here */
	fixture_out(f, "u2", "name_duplicate");
	fixture_in(f, "u1", "dora", 5001, 5001);

	fixture_build(f); /* nobody asks */
	expect_refused(f, "DORA");
	fixture_holder(f, "u1", "dora", 5001, 5001);

	USER(f, .id = "u2", .name = "dora", .uid = 5002);
	fixture_build(f);
	expect_refused(f, NULL);
	fixture_in(f, "u2", "dora", 5002, 5002);
	assert_false(fixture_has(f, "u1"));
	f->accept = (struct strlist){0};
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	USER(f, .id = "u2", .name = "dora", .uid = 5002);
	fixture_build(f); /* the old one has no more claim than anybody */
	fixture_in(f, "u2", "dora", 5002, 5002);
	fixture_out(f, "u1", "name_duplicate");
}

/* The same person under a new directory id, who is to have his files: the directory asks for the same uid. */
static void test_accept_same_uid(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	fixture_build(f);
	f->accept = (struct strlist){"dora", 5, 1};
	USER(f, .id = "u2", .name = "dora", .uid = 5001);
	fixture_build(f); /* her sessions end by what is published of u1 */
	expect_refused(f, "dora");
	fixture_holder(f, "u1", "dora", 5001, 5001);
	USER(f, .id = "u2", .name = "dora", .uid = 5001);
	fixture_build(f);
	expect_refused(f, NULL);
	fixture_in(f, "u2", "dora", 5001, 5001);
}

static void test_forget(void **state)
{
	struct fixture *f = *state;

	f->forget = (struct strlist){"Dora", 5, 1};
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	fixture_build(f);
	expect_refused(f, "Dora");
	fixture_build(f); /* found to be gone: her sessions end by what is published of that */
	expect_refused(f, "Dora");
	fixture_holder(f, "u1", "dora", 5001, 5001);
	fixture_build(f);
	expect_refused(f, NULL);
	assert_false(fixture_has(f, "u1"));
	assert_int_equal(f->world.next_change_at, INT64_MAX);
	f->forget = (struct strlist){0};
	USER(f, .id = "u2", .name = "dora", .uid = 5002);
	USER(f, .id = "u3", .name = "emil", .uid = 5001);
	fixture_build(f); /* forgotten are neither name nor uid */
	fixture_out(f, "u2", "name_recycled");
	fixture_out(f, "u3", "id_collision");
	USER(f, .id = "u1", .name = "dora");
	fixture_build(f);
	fixture_in(f, "u1", "dora", 5001, 5001);

	f->forget = (struct strlist){"greta", 6, 1};
	fixture_build(f);
	expect_refused(f, "greta");
}

/* dora left SECONDS ago, with ten minutes of grace. */
static void leave(struct fixture *f, int64_t seconds)
{
	f->conf.end_grace_ms = 600000;
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	fixture_build(f);
	fixture_build(f);
	f->now += seconds;
}

/* Neither is the name given up while sessions may be in their grace, and a minute later they are over. */
static void test_leaving_in_grace(void **state)
{
	const struct strlist dora = {"dora", 5, 1};
	struct fixture *f = *state;

	leave(f, 659);
	f->forget = dora;
	fixture_build(f);
	expect_refused(f, "dora");
	f->forget = (struct strlist){0};
	f->accept = dora;
	USER(f, .id = "u2", .name = "dora", .uid = 5002);
	fixture_build(f);
	expect_refused(f, "dora");
	fixture_holder(f, "u1", "dora", 5001, 5001);
	f->conf.end_sessions = CONF_END_SUSPENDED; /* hers go on */
	USER(f, .id = "u2", .name = "dora", .uid = 5002);
	fixture_build(f);
	expect_refused(f, NULL);
}

static void test_forgotten_after_the_grace(void **state)
{
	struct fixture *f = *state;

	leave(f, 660);
	f->forget = (struct strlist){"dora", 5, 1};
	fixture_build(f);
	expect_refused(f, NULL);
}

static void test_rename_held(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	fixture_build(f);
	USER(f, .id = "u1", .name = "theodora", .uid = 5001);
	USER(f, .id = "u2", .name = "dora", .uid = 5002);
	fixture_build(f);
	fixture_in(f, "u1", "dora", 5001, 5001);
	assert_int_equal(fixture_rejects(f, "name", "u1", "name_changed"), 1);
	fixture_out(f, "u2", "name_duplicate");
}

static void test_ids_held(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 5001);
	USER(f, .id = "u2", .name = "emil");
	fixture_build(f);
	USER(f, .id = "u1", .name = "dora", .uid = 5002, .gid = 5003);
	USER(f, .id = "u2", .name = "emil");
	fixture_build(f);
	fixture_in(f, "u1", "dora", 5001, 5001);
	assert_int_equal(fixture_rejects(f, "uid", "u1", "uid_changed"), 1);
	assert_int_equal(fixture_rejects(f, "gid", "u1", "gid_changed"), 1);
	assert_int_equal(fixture_rejects(f, NULL, "u2", NULL), 0);
}

static void test_gid_shared(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 6000);
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .gid = 6000);
	USER(f, .id = "u3", .name = "fred", .uid = 5003, .gid = 5003);
	USER(f, .id = "u4", .name = "gina", .uid = 6000); /* asks for no gid: makes way */
	fixture_build(f);
	fixture_out(f, "u1", "gid_shared");
	fixture_out(f, "u2", "gid_shared");
	fixture_in(f, "u3", "fred", 5003, 5003);
	fixture_in(f, "u4", "gina", 6000, id_from_hash("u4"));

	/* the owner keeps it */
	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 5003);
	USER(f, .id = "u3", .name = "fred", .uid = 5003, .gid = 5003);
	fixture_build(f);
	fixture_out(f, "u1", "gid_shared");
	fixture_in(f, "u3", "fred", 5003, 5003);
}

/* A local account that comes later takes nothing from anybody, and nothing is taken from it. */
static void test_local_comes_later(void **state)
{
	struct fixture *f = *state;
	struct ledger_user users[] = {
		{.id = "u1", .name = "alice", .uid = 5001, .gid = 5001, .private_group = true},
		{.id = "u2", .name = "dora", .uid = 1000, .gid = 5002, .private_group = true},
		{.id = "u3", .name = "emil", .uid = 5003, .gid = 5500, .private_group = true},
		{.id = "u4", .name = "fred", .uid = 30001, .gid = 5004, .private_group = true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(users); i++)
		assert_int_equal(ledger_add_user(&f->ledger, &users[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(users); i++)
		USER(f, .id = users[i].id, .name = users[i].name);
	fixture_build(f);
	fixture_out(f, "u1", "name_local");
	fixture_out(f, "u2", "uid_local");
	fixture_out(f, "u3", "gid_local");
	fixture_out(f, "u4", "uid_subordinate");
}

/* Who has got a name and ids keeps them, and does not log in; who is new gets none. */
static void test_shadow_left(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 5001);
	fixture_build(f);
	fixture_in(f, "u1", "dora", 5001, 5001);
	fixture_shadow(f, "dora:$6$a$b:19000::::::\nemil::19000::::::\nalice:$6$a$b:19000::::::\nfred:!$6$a$b:19000::::::\n");
	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 5001);
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .gid = 5002);
	USER(f, .id = "u3", .name = "fred", .uid = 5003, .gid = 5003);
	fixture_build(f);
	fixture_holder(f, "u1", "dora", 5001, 5001);
	fixture_out(f, "u2", "shadow_left");
	fixture_in(f, "u3", "fred", 5003, 5003);
	assert_int_equal(fixture_rejects(f, "user", "u1", "shadow_left"), 1);
	assert_int_equal(fixture_rejects(f, NULL, NULL, NULL), 2);
	assert_int_equal(ledger_find_name(&f->ledger, "emil"), INDEX_NONE);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_asked_for),	   TEST(test_none_asked_for),	 TEST(test_id_replaced),
		TEST(test_id_limits),	   TEST(test_uid_and_gid_apart), TEST(test_uid_collision),
		TEST(test_id_duplicate),   TEST(test_names),		 TEST(test_name_duplicate),
		TEST(test_accept), TEST(test_accept_same_uid), TEST(test_forget),
		TEST(test_leaving_in_grace), TEST(test_forgotten_after_the_grace),
		TEST(test_name_recycled),  TEST(test_rename_held),	 TEST(test_ids_held),
		TEST(test_gid_shared),	   TEST(test_local_comes_later), TEST(test_shadow_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
