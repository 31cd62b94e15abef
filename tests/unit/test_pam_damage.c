/* Snapshots that are missing, damaged, foreign or nonsense: a right answer or PAM_AUTHINFO_UNAVAIL, no other. */
#include "tests/unit/test_pam.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUN_FILE   RUN_DIR "/pam.snapshot"
#define STATE_FILE STATE_DIR "/pam.snapshot"

/* Users of the little world: in, refused. */
static void little_world(struct world *w)
{
	world_reset();
	world_init(w);
	world_add(w, "mt_ok");
	world_add(w, "mt_susp")->suspended = true;
}

/* Not one of those who may answer otherwise does. */
static void assert_right_or_unavailable(void)
{
	int ok = try_account("mt_ok"), suspended = try_account("mt_susp"),
	    unknown = try_account("mt_ghost");

	assert_true(ok == PAM_SUCCESS || ok == PAM_AUTHINFO_UNAVAIL);
	assert_true(suspended == PAM_ACCT_EXPIRED || suspended == PAM_AUTHINFO_UNAVAIL);
	assert_true(unknown == PAM_USER_UNKNOWN || unknown == PAM_AUTHINFO_UNAVAIL);
}

static void assert_password_right_or_unavailable(void)
{
	int ok = try_password("mt_ok", PASSWORD), suspended = try_password("mt_susp", PASSWORD),
	    wrong = try_password("mt_ok", OTHER), unknown = try_password("mt_ghost", PASSWORD);

	assert_true(ok == PAM_SUCCESS || ok == PAM_AUTHINFO_UNAVAIL);
	assert_true(suspended == PAM_AUTH_ERR || suspended == PAM_AUTHINFO_UNAVAIL);
	assert_true(wrong == PAM_AUTH_ERR || wrong == PAM_AUTHINFO_UNAVAIL);
	assert_true(unknown == PAM_USER_UNKNOWN || unknown == PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(try_password("mt_ok", PASSWORD), ok); /* clears the tally */
}

static void assert_unavailable(void)
{
	static const char *const users[] = {"mt_ok", "mt_susp", "mt_ghost"};

	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		struct attempt a = {.user = users[i], .password = PASSWORD};

		assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTHINFO_UNAVAIL);
		assert_int_equal(attempt(OP_ACCOUNT, &a), PAM_AUTHINFO_UNAVAIL);
		assert_int_equal(attempt(OP_CHAUTHTOK, &a), PAM_AUTHINFO_UNAVAIL);
		assert_string_equal(a.said, "");
		assert_int_equal(attempt(OP_SETCRED, &a), IGNORED);
		assert_int_equal(attempt(OP_OPEN, &a), IGNORED);
	}
}

static void assert_right(void)
{
	assert_int_equal(try_account("mt_ok"), PAM_SUCCESS);
	assert_int_equal(try_account("mt_susp"), PAM_ACCT_EXPIRED);
	assert_int_equal(try_account("mt_ghost"), PAM_USER_UNKNOWN);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_SUCCESS);
}

/* The passwords of every 16th are enough: they come from the same records. */
static void test_every_byte(void **state)
{
	AUTO_FREE char *data = NULL;
	struct world w;
	size_t len;

	(void)state;
	little_world(&w);
	world_publish(&w, RUN_DIR);
	data = world_read(RUN_DIR, &len);
	for (size_t i = 0; i < len; i++) {
		data[i] = (char)~data[i];
		world_write(RUN_DIR, data, len);
		assert_right_or_unavailable();
		if (i % 16 == 0)
			assert_password_right_or_unavailable();
		data[i] = (char)~data[i];
	}
	world_write(RUN_DIR, data, len);
	assert_right();
	world_done(&w);
}

static void test_truncated(void **state)
{
	AUTO_FREE char *data = NULL;
	struct world w;
	size_t len;

	(void)state;
	little_world(&w);
	world_publish(&w, RUN_DIR);
	data = world_read(RUN_DIR, &len);
	for (size_t i = 0; i < len; i += 32) {
		world_write(RUN_DIR, data, i);
		assert_unavailable();
	}
	memset(data, 0xa5, len);
	world_write(RUN_DIR, data, len);
	assert_unavailable();
	world_done(&w);
}

