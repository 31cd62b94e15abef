/* Fields (D5), who leaves, what is finished of an account, and what muster-fetch never sends. */
#include "tests/unit/world_fixture.h"

#include <errno.h>
#include <string.h>

#include "common/verifier.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"

static void test_fields(void **state)
{
	static const struct {
		struct account a;
		const char *reason;
	} cases[] = {
		{{.gecos = "a:b"}, "gecos_invalid"},
		{{.gecos = "a\nb"}, "gecos_invalid"},
		{{.gecos = "a\xff"}, "gecos_invalid"},
		{{.home = "/"}, "home_invalid"},
		{{.home = "/home/../etc"}, "home_invalid"},
		{{.home = "/root"}, "home_invalid"},
		{{.home = "home"}, "home_invalid"},
		{{.shell = "bash"}, "shell_invalid"},
		{{.shell = "/bin/sh\nx"}, "shell_invalid"},
		{{.email = "a@b\x1b[2J"}, "email_invalid"},
		{{.email = "a:b"}, "email_invalid"},
		{{.totp_secret = "1"}, "totp_invalid"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct account a = cases[i].a;

		a.id = "u1";
		a.name = "dora";
		fixture_user(f, a);
		USER(f, .id = "u2", .name = "emil", .uid = 5002);
		fixture_build(f);
		fixture_out(f, "u1", cases[i].reason);
		fixture_in(f, "u2", "emil", 5002, 5002);
	}
	USER(f, .id = "a/b", .name = "dora");
	USER(f, .id = "", .name = "fred");
	fixture_build(f);
	assert_int_equal(fixture_rejects(f, "user", NULL, "id_invalid"), 2);
}

static void test_finished(void **state)
{
	struct fixture *f = *state;
	struct account a;

	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gecos = "Dora D.", .email = "d@example.com",
	     .shell = "/bin/dash", .home = "/srv/dora", .state = USER_SUSPENDED, .password_expires_at = 5);
	USER(f, .id = "u2", .name = "emil", .uid = 5002, .shell = "/bin/evil");
	fixture_build(f);
	a = fixture_account(f, "u1");
	assert_string_equal(a.gecos, "Dora D.");
	assert_string_equal(a.email, "d@example.com");
	assert_string_equal(a.shell, "/bin/dash");
	assert_string_equal(a.home, "/srv/dora");
	assert_int_equal(a.state, USER_SUSPENDED);
	assert_int_equal(a.password_expires_at, 5);
	assert_string_equal(a.password_hash, VERIFIER_DUMMY);
	assert_true(a.bound);
	a = fixture_account(f, "u2");
	assert_string_equal(a.shell, "/bin/bash");
	assert_string_equal(a.home, "/home/emil");
	assert_int_equal(fixture_rejects(f, "shell", "u2", "shell_unlisted"), 1);
	assert_int_equal(fixture_rejects(f, "shell", "u1", NULL), 0);
}

/* One's own; then that of the first line of [shells] that fits; then [accounts] shell: the first that is there. */
static void test_shells(void **state)
{
	struct fixture *f = *state;
	char zsh[] = "/bin/no-such-shell", dash[] = "/bin/dash", env[] = "/usr/bin/env";
	char ops[] = "Ops", devs[] = "Devs", jail[] = "Jail", *bash = f->conf.shell;
	struct conf_shell shells[] = {{jail, env}, {devs, zsh}, {ops, dash}};

	f->conf.shells = shells;
	f->conf.n_shells = ARRAY_SIZE(shells);
	for (int round = 0; round < 2; round++) {
		USER(f, .id = "u1", .name = "dora", .uid = 5001);
		USER(f, .id = "u2", .name = "emil", .uid = 5002);
		USER(f, .id = "u3", .name = "fred", .uid = 5003);
		USER(f, .id = "u4", .name = "gina", .uid = 5004, .shell = "/bin/bash");
		USER(f, .id = "u5", .name = "hugo", .uid = 5005, .shell = "/bin/no-such-shell");
		USER(f, .id = "u6", .name = "ines", .uid = 5006);
		USER(f, .id = "u7", .name = "jack", .uid = 5007, .shell = "/usr/bin/env");
		GROUP(f, .id = "g1", .name = "Ops");
		GROUP(f, .id = "g2", .name = "Devs");
		GROUP(f, .id = "g3", .name = "Jail");
		fixture_members(f, "g1", "u1", "u2", "u4", "u5", NULL);
		fixture_members(f, "g2", "u3", NULL);
		fixture_members(f, "g3", "u2", "u7", NULL);
		assert_int_equal(local_look_at_shell(f->local, zsh), 0);
		fixture_build(f);
		assert_string_equal(fixture_account(f, "u1").shell, "/bin/dash");
		assert_string_equal(fixture_account(f, "u2").shell, "/usr/bin/env"); /* not listed, but root's word */
		assert_string_equal(fixture_account(f, "u3").shell, round ? "/bin/sh" : "/bin/bash");
		assert_string_equal(fixture_account(f, "u4").shell, "/bin/bash");
		assert_string_equal(fixture_account(f, "u5").shell, "/bin/dash");
		assert_string_equal(fixture_account(f, "u6").shell, round ? "/bin/sh" : "/bin/bash");
		assert_string_equal(fixture_account(f, "u7").shell, "/usr/bin/env"); /* what a sync gave, once more */
		assert_int_equal(fixture_rejects(f, "shell", NULL, NULL), 1);
		assert_int_equal(fixture_rejects(f, "shell", "u5", "shell_missing"), 1);
		assert_int_equal(fixture_rejects(f, "conf", "", "shell_missing"), round ? 2 : 1);
		f->conf.shell = zsh; /* and now that is missing, too */
	}
	f->conf.shell = bash;
	f->conf.shells = NULL;
	f->conf.n_shells = 0;
}

