/* The ledger: nothing is given twice, what was given is kept on disk, and comes back from the snapshots when that is lost. */
#include "tests/unit/world_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agentd/ledger_store.h"
#include "agentd/snapshots.h"
#include "common/snapshot_reader.h"
#include "common/verifier.h"

static char dir[] = "/tmp/muster-ledger-XXXXXX";
static char path[64];

static struct ledger_user dora(void)
{
	return (struct ledger_user){.id = "u1", .name = "dora", .uid = 5001, .gid = 5002, .private_group = true,
				    .changed = true};
}

static void test_given_once(void **state)
{
	struct ledger l = {0};
	struct ledger_user u = dora();

	(void)state;
	assert_int_equal(ledger_find_id(&l, "u1"), INDEX_NONE);
	assert_int_equal(ledger_add_user(&l, &u), 0);
	assert_int_equal(ledger_find_id(&l, "u1"), 0);
	assert_int_equal(ledger_find_name(&l, "DORA"), 0);
	assert_int_equal(ledger_find_uid(&l, 5001), 0);
	assert_int_equal(ledger_find_private(&l, 5002), 0);
	assert_int_equal(ledger_find_private(&l, 5001), INDEX_NONE);
	assert_int_equal(ledger_find_name(&l, "dor"), INDEX_NONE);

#define CLASH(...) assert_int_equal(ledger_add_user(&l, &(struct ledger_user){__VA_ARGS__}), -EEXIST)
	CLASH(.id = "u1", .name = "emil", .uid = 6001, .gid = 6001);
	CLASH(.id = "u2", .name = "Dora", .uid = 6001, .gid = 6001);
	CLASH(.id = "u2", .name = "emil", .uid = 5001, .gid = 6001);
	CLASH(.id = "u2", .name = "emil", .uid = 6001, .gid = 5002, .private_group = true);
#define WRONG(...) assert_int_equal(ledger_add_user(&l, &(struct ledger_user){__VA_ARGS__}), -EINVAL)
	WRONG(.id = "u/2", .name = "emil", .uid = 6001, .gid = 6001);
	WRONG(.id = "u2", .name = "e:", .uid = 6001, .gid = 6001);
	WRONG(.id = "u2", .name = "emil", .uid = 999, .gid = 6001);
	WRONG(.id = "u2", .name = "emil", .uid = 6001, .gid = 0);
	assert_int_equal(ledger_n_users(&l), 1);

	assert_int_equal(ledger_add_group(&l, &(struct ledger_group){"devs", 6000, true}), 0);
	assert_int_equal(ledger_find_group(&l, "Devs"), 0);
	assert_int_equal(ledger_find_gid(&l, 6000), 0);
	assert_int_equal(ledger_add_group(&l, &(struct ledger_group){"DEVS", 6001, true}), -EEXIST);
	assert_int_equal(ledger_add_group(&l, &(struct ledger_group){"other", 6000, true}), -EEXIST);
	assert_int_equal(ledger_add_group(&l, &(struct ledger_group){"other", 10, true}), -EINVAL);
	ledger_done(&l);
}

static void test_dropped(void **state)
{
	struct ledger l = {0};
	struct ledger_user u = dora(), other = {.id = "u2", .name = "Dora", .uid = 5001, .gid = 5002,
						.private_group = true, .changed = true};
	struct store s;

	(void)state;
	assert_int_equal(store_open(path, ledger_dbs, &s), 0);
	assert_int_equal(ledger_add_user(&l, &u), 0);
	assert_int_equal(ledger_save(&s, &l), 0);
	ledger_drop(&l, 0);
	assert_int_equal(ledger_find_id(&l, "u1"), INDEX_NONE);
	assert_int_equal(ledger_find_name(&l, "dora"), INDEX_NONE);
	assert_int_equal(ledger_add_user(&l, &other), 0);
	assert_int_equal(ledger_save(&s, &l), 0);
	ledger_done(&l);
	assert_int_equal(ledger_load(&s, &l), 0);
	assert_int_equal(ledger_n_users(&l), 1);
	assert_string_equal(ledger_user(&l, 0)->id, "u2");
	store_close(&s);
	ledger_done(&l);
}

static void test_many(void **state)
{
	struct ledger l = {0};

	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		char id[16], name[16];

		snprintf(id, sizeof(id), "id%u", i);
		snprintf(name, sizeof(name), "user%u", i);
		assert_int_equal(ledger_add_user(&l, &(struct ledger_user){.id = id, .name = name,
									   .uid = 2000 + i, .gid = 2000 + i,
									   .private_group = true}), 0);
	}
	for (uint32_t i = 0; i < 5000; i++) {
		char id[16];

		snprintf(id, sizeof(id), "id%u", i);
		assert_int_equal(ledger_find_id(&l, id), i);
		assert_int_equal(ledger_find_uid(&l, 2000 + i), i);
		assert_int_equal(ledger_find_private(&l, 2000 + i), i);
	}
	ledger_done(&l);
}

