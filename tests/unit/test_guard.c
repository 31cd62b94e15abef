/* Who is missing from a list that says nothing about removals: a few are gone, many stay until it is certain (R13). */
#include "tests/unit/world_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agentd/cache.h"
#include "agentd/guard.h"

#define HOLD_S 1800

static char dir[] = "/tmp/muster-guard-XXXXXX";
static char path[64];
static struct store store;
static struct guard_input in;
static struct guard guard;

static void test_many(void **state)
{
	(void)state;
	assert_false(guard_many(0, 0, true));
	assert_false(guard_many(100, 0, false));
	assert_false(guard_many(10, 5, false)); /* half of them, but few */
	assert_true(guard_many(10, 6, false));
	assert_false(guard_many(30, 6, false)); /* a fifth exactly */
	assert_true(guard_many(29, 6, false));
	assert_false(guard_many(100000, 20000, false));
	assert_true(guard_many(100000, 20001, false));
	assert_true(guard_many(UINT32_MAX, UINT32_MAX, false));
	assert_true(guard_many(1, 1, true)); /* nobody at all: also of one */
}

static void test_confirmed(void **state)
{
	struct guard_input i = {.now = NOW, .hold_s = HOLD_S, .before = {NOW - 60, NOW - 120}};

	(void)state;
	assert_true(guard_confirmed(&i, NOW - HOLD_S));
	assert_false(guard_confirmed(&i, NOW - HOLD_S + 1));
	assert_false(guard_confirmed(&i, 0)); /* was there */
	i.hold_s = 0;
	assert_true(guard_confirmed(&i, NOW - 120));
	assert_false(guard_confirmed(&i, NOW - 119)); /* this sync and the one before are two */
	i.before[1] = 0; /* and so are all */
	assert_false(guard_confirmed(&i, NOW - 60));
}

/* N users u0…, from FIRST, into the list. */
static void list(struct fixture *f, unsigned int first, unsigned int n)
{
	char id[16], name[16];

	for (unsigned int i = first; i < first + n; i++) {
		snprintf(id, sizeof(id), "u%02u", i);
		snprintf(name, sizeof(name), "user%u", i);
		USER(f, .id = id, .name = name, .uid = 5000 + i, .gecos = "G", .home = "/srv/x", .shell = "/bin/dash");
	}
}

static int try(struct fixture *f)
{
	assert_int_equal(stage_flush(&f->stage), 0);
	in.now = f->now;
	return guard_apply(&in, &f->stage, &f->ledger, &store, &guard);
}

/* One sync of what was listed. */
static void sync_one(struct fixture *f)
{
	struct cache_meta meta = {.generation = 1};

	assert_int_equal(try(f), 0);
	fixture_build(f);
	assert_int_equal(cache_save(&store, &f->world, &meta), 0);
	in.before[1] = in.before[0];
	in.before[0] = f->now;
	f->now += 60;
}

static void expect(struct fixture *f, uint32_t known, uint32_t missing, uint32_t held)
{
	if (guard.n_known != known || guard.n_missing != missing || guard.n_held != held)
		fail_msg("%u known, %u missing, %u held", guard.n_known, guard.n_missing, guard.n_held);
	assert_int_equal(f->world.n_rejected, 0);
}

static void test_few(void **state)
{
	struct fixture *f = *state;

	list(f, 0, 10);
	sync_one(f);
	expect(f, 0, 0, 0);
	list(f, 5, 5);
	sync_one(f);
	expect(f, 10, 5, 0);
	fixture_holder(f, "u00", "user0", 5000, 5000);
	fixture_in(f, "u05", "user5", 5005, 5005);
	list(f, 5, 5);
	sync_one(f);
	expect(f, 5, 0, 0);
}

/* Everything of theirs stays, and what the list says of others counts. */
static void test_held(void **state)
{
	struct fixture *f = *state;
	struct account a;

	list(f, 0, 10);
	GROUP(f, .id = "g1", .name = "Devs", .posix = {{"devs", 6000}}, .n_posix = 1);
	GROUP(f, .id = "g2", .name = "Ops", .posix = {{"ops", 6001}}, .n_posix = 1);
	fixture_members(f, "g1", "u00", "u09", NULL);
	fixture_members(f, "g2", "u00", "u09", NULL);
	sync_one(f);
	list(f, 6, 3);
	USER(f, .id = "u09", .name = "user9", .suspended = true);
	GROUP(f, .id = "g2", .name = "Ops", .posix = {{"ops", 6001}}, .n_posix = 1);
	fixture_members(f, "g2", "u09", NULL);
	sync_one(f);
	expect(f, 10, 6, 6);
	assert_int_equal(guard.until, NOW + 60 + HOLD_S);
	fixture_in(f, "u00", "user0", 5000, 5000);
	assert_string_equal(fixture_gids(f, "u00"), "5000,6000,6001");
	a = fixture_account(f, "u00");
	assert_string_equal(a.home, "/srv/x");
	assert_string_equal(a.shell, "/bin/dash");
	assert_true(fixture_account(f, "u09").suspended);
	assert_string_equal(fixture_gids(f, "u09"), "5009,6001");
}

