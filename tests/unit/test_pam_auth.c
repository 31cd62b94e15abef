/* Passwords: how they come in, what is counted, what is never told. */
#include "tests/unit/test_pam.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define UID_OK     "70001" /* the first account of a world */
#define TALLY_FILE TALLY_DIR "/" UID_OK

/* "mt_ok" alone. */
static void publish_one(struct world *w)
{
	world_reset();
	world_init(w);
	world_add(w, "mt_ok");
	world_publish(w, RUN_DIR);
}

static long file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static void assert_refused(const char *reason)
{
	char part[64];

	snprintf(part, sizeof(part), "refused user=mt_ok reason=%s ", reason);
	assert_memory_equal(pam_wrap.log, part, strlen(part));
}

static void fail_times(int n)
{
	for (int i = 0; i < n; i++) {
		assert_int_equal(try_password("mt_ok", OTHER), PAM_AUTH_ERR);
		assert_refused("wrong_password");
	}
}

static void test_passwords(void **state)
{
	char longest[513], longer[600];
	static const char *const wrong[] = {"x", " " PASSWORD, PASSWORD " ",
					    "Correct horse \xc3\xa9", DUMMY_PASSWORD};
	struct world w;

	(void)state;
	publish_one(&w);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_SUCCESS);
	assert_int_equal(pam_wrap.hashes, 1);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		world_reset();
		world_publish(&w, RUN_DIR);
		assert_int_equal(try_password("mt_ok", wrong[i]), PAM_AUTH_ERR);
		assert_int_equal(pam_wrap.hashes, 1);
		assert_true(file_size(TALLY_FILE) > 0);
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(try_password("mt_ok", longest), PAM_AUTH_ERR);
	assert_int_equal(pam_wrap.hashes, 1);
	assert_int_equal(try_password("mt_ok", longer), PAM_AUTH_ERR);
	assert_int_equal(pam_wrap.hashes, 1);
	world_done(&w);
}

/* Not tries: the same work and words, but nothing is counted (P7), and nothing is verified. */
static void test_not_counted(void **state)
{
	static const char filler[] = "\b\n\r\177INCORRECT\b\n\r\177INCORRECT";
	struct world w;

	(void)state;
	publish_one(&w);
	for (size_t len = 0; len < sizeof(filler); len++) {
		char password[sizeof(filler)];

		memcpy(password, filler, len);
		password[len] = '\0';
		assert_int_equal(try_password("mt_ok", password), PAM_AUTH_ERR);
		assert_int_equal(pam_wrap.hashes, 1);
		assert_refused("wrong_password");
		assert_int_equal(try_password("mt_ghost", password), PAM_USER_UNKNOWN);
		assert_int_equal(pam_wrap.hashes, 1);
	}
	assert_int_equal(file_size(TALLY_DIR), -1);
	assert_int_equal(try_password("mt_ghost", OTHER), PAM_USER_UNKNOWN);
	assert_int_equal(file_size(TALLY_DIR), -1);
	assert_int_equal(try_password("mt_ok", "\b\n\r\177INCORRECt"), PAM_AUTH_ERR);
	assert_int_equal(file_size(TALLY_FILE), 16);
	world_done(&w);
}

static void test_no_password(void **state)
{
	static const struct {
		int conv_code, code;
	} broken[] = {
		{PAM_CONV_ERR, PAM_AUTH_ERR},
		{PAM_CONV_AGAIN, PAM_INCOMPLETE},
		{PAM_BUF_ERR, PAM_AUTHINFO_UNAVAIL},
		{PAM_ABORT, PAM_AUTH_ERR},
	};
	static const char *const users[] = {"mt_ok", "mt_ghost"};
	struct world w;

	(void)state;
	publish_one(&w);
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		struct attempt first = {
			.user = users[i], .service = "mt_first", .password = PASSWORD};
		struct attempt mute = {.user = users[i], .no_conversation = true};

		for (size_t j = 0; j < ARRAY_SIZE(broken); j++) {
			struct attempt a = {.user = users[i], .conv_code = broken[j].conv_code};

			assert_int_equal(attempt(OP_AUTH, &a), broken[j].code);
			assert_int_equal(a.prompts, 1);
		}
		assert_int_equal(attempt(OP_AUTH, &first), PAM_AUTH_ERR);
		assert_int_equal(first.prompts, 0);
		assert_int_equal(attempt(OP_AUTH, &mute), PAM_AUTH_ERR);
	}
	assert_int_equal(file_size(TALLY_DIR), -1);
	world_done(&w);
}