static void open_ledger(struct store *s, struct ledger *l)
{
	*l = (struct ledger){0};
	assert_int_equal(store_open(path, ledger_dbs, s), 0);
	assert_int_equal(ledger_load(s, l), 0);
}

static void close_ledger(struct store *s, struct ledger *l)
{
	store_close(s);
	ledger_done(l);
}

static void test_kept(void **state)
{
	struct ledger_user u = dora();
	struct ledger l;
	struct store s;

	(void)state;
	open_ledger(&s, &l);
	assert_int_equal(ledger_n_users(&l), 0);
	assert_int_equal(ledger_add_user(&l, &u), 0);
	assert_int_equal(ledger_add_group(&l, &(struct ledger_group){"devs", 6000, true}), 0);
	l.state = (struct ledger_state){.generation = 7, .serial = 17, .url_hash = 3};
	assert_int_equal(ledger_save(&s, &l), 0);
	assert_false(ledger_user(&l, 0)->changed);
	close_ledger(&s, &l);

	open_ledger(&s, &l);
	assert_int_equal(l.state.generation, 7);
	assert_int_equal(l.state.serial, 17);
	assert_int_equal(l.state.url_hash, 3);
	assert_int_equal(ledger_n_users(&l), 1);
	assert_int_equal(ledger_find_gid(&l, 6000), 0);
	u = *ledger_user(&l, 0);
	assert_string_equal(u.id, "u1");
	assert_string_equal(u.name, "dora");
	assert_int_equal(u.uid, 5001);
	assert_int_equal(u.gid, 5002);
	assert_true(u.private_group);
	assert_false(u.changed);

	/* only what is marked is written */
	ledger_user(&l, 0)->removed_at = NOW;
	assert_int_equal(ledger_save(&s, &l), 0);
	close_ledger(&s, &l);
	open_ledger(&s, &l);
	assert_int_equal(ledger_user(&l, 0)->removed_at, 0);
	ledger_user(&l, 0)->removed_at = NOW;
	ledger_user(&l, 0)->changed = true;
	assert_int_equal(ledger_save(&s, &l), 0);
	close_ledger(&s, &l);
	open_ledger(&s, &l);
	assert_int_equal(ledger_user(&l, 0)->removed_at, NOW);
	assert_int_equal(ledger_user(&l, 0)->missing_since, 0);

	/* missing is not removed */
	ledger_user(&l, 0)->removed_at = 0;
	ledger_user(&l, 0)->missing_since = NOW + 1;
	ledger_user(&l, 0)->changed = true;
	assert_int_equal(ledger_save(&s, &l), 0);
	close_ledger(&s, &l);
	open_ledger(&s, &l);
	assert_int_equal(ledger_user(&l, 0)->removed_at, 0);
	assert_int_equal(ledger_user(&l, 0)->missing_since, NOW + 1);
	assert_int_equal(l.state.serial, 17);
	close_ledger(&s, &l);
}

/* A name that may be no name, ids below the floor, cut values: the ledger as a whole is not believed. */
static int put_rubbish(struct store *s, MDB_txn *txn, void *context)
{
	static const uint8_t low_uid[] = {1, 0, 0, 0, 5, 0, 0, 0, 0x8a, 0x13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'x', 0};
	static const uint8_t bad_name[] = {1, 0, 0, 0, 0x89, 0x13, 0, 0, 0x8a, 0x13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
					   ':', 0};
	static const struct {
		unsigned int db;
		size_t size;
		const uint8_t *data;
	} cases[] = {
		{0, sizeof(low_uid), low_uid}, {0, sizeof(bad_name), bad_name}, {0, sizeof(low_uid) - 1, low_uid},
		{0, 3, low_uid}, {1, 7, low_uid}, {1, 8, low_uid}, {2, 8, low_uid},
	};
	unsigned int i = *(unsigned int *)context;
	MDB_val key = {2, (void *)(uintptr_t) "id"}, value;

	if (i >= ARRAY_SIZE(cases))
		return MDB_NOTFOUND;
	value = (MDB_val){cases[i].size, (void *)(uintptr_t)cases[i].data};
	for (unsigned int db = 0; db < 3; db++)
		mdb_drop(txn, s->dbi[db], 0);
	return mdb_put(txn, s->dbi[cases[i].db], &key, &value, 0);
}

static void test_rubbish(void **state)
{
	struct store s;
	unsigned int i = 0;
	int r;

	(void)state;
	assert_int_equal(store_open(path, ledger_dbs, &s), 0);
	while ((r = store_write(&s, put_rubbish, &i)) == 0) {
		struct ledger l = {0};

		assert_int_equal(ledger_load(&s, &l), -EBADMSG);
		ledger_done(&l);
		i++;
	}
	assert_int_equal(r, -ESRCH);
	assert_int_equal(i, 7);
	store_close(&s);
}

