/* An answer for one user, put among all others as the cache has them; and users whose record cannot be read. */
#include "tests/unit/world_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agentd/cache.h"
#include "agentd/kept.h"
#include "agentd/refresh.h"
#include "agentd/refresh_answer.h"
#include "common/verdict.h"

static char dir[] = "/tmp/muster-refresh-XXXXXX";
static char path[64];
static struct store store;

/* What was added becomes the world, and the world the cache. */
static void sync_one(struct fixture *f)
{
	struct cache_meta meta = {.generation = 1};
	uint32_t n;

	assert_int_equal(stage_flush(&f->stage), 0);
	assert_int_equal(kept_apply(&f->stage, &store, NULL, &n), 0);
	fixture_build(f);
	assert_int_equal(cache_save(&store, &f->world, &meta), 0);
	f->now += 60;
}

/* What was added is the answers to a refresh. */
static void refresh(struct fixture *f)
{
	struct stage list;

	assert_int_equal(stage_flush(&f->stage), 0);
	assert_int_equal(refresh_list(&f->stage, &store, f->now, false, &list), 0);
	stage_done(&f->stage);
	f->stage = list;
	sync_one(f);
}

static void first(struct fixture *f)
{
	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gecos = "G", .home = "/srv/x", .shell = "/bin/zsh");
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .sudo = true);
	USER(f, .id = "u3", .name = "sudo", .uid = 5003);
	USER(f, .id = "u4", .name = "fred", .uid = 5004);
	fixture_reject(f, "user", "u5", "name_invalid");
	fixture_reject(f, "key", "u1", "key_invalid");
	fixture_reject(f, "key", "u2", "key_invalid");
	GROUP(f, .id = "g1", .name = "Devs", .posix = {{"devs", 6000}, {"sudo", 6001}}, .n_posix = 2, .sudo = true);
	fixture_members(f, "g1", "u1", "u4", NULL);
	sync_one(f);
}

static struct cache_diff compare(struct fixture *f)
{
	struct cache_diff diff;

	assert_int_equal(cache_compare(&store, &f->world, &diff), 0);
	return diff;
}

/* Everybody stays who he was, however often, and so do the reasons why some are left out. */
static void test_nothing_new(void **state)
{
	struct fixture *f = *state;
	struct cache_diff diff;
	struct stage list;

	first(f);
	for (int i = 0; i < 3; i++) {
		USER(f, .id = "u4", .name = "fred", .uid = 5004);
		assert_int_equal(stage_flush(&f->stage), 0);
		assert_int_equal(refresh_list(&f->stage, &store, f->now, false, &list), 0);
		stage_done(&f->stage);
		f->stage = list;
		fixture_build(f);
		diff = compare(f);
		assert_int_equal(diff.n_new + diff.n_changed + diff.n_gone, 0);
		fixture_in(f, "u1", "dora", 5001, 5001);
		assert_string_equal(fixture_account(f, "u1").home, "/srv/x");
		assert_string_equal(fixture_gids(f, "u1"), "5001,6000,2147483640");
		assert_int_equal(fixture_rejects(f, "user", NULL, NULL), 2);
		assert_int_equal(fixture_rejects(f, "key", NULL, NULL), 2);
		assert_int_equal(fixture_rejects(f, "group", NULL, NULL), 1);
		assert_int_equal(cache_save(&store, &f->world, &(struct cache_meta){.generation = 2}), 0);
	}
}

static void test_suspended(void **state)
{
	struct fixture *f = *state;

	first(f);
	USER(f, .id = "u1", .name = "dora", .uid = 5001, .suspended = true);
	refresh(f);
	assert_true(fixture_account(f, "u1").suspended);
	assert_false(fixture_account(f, "u4").suspended);
	fixture_in(f, "u2", "emil", 5002, 5002);
	assert_int_equal(fixture_rejects(f, "key", "u1", NULL), 0); /* his new record has no such key */
	assert_int_equal(fixture_rejects(f, "key", "u2", NULL), 1);
	USER(f, .id = "u4", .name = "fred", .uid = 5004); /* the next refresh, of another one, does not forget it */
	refresh(f);
	assert_true(fixture_account(f, "u1").suspended);
}

static void test_removed(void **state)
{
	struct fixture *f = *state;

	first(f);
	fixture_removed(f, "u1");
	refresh(f);
	fixture_holder(f, "u1", "dora", 5001, 5001);
	fixture_in(f, "u4", "fred", 5004, 5004);
	USER(f, .id = "u2", .name = "emil", .uid = 5002);
	refresh(f);
	fixture_holder(f, "u1", "dora", 5001, 5001);
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	refresh(f);
	fixture_in(f, "u1", "dora", 5001, 5001);
}

/* Several at once, and one who stays because he cannot be read. */
static void test_several(void **state)
{
	struct fixture *f = *state;

	first(f);
	USER(f, .id = "u1", .name = "dora", .uid = 5001, .suspended = true);
	fixture_kept(f, "u2");
	fixture_reject(f, "user", "u4", "gecos_invalid");
	refresh(f);
	assert_true(fixture_account(f, "u1").suspended);
	fixture_in(f, "u2", "emil", 5002, 5002);
	fixture_holder(f, "u4", "fred", 5004, 5004);
	assert_int_equal(fixture_rejects(f, "user", "u4", "gecos_invalid"), 1);
}

