/* POSIX groups, who is in them, private groups, sudo (D4). */
#include "tests/unit/world_fixture.h"

#include <stdio.h>
#include <string.h>

#include "common/names.h"

/* "a\0b\0", N of them */
#define STRINGS(literal, n) {(literal), sizeof(literal) - 1, (n)}
#define POSIX(...) .posix = {{__VA_ARGS__}}, .n_posix = 1

static void test_members(void **state)
{
	struct fixture *f = *state;

	/* in any order; ids that nobody has; somebody twice; somebody left out */
	fixture_members(f, "g1", "u3", "u1", "nobody", "u1", "bad", NULL);
	GROUP(f, .id = "g1", .name = "Developers & Co", POSIX("devs", 6000));
	GROUP(f, .id = "g2", .name = "Other", POSIX("devs", 6000));
	USER(f, .id = "u1", .name = "zora", .uid = 5001);
	USER(f, .id = "u2", .name = "emil", .uid = 5002);
	USER(f, .id = "u3", .name = "dora", .uid = 5003);
	USER(f, .id = "bad", .name = "root", .uid = 5004);
	fixture_members(f, "g2", "u2", "u3", NULL);
	fixture_members(f, "no-such-group", "u2", NULL);
	fixture_build(f);
	assert_string_equal(fixture_group_members(f, "devs", 6000), "dora,emil,zora");
	assert_string_equal(fixture_gids(f, "u1"), "5001,6000");
	assert_string_equal(fixture_gids(f, "u2"), "5002,6000");
	assert_int_equal(ledger_n_groups(&f->ledger), 1);
}

static void test_many_groups(void **state)
{
	struct fixture *f = *state;

	GROUP(f, .id = "g1", .name = "", .posix = {{"a", 6001}, {"b", 6002}}, .n_posix = 2);
	GROUP(f, .id = "g2", .name = "", POSIX("c", 6003), .sudo = true);
	GROUP(f, .id = "g3", .name = "no group here");
	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 6002);
	USER(f, .id = "u2", .name = "emil", .uid = 5002);
	fixture_members(f, "g1", "u1", "u2", NULL);
	fixture_members(f, "g2", "u2", NULL);
	fixture_members(f, "g3", "u2", NULL);
	fixture_build(f);
	assert_string_equal(fixture_gids(f, "u1"), "6002,6001");
	assert_string_equal(fixture_gids(f, "u2"), "5002,6001,6002,6003,2147483640");
	assert_string_equal(fixture_group_members(f, "b", 6002), "emil");
	assert_false(fixture_get(f, "u1")->private_group);
}

static void test_bad_groups(void **state)
{
	static const struct {
		const char *name;
		uint32_t gid;
		const char *reason;
	} cases[] = {
		{"a:b", 6000, "name_invalid"},	{"sudo", 200500, "name_reserved"},
		{"SUDO", 6000, "name_reserved"}, {"docker", 6000, "name_reserved"},
		{"muster-sudo", GID_SUDO, "name_reserved"}, {"Locals", 6000, "name_local"},
		{"alice", 6000, "name_local"},	{"devs", 27, "gid_local"},
		{"devs", 26, "gid_range"},	{"devs", 5500, "gid_local"},
		{"devs", 30001, "gid_subordinate"}, {"devs", GID_SUDO, "gid_range"},
		{"dora", 6000, "name_user"},	{"DORA", 5001, "name_user"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ledger_done(&f->ledger);
		USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 5001);
		GROUP(f, .id = "g1", .name = "", POSIX(cases[i].name, cases[i].gid));
		GROUP(f, .id = "g2", .name = "", POSIX("good", 6001));
		fixture_members(f, "g1", "u1", NULL);
		fixture_members(f, "g2", "u1", NULL);
		fixture_build(f);
		if (fixture_rejects(f, "group", "g1", cases[i].reason) != 1 || f->world.n_rejected != 1)
			fail_msg("group %s, gid %u: no %s", cases[i].name, cases[i].gid, cases[i].reason);
		assert_string_equal(fixture_gids(f, "u1"), "5001,6001");
	}
}