/* What an earlier module asked for is taken, with every argument, and not asked for again. */
static void test_stacked(void **state)
{
	static const char *const services[] = {"mt_stack", "mt_stackfirst", "mt_stacktry"};
	struct world w;

	(void)state;
	publish_one(&w);
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		struct attempt right = {
			.user = "mt_ok", .service = services[i], .password = PASSWORD};
		struct attempt wrong = {.user = "mt_ok", .service = services[i], .password = OTHER};

		assert_int_equal(attempt(OP_AUTH, &right), PAM_SUCCESS);
		assert_int_equal(right.prompts, 1);
		assert_int_equal(pam_wrap.hashes, 2);
		assert_int_equal(attempt(OP_AUTH, &wrong), PAM_AUTH_ERR);
		assert_int_equal(wrong.prompts, 1);
		assert_int_equal(attempt(OP_AUTH, &right), PAM_SUCCESS);
	}
	world_done(&w);
}

static void test_lock(void **state)
{
	struct attempt right = {.user = "mt_ok", .password = PASSWORD};
	struct world w;

	(void)state;
	publish_one(&w);
	fail_times(4);
	assert_int_equal(attempt(OP_AUTH, &right), PAM_SUCCESS); /* which forgives */
	fail_times(5);
	long size = file_size(TALLY_FILE);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(attempt(OP_AUTH, &right), PAM_AUTH_ERR);
		assert_refused("locked");
		assert_string_equal(right.said, "");
		assert_int_equal(pam_wrap.hashes, 1);
		assert_int_equal(pam_wrap.fail_delay_us, 2000000);
	}
	/* Tries against a lock do not make it longer. */
	assert_int_equal(file_size(TALLY_FILE), size);
	/* The reason is the verdict's: a lock goes before what comes after it. */
	w.users[0].password_expired = true;
	world_publish(&w, RUN_DIR);
	assert_int_equal(attempt(OP_AUTH, &right), PAM_AUTH_ERR);
	assert_refused("locked");
	w.users[0].password_expired = false;
	world_publish(&w, RUN_DIR);
	/* It is the endpoint's own lock: it refuses passwords, not keys. */
	assert_int_equal(try_account("mt_ok"), PAM_SUCCESS);
	world_done(&w);
}

/* Who is suspended and locked as well learns nothing: the password is not verified. */
static void test_lock_hides_password(void **state)
{
	struct attempt right = {.user = "mt_ok", .password = PASSWORD};
	struct world w;

	(void)state;
	publish_one(&w);
	w.users[0].suspended = true;
	world_publish(&w, RUN_DIR);
	fail_times(5);
	assert_int_equal(attempt(OP_AUTH, &right), PAM_AUTH_ERR);
	assert_string_equal(right.said, "");
	assert_refused("suspended");
	right.service = "mt_later";
	assert_int_equal(attempt(OP_AUTH, &right), PAM_AUTH_ERR);
	world_done(&w);
}

static void test_never_locked(void **state)
{
	struct world w;

	(void)state;
	publish_one(&w);
	w.users[0].disable_lockout = true;
	world_publish(&w, RUN_DIR);
	fail_times(6);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_SUCCESS);
	assert_int_equal(file_size(TALLY_DIR), -1);
	w.users[0].disable_lockout = false;
	w.policy.max_attempts = 0;
	world_publish(&w, RUN_DIR);
	fail_times(6);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_SUCCESS);
	world_done(&w);
}

static void test_backoff(void **state)
{
	struct attempt remote = {.user = "mt_ok", .password = OTHER, .rhost = "192.0.2.7"};
	struct attempt elsewhere = {.user = "mt_ok", .password = PASSWORD, .rhost = "192.0.2.8"};
	struct world w;

	(void)state;
	publish_one(&w);
	for (int i = 0; i < 3; i++)
		assert_int_equal(attempt(OP_AUTH, &remote), PAM_AUTH_ERR);
	remote.password = PASSWORD;
	assert_int_equal(attempt(OP_AUTH, &remote), PAM_AUTH_ERR);
	assert_refused("backoff");
	assert_string_equal(remote.said, "");
	assert_int_equal(pam_wrap.hashes, 1);
	assert_int_equal(attempt(OP_AUTH, &elsewhere), PAM_SUCCESS);
	world_done(&w);
}

static void publish_run(const struct world *w)
{
	world_reset();
	world_publish(w, RUN_DIR);
}