/* A template makes a home of most names, and nobody's home lies among what is the system's. */
static void test_homes(void **state)
{
	struct fixture *f = *state;
	char template[] = "/var/%u", *before = f->conf.home;

	f->conf.home = template;
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	USER(f, .id = "u2", .name = "lib", .uid = 5002);
	USER(f, .id = "u3", .name = "cache", .uid = 5003, .home = "/home/cache");
	fixture_build(f);
	assert_string_equal(fixture_account(f, "u1").home, "/var/dora");
	fixture_out(f, "u2", "home_invalid");
	assert_string_equal(fixture_account(f, "u3").home, "/home/cache");
	f->conf.home = before;
}

static void test_keys_and_hash(void **state)
{
	static const char keys[] = "cert-authority " KEY "\0" KEY "\0" KEY " comment";
	struct fixture *f = *state;
	struct account a;

	USER(f, .id = "u1", .name = "dora", .ssh_keys = {keys, sizeof(keys), 3},
	     .password_hash = "$6$rounds=999999999$salt$abc");
	fixture_build(f);
	a = fixture_account(f, "u1");
	assert_int_equal(a.ssh_keys.count, 1);
	assert_string_equal(a.ssh_keys.data, KEY);
	assert_string_equal(a.password_hash, "");
	assert_int_equal(fixture_rejects(f, "key", "u1", "key_invalid"), 2);
	assert_int_equal(fixture_rejects(f, "password", "u1", "hash_invalid"), 1);
	assert_int_equal(f->world.n_rejected, 0);
}

static void test_tombstone(void **state)
{
	const int64_t end = NOW + 30 * 86400;
	struct fixture *f = *state;
	struct account a;

	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gid = 5002, .gecos = "Dora", .sudo = true);
	fixture_build(f);
	fixture_build(f);
	fixture_holder(f, "u1", "dora", 5001, 5002);
	assert_true(fixture_get(f, "u1")->private_group);
	assert_int_equal(f->world.n_accounts, 0);
	assert_int_equal(f->world.next_change_at, end);
	a = fixture_account(f, "u1");
	assert_int_equal(a.removed_at, NOW);
	assert_string_equal(a.gecos, "");
	assert_string_equal(a.password_hash, "");
	assert_string_equal(a.shell, "/usr/sbin/nologin");
	assert_int_equal(a.ssh_keys.count, 0);
	assert_false(a.sudo);

	f->now = end - 1;
	fixture_build(f);
	fixture_holder(f, "u1", "dora", 5001, 5002);
	f->now = end;
	fixture_build(f);
	assert_false(fixture_has(f, "u1"));
	assert_int_equal(f->world.next_change_at, INT64_MAX);

	/* who comes back is who he was */
	f->now = end + 1;
	USER(f, .id = "u1", .name = "dora", .uid = 5055);
	fixture_build(f);
	fixture_in(f, "u1", "dora", 5001, 5002);
	assert_int_equal(ledger_user(&f->ledger, 0)->removed_at, 0);
}

static void test_removed(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	fixture_build(f);
	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	fixture_removed(f, "u1");
	fixture_removed(f, "stranger");
	fixture_build(f);
	fixture_holder(f, "u1", "dora", 5001, 5001);
	assert_int_equal(fixture_account(f, "u1").removed_at, NOW);
}

/* Who was here and is now left out keeps his name, without an end, and no right. */
static void test_left_out_holds(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .uid = 5001);
	USER(f, .id = "u2", .name = "emil", .uid = 5002);
	USER(f, .id = "u3", .name = "fred", .uid = 5003);
	fixture_build(f);
	f->now += 400 * 86400;
	USER(f, .id = "u1", .name = "dora", .uid = 5001, .gecos = "a:b");
	fixture_reject(f, "user", "u2", "uid_type");
	USER(f, .id = "u3", .name = "fred", .uid = 5003);
	USER(f, .id = "u3", .name = "fred", .uid = 5003);
	fixture_build(f);
	fixture_holder(f, "u1", "dora", 5001, 5001);
	fixture_holder(f, "u2", "emil", 5002, 5002);
	fixture_holder(f, "u3", "fred", 5003, 5003);
	assert_int_equal(ledger_user(&f->ledger, 1)->removed_at, 0);
	assert_int_equal(fixture_rejects(f, "user", "u2", "uid_type"), 1);
	assert_int_equal(f->world.n_rejected, 4);
}

