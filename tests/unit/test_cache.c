/* The cache becomes equal to the world it is given, whatever it held; and says what that changed. */
#include "tests/unit/world_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agentd/cache.h"
#include "common/verifier.h"

static char dir[] = "/tmp/muster-cache-XXXXXX";
static char path[64];
static struct store store;

static struct cache_diff diff_of(struct fixture *f)
{
	struct cache_diff d;

	assert_int_equal(cache_compare(&store, &f->world, &d), 0);
	return d;
}

static void assert_diff(struct fixture *f, uint32_t n_new, uint32_t changed, uint32_t gone, uint32_t worse)
{
	struct cache_diff d = diff_of(f);

	if (d.n_new != n_new || d.n_changed != changed || d.n_gone != gone || d.n_worse != worse)
		fail_msg("%u new, %u changed, %u gone, %u worse", d.n_new, d.n_changed, d.n_gone, d.n_worse);
}

static void save(struct fixture *f)
{
	struct cache_meta meta = {11, 12, 13, 22, 33, {44, 43}, 40, "\"v1\""};

	assert_int_equal(cache_save(&store, &f->world, &meta), 0);
	assert_diff(f, 0, 0, 0, 0);
}

static int count_accounts(struct store *s, MDB_txn *txn, void *context)
{
	MDB_stat st;
	int r = mdb_stat(txn, s->dbi[0], &st);

	*(size_t *)context = st.ms_entries;
	return r;
}

static void test_meta(void **state)
{
	struct fixture *f = *state;
	struct cache_meta meta;

	assert_int_equal(cache_meta_load(&store, &meta), -ESRCH);
	fixture_build(f);
	save(f);
	assert_int_equal(cache_meta_load(&store, &meta), 0);
	assert_int_equal(meta.fingerprint, 11);
	assert_int_equal(meta.generation, 22);
	assert_int_equal(meta.inputs, 12);
	assert_int_equal(meta.rules, 13);
	assert_int_equal(meta.next_change_at, 33);
	assert_int_equal(meta.synced_at[0], 44);
	assert_int_equal(meta.synced_at[1], 43);
	assert_string_equal(meta.validator, "\"v1\"");
	memcpy(meta.validator, "W/\"v2\"", 7);
	assert_int_equal(cache_meta_save(&store, &meta), 0);
	assert_diff(f, 0, 0, 0, 0);
	meta = (struct cache_meta){0};
	assert_int_equal(cache_meta_load(&store, &meta), 0);
	assert_string_equal(meta.validator, "W/\"v2\"");
	assert_int_equal(meta.fingerprint, 11);
}

static void test_diff(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .sudo = true);
	USER(f, .id = "u2", .name = "emil");
	USER(f, .id = "u3", .name = "fred", .state = USER_SUSPENDED);
	fixture_build(f);
	assert_diff(f, 3, 0, 0, 0);
	save(f);

	USER(f, .id = "u1", .name = "dora"); /* sudo lost */
	USER(f, .id = "u2", .name = "emil", .gecos = "Emil");
	USER(f, .id = "u3", .name = "fred");
	USER(f, .id = "u4", .name = "gina");
	fixture_build(f);
	assert_diff(f, 1, 3, 0, 1);
	save(f);

	USER(f, .id = "u2", .name = "emil", .gecos = "Emil", .account_locked = true);
	USER(f, .id = "u4", .name = "gina");
	fixture_build(f); /* dora and fred left: tombstones */
	assert_diff(f, 0, 3, 0, 3);
	save(f);

	f->now += 40 * 86400;
	USER(f, .id = "u4", .name = "gina");
	fixture_build(f);
	assert_diff(f, 0, 1, 2, 0); /* emil's tombstone; he could do nothing before */
	save(f);
}

/* Steps at random: what is stored is what was given, each time. */
static void test_random(void **state)
{
	struct fixture *f = *state;
	static const uint32_t many[] = {0, 2, 4, 8}; /* eighths */
	uint32_t seed = 12345;
	char key[400] = "ssh-ed25519 ";

	memset(key + strlen(key), 'A', sizeof(key) - strlen(key) - 1);
	f->conf.tombstone_ms = 0;
	for (unsigned int round = 0; round < 60; round++) {
		size_t stored = 0;

		for (unsigned int i = 0; i < 200; i++) {
			char id[8], name[8];

			seed = seed * 1664525 + 1013904223;
			snprintf(id, sizeof(id), "u%03u", i);
			snprintf(name, sizeof(name), "n%03u", i);
			if (seed >> 29 < many[round % 4])
				USER(f, .id = id, .name = name, .gecos = seed >> 28 & 1 ? "one" : "two and more",
				     .ssh_keys = {key, sizeof(key), 1});
		}
		fixture_build(f);
		save(f);
		assert_int_equal(store_read(&store, count_accounts, &stored), 0);
		assert_int_equal(stored, f->world.order.len / sizeof(uint32_t));
	}
}

static int put_rubbish(struct store *s, MDB_txn *txn, void *context)
{
	MDB_val key = {2, (void *)(uintptr_t) "u1"}, value = {7, (void *)(uintptr_t) "rubbish"};

	(void)context;
	return mdb_put(txn, s->dbi[0], &key, &value, 0);
}

static void test_rubbish(void **state)
{
	struct fixture *f = *state;
	struct cache_diff d;

	assert_int_equal(store_write(&store, put_rubbish, NULL), 0);
	USER(f, .id = "u1", .name = "dora");
	fixture_build(f);
	assert_int_equal(cache_compare(&store, &f->world, &d), -EBADMSG);
	save(f); /* and is well again */
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
		TEST(test_meta), TEST(test_diff), TEST(test_random), TEST(test_rubbish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