/* What cannot be counted is not verified. */
static void test_cannot_count(void **state)
{
	struct world w;

	(void)state;
	publish_one(&w);
	assert_int_equal(close(open(TALLY_DIR, O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(pam_wrap.hashes, 1);
	publish_run(&w);
	assert_int_equal(mkdir(TALLY_DIR, 0700), 0);
	assert_int_equal(symlink("/dev/null", TALLY_FILE), 0);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(unlink(TALLY_FILE), 0);
	assert_int_equal(mkfifo(TALLY_FILE, 0600), 0);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_AUTHINFO_UNAVAIL);
	publish_run(&w);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_SUCCESS);
	assert_int_equal(chmod(TALLY_FILE, 0622), 0);
	assert_int_equal(try_password("mt_ok", PASSWORD), PAM_AUTHINFO_UNAVAIL);
	world_done(&w);
}

/* Made by whoever counts first in a boot, with whatever umask. */
static void test_tally_is_private(void **state)
{
	static const mode_t umasks[] = {0, 077};
	struct stat st;
	struct world w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(umasks); i++) {
		world_reset();
		world_init(&w);
		world_add(&w, "mt_ok");
		world_publish(&w, STATE_DIR);
		assert_int_equal(rmdir(RUN_DIR), 0);
		mode_t before = umask(umasks[i]);
		assert_int_equal(try_password("mt_ok", PASSWORD), PAM_SUCCESS);
		umask(before);
		assert_int_equal(stat(RUN_DIR, &st), 0);
		assert_int_equal(st.st_mode, S_IFDIR | 0755);
		assert_int_equal(stat(TALLY_DIR, &st), 0);
		assert_int_equal(st.st_mode, S_IFDIR | 0700);
		assert_int_equal(stat(TALLY_FILE, &st), 0);
		assert_int_equal(st.st_mode, S_IFREG | 0600);
		world_done(&w);
	}
}

/* However many try at once, no more than the policy allows learn whether they were right. */
static void test_parallel(void **state)
{
	struct world w;
	pid_t child[16];
	int verified = 0, status;

	(void)state;
	publish_one(&w);
	for (size_t i = 0; i < ARRAY_SIZE(child); i++) {
		child[i] = fork();
		assert_true(child[i] >= 0);
		if (child[i] == 0) {
			int code = try_password("mt_ok", OTHER);

			_exit(code != PAM_AUTH_ERR                     ? 2
			      : strstr(pam_wrap.log, "wrong_password") ? 1
								       : 0);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(child); i++) {
		assert_int_equal(waitpid(child[i], &status, 0), child[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		verified += WEXITSTATUS(status);
	}
	assert_int_equal(verified, 5);
	world_done(&w);
}

/* A hash of another kind, or too dear, or none although a password was set once. */
static void test_no_verifier(void **state)
{
	static const char *const hashes[] = {
		"",
		"*",
		"plain",
		"$1$salt$pOxp1wCgOdMqqTYDxQiiT1",
		"$5$rounds=999999999$mustermuster$6W39CB7u6lXxVbktgDTbLklVPubf1eJqJkvgZ5DObm2",
	};
	struct world w;

	(void)state;
	publish_one(&w);
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		w.users[0].password_hash = hashes[i];
		world_publish(&w, RUN_DIR);
		assert_int_equal(try_password("mt_ok", PASSWORD), PAM_AUTHINFO_UNAVAIL);
		assert_int_equal(pam_wrap.hashes, 1);
		assert_refused("unavailable");
		assert_int_equal(try_account("mt_ok"), PAM_SUCCESS);
	}
	assert_int_equal(file_size(TALLY_DIR), -1);
	world_done(&w);
}

/* Whatever is foreign stays one word in the one line. */
static void test_journal_escapes(void **state)
{
	struct attempt a = {.user = "mt_ok",
			    .password = OTHER,
			    .rhost = "a reason=ok\nrefused user=root\x1b[2J"};
	struct attempt odd = {.user = "x reason=ok", .password = "secret"};
	struct world w;

	(void)state;
	publish_one(&w);
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	assert_string_equal(pam_wrap.log,
			    "refused user=mt_ok reason=wrong_password service=mt_plain phase=auth "
			    "rhost=a_reason=ok\\x0arefused_user=root\\x1b[2J generation=17\n");
	world_reset();
	assert_int_equal(attempt(OP_AUTH, &odd), PAM_AUTHINFO_UNAVAIL);
	assert_string_equal(pam_wrap.log,
			    "refused user=(invalid) reason=unavailable service=mt_plain phase=auth "
			    "rhost= generation=0 error=ENOENT\n");
	world_done(&w);
}

const struct CMUnitTest test_pam_auth[] = {
	cmocka_unit_test(test_passwords),
	cmocka_unit_test(test_not_counted),
	cmocka_unit_test(test_no_password),
	cmocka_unit_test(test_stacked),
	cmocka_unit_test(test_lock),
	cmocka_unit_test(test_lock_hides_password),
	cmocka_unit_test(test_never_locked),
	cmocka_unit_test(test_backoff),
	cmocka_unit_test(test_cannot_count),
	cmocka_unit_test(test_tally_is_private),
	cmocka_unit_test(test_parallel),
	cmocka_unit_test(test_no_verifier),
	cmocka_unit_test(test_journal_escapes),
};
const size_t test_pam_n_auth = ARRAY_SIZE(test_pam_auth);
