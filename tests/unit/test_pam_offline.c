/* Passwords that the directory verifies, and no agent to ask it: the saved verifier decides, or nobody. */
#include "tests/unit/test_pam.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/saved_verifier.h"

#define UID_OK	   70001 /* the first account of a world */
#define TALLY_FILE TALLY_DIR "/70001"
#define SAVED_DIR  STATE_DIR "/" SAVED_VERIFIER_DIR
#define SAVED_FILE SAVED_DIR "/70001"
#define DAY	   86400

/* "mt_ok" alone, with a password hash that must not count. */
static struct account *publish_one(struct world *w)
{
	struct account *a;

	world_reset();
	world_init(w);
	w->policy.password_ldap = true;
	w->policy.offline_password_max_age_s = 14 * DAY;
	a = world_add(w, "mt_ok");
	world_publish(w, RUN_DIR);
	return a;
}

static void forget(void)
{
	assert_true(unlink(SAVED_FILE) == 0 || errno == ENOENT);
	assert_true(rmdir(SAVED_DIR) == 0 || errno == ENOENT);
}

/* A verifier of PASSWORD, confirmed AGE_S ago. */
static void save(const struct account *a, int64_t age_s)
{
	CLEANUP(buf_done) struct buf b = {0};
	const struct saved_verifier v = {a->id, a->name, "ldap", a->password_hash, world_now() - age_s};
	int fd;

	forget();
	assert_int_equal(saved_verifier_pack(&v, &b), 0);
	assert_int_equal(mkdir(SAVED_DIR, 0700), 0);
	fd = open(SAVED_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, b.data, b.len), b.len);
	close(fd);
}

/* Records in the tally. */
static long tries(void)
{
	struct stat st;

	return stat(TALLY_FILE, &st) == 0 ? (long)st.st_size / 16 : 0;
}

static void assert_unavailable(const char *why)
{
	long before = tries();

	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(pam_wrap.hashes, 1);
	if (!strstr(pam_wrap.log, "refused user=mt_ok reason=unavailable ") || !strstr(pam_wrap.log, "error=EHOSTUNREACH"))
		fail_msg("%s: %s", why, pam_wrap.log);
	assert_int_equal(tries(), before + 2); /* reserved, and taken back */
}

static void test_saved(void **state)
{
	struct world w;
	struct account *a = publish_one(&w);

	(void)state;
	save(a, 0);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_SUCCESS);
	assert_int_equal(pam_wrap.hashes, 1);
	assert_int_equal(try_password("mt_ok", OTHER), PAM_AUTH_ERR);
	assert_int_equal(pam_wrap.hashes, 1);
	assert_int_equal(try_password("mt_ok", ""), PAM_AUTH_ERR);
	assert_int_equal(try_password("mt_ok", DUMMY_PASSWORD), PAM_AUTH_ERR);
	save(a, 14 * DAY - 60);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_SUCCESS);
	world_done(&w);
	forget();
}

/* Five wrong ones lock; tries that nobody could judge do not. */
static void test_count(void **state)
{
	struct world w;
	struct account *a = publish_one(&w);

	(void)state;
	for (int i = 0; i < 8; i++)
		assert_unavailable("nothing is saved");
	save(a, 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_password("mt_ok", OTHER), PAM_AUTH_ERR);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_AUTH_ERR);
	assert_non_null(strstr(pam_wrap.log, "reason=locked "));
	world_done(&w);
	forget();
}

static void test_none(void **state)
{
	struct world w;
	struct account *a = publish_one(&w), other = *a;

	(void)state;
	assert_unavailable("no file");
	save(a, 14 * DAY + 60);
	assert_unavailable("too old");
	save(a, -2 * DAY);
	assert_unavailable("from the future");
	other.id = "another";
	save(&other, 0);
	assert_unavailable("another's");
	save(a, 60);
	a->password_changed_at = world_now();
	world_publish(&w, RUN_DIR);
	assert_unavailable("changed since");
	a->password_changed_at = 0;
	w.policy.offline_password_max_age_s = 0;
	world_publish(&w, RUN_DIR);
	assert_unavailable("never off line");
	w.policy.offline_password_max_age_s = 14 * DAY;
	world_publish(&w, RUN_DIR);
	assert_int_equal(chmod(SAVED_FILE, 0640), 0);
	assert_unavailable("others can read it");
	assert_int_equal(chmod(SAVED_FILE, 0600), 0);
	assert_int_equal(truncate(SAVED_FILE, 30), 0);
	assert_unavailable("cut");
	save(a, 0);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_SUCCESS);
	world_done(&w);
	forget();
}

/* The verdict stands above it, and who may not be asked for is not. */
static void test_verdict(void **state)
{
	struct world w;
	struct account *a = publish_one(&w);

	(void)state;
	save(a, 0);
	a->suspended = true;
	world_publish(&w, RUN_DIR);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_AUTH_ERR);
	assert_non_null(strstr(pam_wrap.log, "reason=suspended "));
	a->suspended = false;
	a->account_locked = true;
	world_publish(&w, RUN_DIR);
	long before = tries();
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_AUTH_ERR);
	assert_non_null(strstr(pam_wrap.log, "reason=locked "));
	assert_int_equal(tries(), before);
	assert_int_equal(pam_wrap.hashes, 1);
	a->account_locked = false;
	a->bound = false;
	world_publish(&w, RUN_DIR);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_AUTH_ERR);
	assert_non_null(strstr(pam_wrap.log, "reason=unbound "));
	world_done(&w);
	forget();
}

/* Told at the console alone; to others it would tell whose names are known. */
static void test_told(void **state)
{
	struct attempt a = {.user = "mt_ok", .password = PASSWORD};
	struct world w;

	(void)state;
	publish_one(&w);
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTHINFO_UNAVAIL);
	assert_string_equal(a.said, "This computer cannot reach the directory, and your password cannot be checked without it.\n");
	a.said[0] = '\0';
	a.rhost = "192.0.2.7";
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTHINFO_UNAVAIL);
	assert_string_equal(a.said, "");
	world_done(&w);
}

const struct CMUnitTest test_pam_offline[] = {
	cmocka_unit_test(test_saved),	cmocka_unit_test(test_count), cmocka_unit_test(test_none),
	cmocka_unit_test(test_verdict), cmocka_unit_test(test_told),
};
const size_t test_pam_n_offline = ARRAY_SIZE(test_pam_offline);