/* A group may have a user's name when it is his own group. */
static void test_group_of_user(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 5001);
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .gid = 5002);
	GROUP(f, .id = "g1", .name = "", POSIX("dora", 5001));
	fixture_members(f, "g1", "u2", NULL);
	fixture_build(f);
	fixture_in(f, "u1", "dora", 5001, 5001);
	assert_false(fixture_get(f, "u1")->private_group);
	assert_string_equal(fixture_group_members(f, "dora", 5001), "emil");

	USER(f, .id = "u2", .name = "emil", .uid = 5002, .gid = 5002);
	GROUP(f, .id = "g2", .name = "", POSIX("emil", 5002));
	fixture_members(f, "g2", "u2", NULL);
	fixture_build(f); /* dora left: her group goes with the directory's, her gid stays hers */
	fixture_holder(f, "u1", "dora", 5001, 5001);
	assert_string_equal(fixture_group_members(f, "emil", 5002), "");
}

static void test_gid_collision(void **state)
{
	struct fixture *f = *state;

	GROUP(f, .id = "g2", .name = "", POSIX("two", 6000));
	GROUP(f, .id = "g1", .name = "", POSIX("one", 6000));
	GROUP(f, .id = "g3", .name = "", POSIX("ONE", 6003));
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	fixture_build(f);
	assert_string_equal(fixture_group_members(f, "one", 6000), "");
	assert_int_equal(fixture_rejects(f, "group", "g2", "id_collision"), 1);
	assert_int_equal(fixture_rejects(f, "group", "g3", "name_duplicate"), 1);

	/* dora's private group is nobody else's */
	GROUP(f, .id = "g4", .name = "", POSIX("four", 5001));
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	fixture_build(f);
	assert_int_equal(fixture_rejects(f, "group", "g4", "id_collision"), 1);
	assert_true(fixture_get(f, "u1")->private_group);
}

/* What was given stays: gids of names, names of gids, and names that users may not take. */
static void test_groups_held(void **state)
{
	struct fixture *f = *state;

	GROUP(f, .id = "g1", .name = "", POSIX("devs", 6000));
	fixture_build(f);
	GROUP(f, .id = "g1", .name = "", POSIX("devs", 6001));
	GROUP(f, .id = "g2", .name = "", POSIX("new", 6000));
	USER(f, .id = "u1", .name = "Devs", .uid = 5001);
	fixture_build(f);
	assert_string_equal(fixture_group_members(f, "devs", 6000), "");
	assert_int_equal(fixture_rejects(f, "gid", "g1", "gid_changed"), 1);
	assert_int_equal(fixture_rejects(f, "group", "g2", "id_collision"), 1);
	fixture_out(f, "u1", "name_group");
}

static void test_primary_group(void **state)
{
	struct fixture *f = *state;

	GROUP(f, .id = "g1", .name = "", POSIX("team", 6000));
	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 6000);
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .gid = 6000);
	fixture_members(f, "g1", "u1", NULL);
	fixture_build(f);
	fixture_in(f, "u1", "dora", 5001, 6000);
	fixture_in(f, "u2", "emil", 5002, 6000);
	assert_string_equal(fixture_group_members(f, "team", 6000), ""); /* primary: not listed */
	assert_string_equal(fixture_gids(f, "u1"), "6000");

	/* the group leaves the directory: those who had it keep it, nobody new gets in */
	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 6000);
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .gid = 6000);
	USER(f, .id = "u3", .name = "fred", .uid = 5003, .gid = 6000);
	fixture_build(f);
	fixture_in(f, "u1", "dora", 5001, 6000);
	fixture_in(f, "u2", "emil", 5002, 6000);
	fixture_out(f, "u3", "gid_shared");
	assert_string_equal(fixture_group_members(f, "team", 6000), "");
}

static void test_group_id_duplicate(void **state)
{
	struct fixture *f = *state;

	GROUP(f, .id = "g1", .name = "", POSIX("one", 6001), .sudo = true);
	GROUP(f, .id = "g1", .name = "", POSIX("two", 6002), .sudo = true);
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	fixture_members(f, "g1", "u1", NULL);
	fixture_build(f);
	assert_int_equal(fixture_rejects(f, "group", "g1", "id_duplicate"), 1);
	assert_string_equal(fixture_gids(f, "u1"), "5001");
}