static struct snapshot *publish_one(struct fixture *f, enum snapshot_kind kind)
{
	struct policy policy = {.portal_url = "", .dummy_hash = VERIFIER_DUMMY};
	struct sync_status status = {.directory_url = "file:///x", .driver = "document", .last_error = "",
				     .serial = 9};
	struct snapshots_input in = {&policy, &status, 4, NOW, NOW, NULL};
	struct snapshots made;
	struct snapshot *s = NULL;
	char fd_path[64];

	assert_int_equal(snapshots_build(&f->world, &in, &made), 0);
	snprintf(fd_path, sizeof(fd_path), "%s/snapshot", dir);
	unlink(fd_path);
	{
		AUTO_CLOSE int out = open(fd_path, O_RDWR | O_CREAT | O_EXCL, 0600);
		uint8_t chunk[65536];
		ssize_t n = pread(kind == SNAPSHOT_PAM ? made.pam : made.nss, chunk, sizeof(chunk), 0);

		assert_true(n > 0 && n < (ssize_t)sizeof(chunk) && write(out, chunk, (size_t)n) == n);
	}
	snapshots_done(&made);
	assert_int_equal(snapshot_open(fd_path, kind, &s), 0);
	unlink(fd_path);
	return s;
}

static void publish_world(struct fixture *f, struct snapshot **pam, struct snapshot **nss)
{
	USER(f, .id = "u0", .name = "gone", .uid = 5000);
	fixture_build(f);
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .gid = 6000);
	GROUP(f, .id = "g1", .name = "", .posix = {{"devs", 6000}}, .n_posix = 1);
	fixture_build(f);
	*pam = publish_one(f, SNAPSHOT_PAM);
	*nss = publish_one(f, SNAPSHOT_NSS);
}

static void test_adopted(void **state)
{
	struct fixture *f = *state;
	CLEANUP(snapshot_closep) struct snapshot *pam = NULL;
	CLEANUP(snapshot_closep) struct snapshot *nss = NULL;
	struct ledger_user *u;
	uint32_t added;

	publish_world(f, &pam, &nss);
	ledger_done(&f->ledger);
	assert_int_equal(ledger_adopt(&f->ledger, pam, nss, &added), 0);
	assert_int_equal(added, 4);
	assert_int_equal(f->ledger.state.generation, 4);
	assert_int_equal(f->ledger.state.serial, 9);
	assert_int_equal(f->ledger.state.url_hash, ledger_url_hash("file:///x"));
	u = ledger_user(&f->ledger, ledger_find_id(&f->ledger, "u0"));
	assert_int_equal(u->removed_at, NOW);
	assert_true(u->private_group);
	u = ledger_user(&f->ledger, ledger_find_id(&f->ledger, "u2"));
	assert_int_equal(u->gid, 6000);
	assert_false(u->private_group);
	assert_true(u->changed);
	assert_int_equal(ledger_n_groups(&f->ledger), 1);
	assert_int_equal(ledger_find_group(&f->ledger, "devs"), 0);

	/* the same directory then gives the same world */
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .gid = 6000);
	fixture_build(f);
	fixture_in(f, "u1", "dora", 5001, 5001);
	fixture_in(f, "u2", "emil", 5002, 6000);
	fixture_holder(f, "u0", "gone", 5000, 5000);
}

/* What the ledger has stays, whatever a snapshot says. */
static void test_adopted_in_part(void **state)
{
	struct fixture *f = *state;
	CLEANUP(snapshot_closep) struct snapshot *pam = NULL;
	CLEANUP(snapshot_closep) struct snapshot *nss = NULL;
	struct ledger_user other = {.id = "u1", .name = "dora", .uid = 5055, .gid = 5055, .private_group = true};
	uint32_t added;

	publish_world(f, &pam, &nss);
	ledger_done(&f->ledger);
	assert_int_equal(ledger_add_user(&f->ledger, &other), 0);
	f->ledger.state = (struct ledger_state){.generation = 3, .serial = 11,
						.url_hash = ledger_url_hash("file:///x")};
	assert_int_equal(ledger_adopt(&f->ledger, pam, nss, &added), 0);
	assert_int_equal(ledger_user(&f->ledger, 0)->uid, 5055);
	assert_int_equal(ledger_find_uid(&f->ledger, 5001), INDEX_NONE);
	assert_int_not_equal(ledger_find_id(&f->ledger, "u2"), INDEX_NONE);
	assert_int_equal(f->ledger.state.serial, 11); /* never falls */
}

static int set_up(void **state)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(str_print(path, sizeof(path), "%s/ledger.mdb", dir), 0);
	return fixture_set_up(state);
}

static int tear_down(void **state)
{
	char lock[80];

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
		TEST(test_given_once), TEST(test_many),	   TEST(test_kept), TEST(test_dropped),
		TEST(test_rubbish),    TEST(test_adopted), TEST(test_adopted_in_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