static void test_released(void **state)
{
	struct fixture *f = *state;

	list(f, 0, 10);
	sync_one(f);
	sync_one(f); /* nobody is left: the first time */
	expect(f, 10, 10, 10);
	f->now = NOW + 60 + HOLD_S;
	sync_one(f); /* long enough, but the second time */
	expect(f, 10, 10, 10);
	sync_one(f);
	expect(f, 10, 10, 0);
	fixture_holder(f, "u00", "user0", 5000, 5000);
	assert_int_equal(f->world.n_accounts, 0);
}

/* Who comes back, or joins those who are missing, begins anew; the others do not wait for him. */
static void test_each_for_himself(void **state)
{
	struct fixture *f = *state;

	list(f, 0, 20);
	sync_one(f);
	list(f, 10, 10);
	sync_one(f);
	expect(f, 20, 10, 10);
	list(f, 9, 10); /* one is back, another joins */
	sync_one(f);
	expect(f, 20, 10, 10);
	f->now = NOW + 60 + HOLD_S;
	list(f, 10, 9);
	sync_one(f); /* nine are confirmed; two are few by themselves */
	expect(f, 20, 11, 0);
	assert_int_equal(f->world.n_accounts, 9);
}

/* Once all are back, an old loss proves nothing. */
static void test_back(void **state)
{
	struct fixture *f = *state;

	list(f, 0, 10);
	sync_one(f);
	sync_one(f);
	expect(f, 10, 10, 10);
	list(f, 0, 10);
	sync_one(f);
	expect(f, 10, 0, 0);
	f->now = NOW + 60 + HOLD_S;
	list(f, 0, 10);
	sync_one(f);
	sync_one(f);
	expect(f, 10, 10, 10);
}

static void test_said(void **state)
{
	struct fixture *f = *state;

	list(f, 0, 10);
	sync_one(f);
	for (int i = 0; i < 10; i++) {
		char id[16];

		snprintf(id, sizeof(id), "u%02d", i);
		if (i < 7)
			fixture_removed(f, id);
		else
			fixture_reject(f, "user", id, "name_invalid");
	}
	assert_int_equal(try(f), 0);
	assert_int_equal(guard.n_missing, 0); /* removed explicitly, or there, but left out */
	fixture_build(f);
	assert_int_equal(f->world.n_accounts, 0);
}

static void test_accepted(void **state)
{
	struct fixture *f = *state;

	list(f, 0, 10);
	sync_one(f);
	in.accepted = true;
	sync_one(f);
	expect(f, 10, 10, 0);
	assert_int_equal(f->world.n_accounts, 0);
}

/* Held, but nowhere to be found: better the whole old state. */
static void test_cache_lost(void **state)
{
	struct fixture *f = *state;

	list(f, 0, 10);
	fixture_build(f);
	assert_int_equal(try(f), -ENOENT);
}

/* One of them is nowhere, since this host has his name itself: that is no reason to be deaf to bad news of others. */
static void test_nothing_to_keep(void **state)
{
	const struct ledger_user given = {.id = "u99", .name = "alice", .uid = 5999, .gid = 5999, .private_group = true};
	struct fixture *f = *state;

	assert_int_equal(ledger_add_user(&f->ledger, &given), 0);
	list(f, 0, 10);
	USER(f, .id = "u99", .name = "alice");
	sync_one(f);
	assert_false(fixture_has(f, "u99"));
	list(f, 6, 3);
	USER(f, .id = "u09", .name = "user9", .suspended = true);
	sync_one(f);
	assert_int_equal(guard.n_held, 7);
	fixture_in(f, "u00", "user0", 5000, 5000);
	assert_true(fixture_account(f, "u09").suspended);
}

static int set_up(void **state)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(str_print(path, sizeof(path), "%s/cache.mdb", dir), 0);
	assert_int_equal(store_open(path, cache_dbs, &store), 0);
	in = (struct guard_input){.hold_s = HOLD_S};
	return fixture_set_up(state);
}

static int tear_down(void **state)
{
	char lock[80];

	store_close(&store);
	snprintf(lock, sizeof(lock), "%s-lock", path);
	unlink(lock);
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
	return fixture_tear_down(state);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_many), TEST(test_confirmed), TEST(test_few),	    TEST(test_held), TEST(test_released),
		TEST(test_said), TEST(test_accepted),  TEST(test_cache_lost), TEST(test_each_for_himself),
		TEST(test_back), TEST(test_nothing_to_keep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