static void add_sudoers(struct fixture *f)
{
	USER(f, .id = "u1", .name = "plain", .uid = 5001);
	USER(f, .id = "u2", .name = "own", .uid = 5002, .sudo = true);
	USER(f, .id = "u3", .name = "own-n", .uid = 5003, .sudo = true, .sudo_nopasswd = true);
	USER(f, .id = "u4", .name = "odd", .uid = 5004, .sudo_nopasswd = true); /* without sudo: nothing */
	USER(f, .id = "u5", .name = "group", .uid = 5005);
	USER(f, .id = "u6", .name = "both", .uid = 5006, .sudo = true);
	GROUP(f, .id = "g1", .name = "", .sudo = true);
	GROUP(f, .id = "g2", .name = "", .sudo = true, .sudo_nopasswd = true);
	GROUP(f, .id = "g3", .name = "", .sudo_nopasswd = true);
	fixture_members(f, "g1", "u5", NULL);
	fixture_members(f, "g2", "u6", NULL);
	fixture_members(f, "g3", "u1", NULL);
}

static void add_leasers(struct fixture *f)
{
	USER(f, .id = "u1", .name = "none", .uid = 5001, .gid = 5001, .has_lease = true, .lease_s = 1);
	USER(f, .id = "u2", .name = "one", .uid = 5002, .gid = 5002);
	USER(f, .id = "u3", .name = "both", .uid = 5003, .gid = 5003);
	USER(f, .id = "u4", .name = "ever", .uid = 5004, .gid = 5004);
	GROUP(f, .id = "g1", .name = "Ops on call");
	GROUP(f, .id = "g2", .name = "Contractors");
	GROUP(f, .id = "g3", .name = "Ever");
	fixture_members(f, "g1", "u2", "u3", NULL);
	fixture_members(f, "g2", "u3", NULL);
	fixture_members(f, "g3", "u3", "u4", NULL);
}

/* Leases are this host's to give: those of groups by name, of several the shortest, where 0 is the longest. */
static void test_lease(void **state)
{
	struct fixture *f = *state;
	char ops[] = "Ops on call", contractors[] = "Contractors", ever[] = "Ever";
	struct conf_lease leases[] = {{ops, 60000000}, {contractors, 7000}, {ever, 0}};

	f->conf.leases = leases;
	f->conf.n_leases = ARRAY_SIZE(leases);
	add_leasers(f);
	fixture_build(f);
	assert_false(fixture_account(f, "u1").has_lease);
	assert_int_equal(fixture_account(f, "u1").lease_s, 0);
	assert_true(fixture_account(f, "u2").has_lease);
	assert_int_equal(fixture_account(f, "u2").lease_s, 60000);
	assert_int_equal(fixture_account(f, "u3").lease_s, 7);
	assert_true(fixture_account(f, "u4").has_lease);
	assert_int_equal(fixture_account(f, "u4").lease_s, 0);
	f->conf.leases = NULL;
	f->conf.n_leases = 0;
}

/* What groups of the directory carry is root's to say, and /etc/group's to resolve: nothing else gives any. */
static void test_local_groups(void **state)
{
	struct fixture *f = *state;
	char ops[] = "Ops on call", all[] = "Everybody";
	struct conf_grant grants[] = {{ops, {"plugdev\0video\0plugdev", 22, 3}}, {all, {"locals\0video", 13, 2}}};

	f->conf.grants = grants;
	f->conf.n_grants = ARRAY_SIZE(grants);
	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 5001);
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .gid = 5002);
	USER(f, .id = "u3", .name = "fred", .uid = 5003, .gid = 5003);
	USER(f, .id = "u4", .name = "root", .uid = 5004, .gid = 5004);
	GROUP(f, .id = "g1", .name = "Ops on call", POSIX("team", 6000));
	GROUP(f, .id = "g2", .name = "Everybody");
	GROUP(f, .id = "g3", .name = "plugdev"); /* a name is not enough, … */
	GROUP(f, .id = "g4", .name = "", POSIX("plugdev", 46)); /* … nor is asking for it */
	fixture_members(f, "g1", "u1", NULL);
	fixture_members(f, "g2", "u1", "u2", "u4", NULL);
	fixture_members(f, "g3", "u3", NULL);
	fixture_members(f, "g4", "u3", NULL);
	fixture_build(f);
	assert_string_equal(fixture_gids(f, "u1"), "5001,44,46,5500,6000");
	assert_string_equal(fixture_gids(f, "u2"), "5002,44,5500");
	assert_string_equal(fixture_gids(f, "u3"), "5003");
	assert_string_equal(fixture_group_members(f, "plugdev", 46), "dora");
	assert_string_equal(fixture_group_members(f, "video", 44), "dora,emil");
	assert_int_equal(fixture_rejects(f, "local_group", NULL, NULL), 0);
	assert_int_equal(ledger_n_groups(&f->ledger), 1); /* they are not ours to keep */

	fixture_build(f); /* all left */
	assert_string_equal(fixture_group_members(f, "plugdev", 46), "");
	f->conf.grants = NULL;
	f->conf.n_grants = 0;
}