/* A good one in /var/lib stands in for a bad one in /run. */
static void test_second_place(void **state)
{
	struct world w;

	(void)state;
	little_world(&w);
	world_publish(&w, STATE_DIR);
	assert_right();
	world_write(RUN_DIR, "x", 1);
	assert_right();
	world_write(STATE_DIR, "x", 1);
	assert_unavailable();
	world_publish(&w, RUN_DIR);
	assert_right();
	world_done(&w);
}

static void test_wrong_kind(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0602, 0644, 0666};
	struct world w;

	(void)state;
	little_world(&w);
	assert_unavailable(); /* none at all */
	world_publish(&w, RUN_DIR);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		assert_int_equal(chmod(RUN_FILE, modes[i]), 0);
		assert_unavailable();
	}
	assert_int_equal(chmod(RUN_FILE, 0600), 0);
	assert_int_equal(rename(RUN_FILE, RUN_DIR "/elsewhere"), 0);
	assert_int_equal(symlink("elsewhere", RUN_FILE), 0);
	assert_unavailable();
	assert_int_equal(unlink(RUN_FILE), 0);
	assert_int_equal(mkfifo(RUN_FILE, 0600), 0);
	assert_unavailable();
	assert_int_equal(unlink(RUN_FILE), 0);
	assert_int_equal(mkdir(RUN_FILE, 0700), 0);
	assert_unavailable();
	world_done(&w);
}

/* Checksums are right, and what they cover is nonsense. */
static void test_nonsense_account(void **state)
{
	struct world w;

	(void)state;
	little_world(&w);
	w.users[0].uid = 0;
	world_publish(&w, RUN_DIR);
	assert_int_equal(try_account("mt_ok"), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(pam_wrap.hashes, 1);
	w.users[0].uid = 999;
	world_publish(&w, RUN_DIR);
	assert_int_equal(try_account("mt_ok"), PAM_AUTHINFO_UNAVAIL);

	/* everybody has the record of mt_ok */
	w.users[0].uid = 70001;
	assert_int_equal(record_account_pack(&w.users[0], &w.account_raw), 0);
	world_publish(&w, RUN_DIR);
	assert_int_equal(try_account("mt_ok"), PAM_SUCCESS);
	assert_int_equal(try_account("mt_susp"), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(try_password("mt_susp", PASSWORD), PAM_AUTHINFO_UNAVAIL);

	w.account_raw.len--;
	world_publish(&w, RUN_DIR);
	assert_int_equal(try_account("mt_ok"), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(try_account("mt_ghost"), PAM_USER_UNKNOWN);
	world_done(&w);
}

static void test_nonsense_policy(void **state)
{
	struct world w;

	(void)state;
	little_world(&w);
	assert_int_equal(buf_add(&w.policy_raw, "P\1rubbish", 9), 0);
	world_publish(&w, RUN_DIR);
	assert_unavailable();
	buf_done(&w.policy_raw);
	assert_int_equal(buf_add(&w.status_raw, "S\1rubbish", 9), 0);
	world_publish(&w, RUN_DIR);
	assert_unavailable();
	buf_done(&w.status_raw);
	w.policy.dummy_hash = "";
	world_publish(&w, RUN_DIR);
	assert_right();
	assert_int_equal(try_password("mt_ghost", PASSWORD), PAM_USER_UNKNOWN);
	world_done(&w);
}

static void test_without_policy(void **state)
{
	struct world w;

	(void)state;
	little_world(&w);
	w.without_policy = true;
	world_publish(&w, RUN_DIR);
	assert_unavailable(); /* above all not PAM_USER_UNKNOWN: what is missing is not the user */
	world_done(&w);
}

const struct CMUnitTest test_pam_damage[] = {
	cmocka_unit_test(test_every_byte),       cmocka_unit_test(test_truncated),
	cmocka_unit_test(test_second_place),     cmocka_unit_test(test_wrong_kind),
	cmocka_unit_test(test_nonsense_account), cmocka_unit_test(test_nonsense_policy),
	cmocka_unit_test(test_without_policy),
};
const size_t test_pam_n_damage = ARRAY_SIZE(test_pam_damage);