static void test_no_cache(void **state)
{
	struct fixture *f = *state;
	struct store none = {0};
	struct stage list;

	USER(f, .id = "u1", .name = "dora");
	assert_int_equal(stage_flush(&f->stage), 0);
	assert_int_equal(refresh_list(&f->stage, &none, f->now, false, &list), -ENOENT);
	stage_done(&list);
}

/* What was added, as an answer to a question for u1. */
static int check(struct fixture *f)
{
	int r;

	assert_int_equal(stage_flush(&f->stage), 0);
	r = refresh_check(&f->stage, "u1");
	stage_done(&f->stage);
	assert_int_equal(stage_init(&f->stage), 0);
	return r;
}

static void test_check(void **state)
{
	static const char two[] = "u1\0u2";
	const struct membership both = {"", {two, sizeof(two), 2}};
	CLEANUP(buf_done) struct buf packed = {0};
	struct stage_place place;
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora");
	fixture_reject(f, "key", "u1", "key_invalid");
	assert_int_equal(check(f), 0);
	fixture_removed(f, "u1");
	assert_int_equal(check(f), 0);
	fixture_kept(f, "u1");
	assert_int_equal(check(f), 0);
	fixture_reject(f, "user", "u1", "name_invalid");
	assert_int_equal(check(f), 0);

	assert_int_equal(check(f), -EPROTO); /* no answer */
	fixture_reject(f, "key", "u1", "key_invalid");
	assert_int_equal(check(f), -EPROTO);
	USER(f, .id = "u2", .name = "emil");
	assert_int_equal(check(f), -EPROTO); /* another's */
	fixture_removed(f, "u2");
	assert_int_equal(check(f), -EPROTO);
	USER(f, .id = "u1", .name = "dora");
	USER(f, .id = "u2", .name = "emil");
	assert_int_equal(check(f), -EPROTO);
	USER(f, .id = "u1", .name = "dora");
	fixture_removed(f, "u1");
	assert_int_equal(check(f), -EPROTO); /* two answers */
	USER(f, .id = "u1", .name = "dora");
	GROUP(f, .id = "g1", .name = "Devs");
	assert_int_equal(check(f), -EPROTO);
	assert_int_equal(record_membership_pack(RECORD_REMOVED, &both, &packed), 0);
	assert_int_equal(stage_add(&f->stage, packed.data, packed.len, &place), 0);
	assert_int_equal(check(f), -EPROTO);
}

/* Of a whole list: who cannot be read stays with all he had, and who is not known is left out. */
static void test_kept(void **state)
{
	struct fixture *f = *state;

	first(f);
	fixture_kept(f, "u1");
	fixture_kept(f, "u7");
	USER(f, .id = "u4", .name = "fred", .uid = 5004);
	GROUP(f, .id = "g1", .name = "Devs", .posix = {{"devs", 6000}}, .n_posix = 1);
	fixture_members(f, "g1", "u1", "u4", NULL);
	sync_one(f);
	fixture_in(f, "u1", "dora", 5001, 5001);
	assert_string_equal(fixture_account(f, "u1").home, "/srv/x");
	assert_int_equal(fixture_rejects(f, "user", "u7", "unreadable"), 1);
	assert_false(fixture_has(f, "u7"));
	fixture_holder(f, "u2", "emil", 5002, 5002);
	fixture_kept(f, "u2"); /* he had left: there is nothing to keep */
	fixture_kept(f, "u1");
	sync_one(f);
	fixture_holder(f, "u2", "emil", 5002, 5002);
	assert_int_equal(fixture_rejects(f, "user", "u2", "unreadable"), 1);
	fixture_in(f, "u1", "dora", 5001, 5001);
}

static enum user_state state_at(const struct fixture *f, const char *id, int64_t now)
{
	const struct account a = fixture_account(f, id);

	return verdict_state_at(&a, now);
}

/* What was to come stays so; an activation that is past is older than what the directory says now. */
static void test_scheduled(void **state)
{
	struct fixture *f = *state;
	const int64_t due = f->now + 30, later = f->now + 1000;

	USER(f, .id = "u1", .name = "dora", .uid = 5001, .n_scheduled = 1, .scheduled = {{due, USER_ACTIVATED}});
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .n_scheduled = 1, .scheduled = {{later, USER_ACTIVATED}});
	USER(f, .id = "u3", .name = "fred", .uid = 5003, .n_scheduled = 1, .scheduled = {{due, USER_SUSPENDED}});
	sync_one(f);
	assert_true(f->now > due && f->now < later);
	USER(f, .id = "u1", .name = "dora", .uid = 5001, .state = USER_SUSPENDED, .suspended = true);
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .state = USER_SUSPENDED, .suspended = true);
	USER(f, .id = "u3", .name = "fred", .uid = 5003);
	refresh(f);
	assert_int_equal(state_at(f, "u1", f->now), USER_SUSPENDED);
	assert_int_equal(state_at(f, "u1", later), USER_SUSPENDED);
	assert_int_equal(state_at(f, "u2", f->now), USER_SUSPENDED);
	assert_int_equal(state_at(f, "u2", later), USER_ACTIVATED);
	assert_int_equal(state_at(f, "u3", f->now), USER_SUSPENDED);
}

static int set_up(void **state)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(str_print(path, sizeof(path), "%s/cache.mdb", dir), 0);
	assert_int_equal(store_open(path, cache_dbs, &store), 0);
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
		TEST(test_nothing_new), TEST(test_suspended), TEST(test_removed), TEST(test_several),
		TEST(test_no_cache),	TEST(test_check),     TEST(test_kept),
		TEST(test_scheduled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