/* What there is none of, or what is root's, gives nothing, is told, and costs nobody else anything. */
static void test_bad_local_groups(void **state)
{
	static const struct {
		const char *name, *reason;
	} cases[] = {
		{"docker", "group_missing"}, {"Plugdev", "group_missing"}, {"nis", "group_missing"},
		{"garbled", "group_missing"},{"toor", "gid_root"},	   {"high", "gid_range"},
		{"camera", "gid_shared"},
	};
	struct fixture *f = *state;
	char ops[] = "Ops";

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char names[32];
		size_t len = (size_t)snprintf(names, sizeof(names), "video%c%s", 0, cases[i].name) + 1;
		struct conf_grant grant = {ops, {names, (uint32_t)len, 2}};

		f->conf.grants = &grant;
		f->conf.n_grants = 1;
		USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 5001);
		GROUP(f, .id = "g1", .name = "Ops");
		fixture_members(f, "g1", "u1", NULL);
		fixture_build(f);
		if (fixture_rejects(f, "local_group", "", cases[i].reason) != 1)
			fail_msg("local group %s: no %s", cases[i].name, cases[i].reason);
		assert_int_equal(f->world.n_rejected, 0);
		assert_string_equal(fixture_gids(f, "u1"), "5001,44");
	}
	f->conf.grants = NULL;
	f->conf.n_grants = 0;
}

/* By user, by group, by both, for everybody; a group that is not there is nobody's to be let in by, and everybody's to be refused. */
static void test_access(void **state)
{
	struct fixture *f = *state;
	struct conf_access rules[] = {
		{.rule = {.allow = true, .name = "r0"}, .groups = STRINGS("Ops on call\0Contractors\0", 2)},
		{.rule = {.name = "r1"}, .users = STRINGS("ever\0nobody\0", 2), .groups = STRINGS("Contractors\0", 1)},
		{.rule = {.allow = true, .name = "r2", .line = 7}, .users = STRINGS("none\0", 1), .groups = STRINGS("Gone\0", 1)},
		{.rule = {.name = "r3"}},
		{.rule = {.name = "r4"}, .groups = STRINGS("Ever\0gone\0", 2)},
		{.rule = {.name = "r5"}, .users = STRINGS("one\0", 1)},
	};

	f->conf.access = rules;
	f->conf.n_access = ARRAY_SIZE(rules);
	add_leasers(f);
	USER(f, .id = "u5", .name = "told", .uid = 5005, .access_allow = 1, .access_deny = 1);
	fixture_build(f);
	assert_int_equal(fixture_account(f, "u1").access_allow, 1 << 2);
	assert_int_equal(fixture_account(f, "u1").access_deny, 1 << 3 | 1 << 4);
	assert_int_equal(fixture_account(f, "u2").access_allow, 1 << 0);
	assert_int_equal(fixture_account(f, "u2").access_deny, 1 << 3 | 1 << 4 | 1 << 5);
	assert_int_equal(fixture_account(f, "u3").access_allow, 1 << 0);
	assert_int_equal(fixture_account(f, "u3").access_deny, 1 << 1 | 1 << 3 | 1 << 4);
	assert_int_equal(fixture_account(f, "u4").access_allow, 0);
	assert_int_equal(fixture_account(f, "u4").access_deny, 1 << 1 | 1 << 3 | 1 << 4);
	assert_int_equal(fixture_account(f, "u5").access_allow, 0);
	assert_int_equal(fixture_account(f, "u5").access_deny, 1 << 3 | 1 << 4);
	assert_int_equal(f->world.access_unknown, 1 << 2 | 1 << 4);
	assert_int_equal(fixture_rejects(f, "access", "", "group_unknown"), 2);
	assert_int_equal(f->world.n_rejected, 0);
	f->conf.access = NULL;
	f->conf.n_access = 0;
}