static void test_next_change(void **state)
{
	struct fixture *f = *state;

	USER(f, .id = "u1", .name = "dora", .password_expires_at = NOW + 100,
	     .scheduled = {{NOW - 5, USER_ACTIVATED}, {NOW + 50, USER_SUSPENDED}}, .n_scheduled = 2);
	USER(f, .id = "u2", .name = "emil", .password_expires_at = NOW + 10, .password_never_expires = true);
	USER(f, .id = "u3", .name = "fred", .password_expires_at = NOW + 60);
	fixture_build(f);
	assert_int_equal(f->world.next_change_at, NOW + 50);
}

static void put(struct fixture *f, const struct buf *b)
{
	struct stage_place place;

	assert_int_equal(stage_add(&f->stage, b->data, b->len, &place), 0);
}

/* A lying child costs the sync. */
static void test_lies(void **state)
{
	struct fixture *f = *state;
	struct account unbound = {.id = "u1", .name = "dora", .gecos = "", .home = "", .shell = "",
				  .email = "", .password_hash = "", .totp_secret = ""};
	struct lockout_policy lockout = {0};
	struct policy policy = {.portal_url = "", .dummy_hash = ""};
	CLEANUP(buf_done) struct buf b = {0};

	assert_int_equal(record_account_pack(&unbound, &b), 0);
	put(f, &b);
	assert_int_equal(fixture_try(f), -EPROTO);

	b.len = 0;
	assert_int_equal(record_lockout_pack(&lockout, &b), 0);
	put(f, &b);
	put(f, &b);
	assert_int_equal(fixture_try(f), -EPROTO);

	b.len = 0;
	assert_int_equal(record_policy_pack(&policy, &b), 0);
	put(f, &b);
	assert_int_equal(fixture_try(f), -EPROTO);

	fixture_reject(f, "User!", "u1", "x");
	assert_int_equal(fixture_try(f), -EPROTO);

	b.len = 0;
	assert_int_equal(record_account_pack(&unbound, &b), 0);
	b.len -= 3;
	put(f, &b);
	assert_int_equal(fixture_try(f), -EPROTO);
}

/* The most common method and cost; another salt and hash, that verifier_check() likes. */
static void test_dummy_hash(void **state)
{
	static const char sha[] = "$6$rounds=5000$0123456789abcdef$"
				  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
				  "0123456789abcdef012345";
	struct fixture *f = *state;
	AUTO_FREE char *none = NULL;
	AUTO_FREE char *most = NULL;

	fixture_build(f);
	assert_int_equal(world_dummy_hash(&f->world, &none), 0);
	assert_memory_equal(none, "$y$j9T$", 7);
	assert_string_not_equal(none, VERIFIER_DUMMY);
	assert_int_equal(verifier_check(none), 0);
	assert_int_equal(verifier_match(none, "x"), -EKEYREJECTED);

	USER(f, .id = "u1", .name = "dora");
	USER(f, .id = "u2", .name = "emil", .password_hash = sha);
	USER(f, .id = "u3", .name = "fred", .password_hash = sha);
	fixture_build(f);
	assert_int_equal(world_dummy_hash(&f->world, &most), 0);
	assert_memory_equal(most, "$6$rounds=5000$", 15);
	assert_int_equal(strlen(most), strlen(sha));
	assert_int_equal(verifier_match(most, "x"), -EKEYREJECTED);
}

static void test_bcrypt_dummy(void **state)
{
	static const char bcrypt[] = "$2b$04$abcdefghijklmnopqrstuu5Lq8oXKVnIuLq8oXKVnIuLq8oXKVnIu";
	struct fixture *f = *state;
	AUTO_FREE char *hash = NULL;

	USER(f, .id = "u1", .name = "dora", .password_hash = bcrypt);
	fixture_build(f);
	assert_int_equal(world_dummy_hash(&f->world, &hash), 0);
	assert_memory_equal(hash, "$2b$04$", 7);
	assert_int_equal(verifier_match(hash, "x"), -EKEYREJECTED);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_fields),	  TEST(test_finished), TEST(test_shells), TEST(test_homes),	 TEST(test_keys_and_hash),
		TEST(test_tombstone),	  TEST(test_removed),	 TEST(test_left_out_holds),
		TEST(test_next_change),	  TEST(test_lies),	 TEST(test_dummy_hash),
		TEST(test_bcrypt_dummy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