/* Which of two groups of one id is meant nobody can say: it is as if there were none. */
static void test_access_double_group(void **state)
{
	struct fixture *f = *state;
	struct conf_access rules[] = {
		{.rule = {.name = "r0"}, .groups = STRINGS("Twice\0", 1)},
		{.rule = {.name = "r1"}, .groups = STRINGS("Same\0", 1)},
	};

	f->conf.access = rules;
	f->conf.n_access = ARRAY_SIZE(rules);
	USER(f, .id = "u1", .name = "one", .uid = 5001);
	USER(f, .id = "u2", .name = "two", .uid = 5002);
	GROUP(f, .id = "g1", .name = "Twice");
	GROUP(f, .id = "g1", .name = "Other");
	GROUP(f, .id = "g2", .name = "Same"); /* two of one name: both are meant */
	GROUP(f, .id = "g3", .name = "Same");
	fixture_members(f, "g2", "u1", NULL);
	fixture_members(f, "g3", "u2", NULL);
	fixture_build(f);
	assert_int_equal(fixture_account(f, "u1").access_deny, 3);
	assert_int_equal(fixture_account(f, "u2").access_deny, 3);
	assert_int_equal(f->world.access_unknown, 1);
	f->conf.access = NULL;
	f->conf.n_access = 0;
}

static void test_sudo(void **state)
{
	struct fixture *f = *state;

	add_sudoers(f);
	fixture_build(f);
	assert_string_equal(fixture_group_members(f, GROUP_SUDO, GID_SUDO), "group,own");
	assert_string_equal(fixture_group_members(f, GROUP_SUDO_NOPASSWD, GID_SUDO_NOPASSWD), "both,own-n");
	assert_true(fixture_account(f, "u5").sudo);
	assert_true(fixture_account(f, "u6").sudo_nopasswd);
	assert_false(fixture_account(f, "u1").sudo);
	assert_false(fixture_account(f, "u4").sudo_nopasswd);

	f->conf.allow_sudo = false;
	add_sudoers(f);
	fixture_build(f);
	assert_string_equal(fixture_group_members(f, GROUP_SUDO, GID_SUDO), "");
	assert_string_equal(fixture_group_members(f, GROUP_SUDO_NOPASSWD, GID_SUDO_NOPASSWD), "");
	assert_false(fixture_account(f, "u2").sudo);
	assert_false(fixture_account(f, "u6").sudo_nopasswd);

	fixture_build(f); /* all left: tombstones have no rights, the groups are there */
	assert_string_equal(fixture_group_members(f, GROUP_SUDO, GID_SUDO), "");
	fixture_holder(f, "u2", "own", 5002, 5002);
}

/* More than a snapshot can hold is cut there and said, and costs nobody else anything. */
static void test_too_many(void **state)
{
	struct fixture *f = *state;
	const struct world_group *g;
	char id[16], name[40];

	USER(f, .id = "many", .name = "many", .uid = 5001);
	for (uint32_t i = 0; i < 33000; i++) {
		snprintf(id, sizeof(id), "g%05u", i);
		snprintf(name, sizeof(name), "group%05u", i);
		GROUP(f, .id = id, .name = "", POSIX(name, 1900000000 + i));
		fixture_members(f, id, "many", NULL);
	}
	fixture_build(f);
	assert_int_equal(fixture_rejects(f, "member", "many", "groups_many"), 1);
	assert_int_equal(f->world.members.len / sizeof(struct world_member), 32768);

	GROUP(f, .id = "all", .name = "", POSIX("everyone", 6000));
	for (uint32_t i = 0; i < 130000; i++) {
		snprintf(id, sizeof(id), "u%06u", i);
		snprintf(name, sizeof(name), "name-of-thirty-two-letters%06u", i);
		USER(f, .id = id, .name = name);
		fixture_members(f, "all", id, NULL);
	}
	fixture_build(f);
	assert_int_equal(fixture_rejects(f, "member", NULL, "members_many"), 1);
	g = world_group(&f->world, world_n_groups(&f->world) - 3);
	assert_string_equal(g->name, "everyone");
	assert_int_equal(g->n_members, ((4 << 20) - 4096) / 33);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_members),	   TEST(test_many_groups),	  TEST(test_bad_groups),
		TEST(test_group_of_user),  TEST(test_gid_collision),	  TEST(test_groups_held),
		TEST(test_primary_group),  TEST(test_group_id_duplicate), TEST(test_sudo),
		TEST(test_too_many),	   TEST(test_lease),		  TEST(test_local_groups),
		TEST(test_bad_local_groups), TEST(test_access),		  TEST(test_access_double_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
