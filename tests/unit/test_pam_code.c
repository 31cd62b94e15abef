/* The second factor: of whom a code is asked, what opens, what is never told. */
#include "tests/unit/test_pam.h"

#include <crypt.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/paths.h"
#include "common/saved_verifier.h"
#include "common/used_code.h"

#define UID_OK	   70001 /* the first account of a world */
#define TALLY_FILE TALLY_DIR "/70001"
#define USED	   "/" USED_CODE_DIR
#define ALL	   {"all", sizeof("all"), 1}

/* "mt_ok" with a secret, asked for it everywhere. */
static struct account *publish_one(struct world *w)
{
	struct account *a;

	world_reset();
	world_init(w);
	w->policy.totp_services = (struct strlist)ALL;
	w->policy.totp_wanted = true;
	a = world_add(w, "mt_ok");
	a->totp_secret = SEED;
	world_publish(w, RUN_DIR);
	return a;
}

/* Codes of several steps are about to be used: not while one step goes over into the next. */
static void wait_for_step(void)
{
	while (time(NULL) % 30 > 15)
		sleep(1);
}

#define LET_IN 77 /* exit code of a child; no test runner ends so */

static int try_code(const char *password, const char *code)
{
	struct attempt a = {.user = "mt_ok", .password = password, .code = code};
	int r = attempt(OP_AUTH, &a);

	assert_int_equal(a.prompts, 2);
	assert_int_equal(a.code_prompts, 1);
	assert_int_equal(pam_wrap.hashes, 1);
	if (r == PAM_AUTH_ERR)
		assert_string_equal(a.said, "");
	return r;
}

static void assert_reason(const char *reason)
{
	char part[64];

	snprintf(part, sizeof(part), "refused user=mt_ok reason=%s ", reason);
	assert_memory_equal(pam_wrap.log, part, strlen(part));
}

static const char *joined(const char *password, const char *code)
{
	static char out[64];

	snprintf(out, sizeof(out), "%s,%s", password, code);
	return out;
}

static void test_code(void **state)
{
	static const char *const wrong[] = {"", "0", "12345", "1234567", "abcdef", " ", OTHER};
	struct world w;

	(void)state;
	publish_one(&w);
	w.policy.max_attempts = 0;
	world_publish(&w, RUN_DIR);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(try_code(PASSWORD, wrong[i]), PAM_AUTH_ERR);
		assert_reason("wrong_code");
	}
	assert_int_equal(try_code(OTHER, world_code(0)), PAM_AUTH_ERR);
	assert_reason("wrong_password"); /* and the code is as good as before */
	assert_int_equal(try_code(PASSWORD, world_code(0)), PAM_SUCCESS);
	world_done(&w);
}

static void test_window(void **state)
{
	struct world w;

	(void)state;
	publish_one(&w);
	wait_for_step();
	assert_int_equal(try_code(PASSWORD, world_code(-2)), PAM_AUTH_ERR);
	assert_int_equal(try_code(PASSWORD, world_code(2)), PAM_AUTH_ERR);
	assert_int_equal(try_code(PASSWORD, world_code(-1)), PAM_SUCCESS);
	assert_int_equal(try_code(PASSWORD, world_code(0)), PAM_SUCCESS);
	assert_int_equal(try_code(PASSWORD, world_code(1)), PAM_SUCCESS);
	for (int i = -1; i <= 1; i++) {
		assert_int_equal(try_code(PASSWORD, world_code(i)), PAM_AUTH_ERR);
		assert_reason("wrong_code");
		assert_non_null(strstr(pam_wrap.log, "error=EEXIST"));
	}
	world_done(&w);
}

/* Not of two logins at once, not after a reboot, and where /var cannot be written, /run knows. */
static void test_once(void **state)
{
	struct world w;

	(void)state;
	publish_one(&w);
	wait_for_step();
	assert_int_equal(try_code(PASSWORD, world_code(0)), PAM_SUCCESS);
	assert_int_equal(rename(RUN_DIR USED, RUN_DIR "/away"), 0);
	assert_int_equal(try_code(PASSWORD, world_code(0)), PAM_AUTH_ERR);
	assert_reason("wrong_code");
	assert_int_equal(try_code(PASSWORD, world_code(1)), PAM_SUCCESS);
	world_done(&w);

	publish_one(&w);
	assert_int_equal(close(open(STATE_DIR USED, O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(try_code(PASSWORD, world_code(0)), PAM_SUCCESS);
	assert_int_equal(try_code(PASSWORD, world_code(0)), PAM_AUTH_ERR);
	world_done(&w);

	publish_one(&w);
	assert_int_equal(close(open(RUN_DIR USED, O_CREAT | O_WRONLY, 0600)), 0);
	assert_int_equal(try_code(PASSWORD, world_code(0)), PAM_AUTHINFO_UNAVAIL);
	assert_reason("unavailable");
	world_done(&w);
}

static void test_parallel(void **state)
{
	struct world w;
	char code[8];
	struct attempt a = {.user = "mt_ok", .password = PASSWORD, .code = code};
	int passed = 0, status;

	(void)state;
	publish_one(&w);
	w.policy.max_attempts = 0;
	world_publish(&w, RUN_DIR);
	snprintf(code, sizeof(code), "%s", world_code(0));
	for (int i = 0; i < 16; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(attempt(OP_AUTH, &a) == PAM_SUCCESS ? LET_IN : 0);
	}
	while (wait(&status) > 0) {
		assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == LET_IN));
		passed += WEXITSTATUS(status) == LET_IN;
	}
	assert_int_equal(passed, 1);
	world_done(&w);
}

/* Whoever asks for a password asks for a code, whatever the name; and where nobody needs one, nobody is asked. */
static void test_who_is_asked(void **state)
{
	static const char *const names[] = {"mt_ok", "mt_plain", "mt_susp", "mt_locked", "mt_ghost", "no such name", "-"};
	struct world w;

	(void)state;
	publish_one(&w);
	world_add(&w, "mt_plain");
	world_add(&w, "mt_susp")->suspended = true;
	world_add(&w, "mt_locked")->account_locked = true;
	for (int i = 0; i < 8; i++) {
		int asked = i == 7;

		w.policy.totp_wanted = i & 1;
		w.policy.totp_services = i & 2 ? (struct strlist)ALL : (struct strlist){"sshd", 5, 1};
		w.policy.totp_except = i & 4 ? (struct strlist){"sudo", 5, 1} : (struct strlist){"mt_plain", 9, 1};
		world_publish(&w, RUN_DIR);
		for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
			struct attempt a = {.user = names[j], .password = OTHER, .code = "123456"};

			assert_int_not_equal(attempt(OP_AUTH, &a), PAM_SUCCESS);
			assert_int_equal(a.code_prompts, asked);
			assert_int_equal(a.prompts, 1 + asked);
			assert_int_equal(pam_wrap.hashes, 1);
			assert_string_equal(a.said, "");
		}
	}
	struct attempt root = {.user = "root", .password = OTHER, .code = "123456"};
	assert_int_equal(attempt(OP_AUTH, &root), PAM_USER_UNKNOWN);
	assert_int_equal(root.prompts, 0);
	world_done(&w);
}

/* Where codes are asked for elsewhere, the password does. */
static void test_service_off(void **state)
{
	struct attempt a = {.user = "mt_ok", .password = PASSWORD};
	struct world w;

	(void)state;
	publish_one(&w);
	w.policy.totp_except = (struct strlist){"mt_plain", 9, 1};
	world_publish(&w, RUN_DIR);
	assert_int_equal(attempt(OP_AUTH, &a), PAM_SUCCESS);
	a.password = joined(PASSWORD, "000000"); /* who is used to it may go on */
	assert_int_equal(attempt(OP_AUTH, &a), PAM_SUCCESS);
	world_done(&w);
}

/* Who has no second factor is asked, too, and may say what he likes: also what looks like one. */
static void test_none_needed(void **state)
{
	static const char *const codes[] = {"", "123456", "whatever"};
	static const char *const service[] = {"mt_plain", "mt_stack", "mt_stackfirst"};
	struct world w;

	(void)state;
	publish_one(&w)->totp_secret = "";
	world_publish(&w, RUN_DIR);
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		assert_int_equal(try_code(PASSWORD, codes[i]), PAM_SUCCESS);
	w.users[0].password_hash = crypt("odd,123456", "$5$rounds=1000$mustermuster$");
	world_publish(&w, RUN_DIR);
	for (size_t i = 0; i < ARRAY_SIZE(service); i++) {
		struct attempt a = {.user = "mt_ok", .password = "odd,123456", .service = service[i]};

		assert_int_equal(attempt(OP_AUTH, &a), PAM_SUCCESS);
	}
	world_done(&w);
}

/* With clients that have one field, and applications that answer every prompt with it. */
static void test_joined(void **state)
{
	struct attempt a = {.user = "mt_ok"};
	struct world w;

	(void)state;
	publish_one(&w);
	wait_for_step();
	a.password = joined(PASSWORD, "12345");
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	a.password = PASSWORD;
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	assert_reason("wrong_code");
	a.password = joined(PASSWORD, world_code(-2));
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	assert_reason("wrong_code");
	a.password = joined(OTHER, world_code(0));
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	assert_reason("wrong_password");
	a.password = joined(PASSWORD, world_code(0));
	assert_int_equal(attempt(OP_AUTH, &a), PAM_SUCCESS);
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR); /* used */
	a.password = joined(PASSWORD, world_code(1));
	a.code = ""; /* asked for by itself, and left empty */
	assert_int_equal(attempt(OP_AUTH, &a), PAM_SUCCESS);
	world_done(&w);
}

/* A password that looks joined is whole when the code came by itself; else it takes two commas. */
static void test_password_with_comma(void **state)
{
	struct attempt a = {.user = "mt_ok", .password = "odd,123456"};
	struct world w;

	(void)state;
	publish_one(&w)->password_hash = crypt("odd,123456", "$5$rounds=1000$mustermuster$");
	world_publish(&w, RUN_DIR);
	wait_for_step();
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	assert_reason("wrong_password");
	assert_int_equal(try_code("odd,123456", world_code(0)), PAM_SUCCESS);
	a.password = joined("odd,123456", world_code(1));
	assert_int_equal(attempt(OP_AUTH, &a), PAM_SUCCESS);
	world_done(&w);
}

static void test_excluded(void **state)
{
	struct world w;
	struct account *a = publish_one(&w);

	(void)state;
	a->mfa_exclusion = true;
	world_publish(&w, RUN_DIR);
	assert_int_equal(try_code(PASSWORD, ""), PAM_SUCCESS);
	assert_int_equal(try_code(PASSWORD, "000000"), PAM_SUCCESS);
	a->mfa_exclusion_until = world_now() + 60;
	world_publish(&w, RUN_DIR);
	assert_int_equal(try_code(PASSWORD, ""), PAM_SUCCESS);
	a->mfa_exclusion_until = world_now();
	world_publish(&w, RUN_DIR);
	assert_int_equal(try_code(PASSWORD, ""), PAM_AUTH_ERR);
	assert_int_equal(try_code(PASSWORD, world_code(0)), PAM_SUCCESS);
	world_done(&w);
}

/* Required, and not set up: told to those whose password is right; keys never meet it. */
static void test_pending(void **state)
{
	struct attempt a = {.user = "mt_ok", .password = PASSWORD, .code = ""};
	struct world w;

	(void)state;
	publish_one(&w)->totp_secret = "";
	w.users[0].mfa_required = true;
	world_publish(&w, RUN_DIR);
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	assert_string_equal(a.said, "Set up your second factor at https://portal.example first.\n");
	assert_reason("mfa_pending");
	a.service = "mt_later"; /* nothing would refuse later */
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	/* nor need what would now: the account phase comes later, and knows no factor */
	w.users[0].suspended = true;
	world_publish(&w, RUN_DIR);
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	assert_reason("suspended");
	w.users[0].suspended = false;
	world_publish(&w, RUN_DIR);
	a.said[0] = '\0';
	a.password = OTHER;
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	assert_string_equal(a.said, "");
	assert_reason("wrong_password");
	assert_int_equal(try_account("mt_ok"), PAM_SUCCESS);
	world_done(&w);
}

/* The refusal of a suspended user is told once password and code were right, and not before. */
static void test_refusals_wait_for_the_code(void **state)
{
	struct attempt a = {.user = "mt_ok", .password = PASSWORD, .code = ""};
	struct world w;

	(void)state;
	publish_one(&w)->suspended = true;
	world_publish(&w, RUN_DIR);
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	assert_string_equal(a.said, "");
	a.service = "mt_later";
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	a.code = world_code(0);
	assert_int_equal(attempt(OP_AUTH, &a), PAM_SUCCESS);
	a.service = NULL;
	a.code = world_code(1);
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	assert_string_equal(a.said, "This account is suspended.\n");
	world_done(&w);
}

/* Nobody guesses codes without end, not even of a user who is never locked. */
static void test_count(void **state)
{
	struct world w;

	(void)state;
	publish_one(&w);
	for (int i = 0; i < 2; i++) {
		for (int j = 0; j < 5; j++) {
			assert_int_equal(try_code(PASSWORD, "000000"), PAM_AUTH_ERR);
			assert_reason("wrong_code");
		}
		assert_int_equal(try_code(PASSWORD, world_code(0)), PAM_AUTH_ERR);
		assert_reason("locked");
		assert_int_equal(unlink(TALLY_FILE), 0);
		w.users[0].disable_lockout = true;
		world_publish(&w, RUN_DIR);
	}
	world_done(&w);
}

static void test_bad_secrets(void **state)
{
	static const char *const secrets[] = {"1", "========", "GEZDGNBVGY3TQOJ!"};
	struct world w;

	(void)state;
	publish_one(&w);
	w.policy.max_attempts = 0;
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		w.users[0].totp_secret = secrets[i];
		world_publish(&w, RUN_DIR);
		assert_int_equal(try_code(PASSWORD, "000000"), PAM_AUTHINFO_UNAVAIL);
		assert_int_equal(try_code(PASSWORD, ""), PAM_AUTHINFO_UNAVAIL);
		assert_int_equal(try_code(OTHER, "000000"), PAM_AUTH_ERR);
	}
	world_done(&w);
}

/* Breaking off at the second prompt is no try, as at the first. */
static void test_broken_off(void **state)
{
	struct attempt a = {.user = "mt_ok", .password = PASSWORD, .code_broken = true};
	struct stat st;
	struct world w;

	(void)state;
	publish_one(&w);
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	assert_int_equal(a.prompts, 2);
	assert_int_equal(stat(TALLY_DIR, &st), -1);
	world_done(&w);
}

/* Passwords of an LDAP server that is away: a secret of our own judges, one that only the server has lets nobody in. */
static void test_off_line(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct world w;
	struct account *a = publish_one(&w);
	const struct saved_verifier v = {a->id, a->name, "ldap", a->password_hash, world_now()};
	int fd;

	(void)state;
	w.policy.password_ldap = true;
	w.policy.offline_password_max_age_s = 86400;
	world_publish(&w, RUN_DIR);
	assert_int_equal(saved_verifier_pack(&v, &b), 0);
	assert_int_equal(mkdir(STATE_DIR "/user", 0700), 0);
	fd = open(STATE_DIR "/user/70001", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, b.data, b.len), b.len);
	close(fd);
	assert_int_equal(try_code(PASSWORD, "000000"), PAM_AUTH_ERR);
	assert_int_equal(try_code(PASSWORD, world_code(0)), PAM_SUCCESS);
	a->totp_secret = "";
	a->totp_enabled = true;
	world_publish(&w, RUN_DIR);
	assert_int_equal(try_code(PASSWORD, ""), PAM_AUTH_ERR);
	assert_reason("wrong_code");
	assert_int_equal(try_code(PASSWORD, "000000"), PAM_AUTHINFO_UNAVAIL);
	assert_reason("unavailable");
	a->mfa_exclusion = true;
	world_publish(&w, RUN_DIR);
	assert_int_equal(try_code(PASSWORD, ""), PAM_SUCCESS);
	world_done(&w);
}

const struct CMUnitTest test_pam_code[] = {
	cmocka_unit_test(test_code),
	cmocka_unit_test(test_window),
	cmocka_unit_test(test_once),
	cmocka_unit_test(test_parallel),
	cmocka_unit_test(test_who_is_asked),
	cmocka_unit_test(test_service_off),
	cmocka_unit_test(test_none_needed),
	cmocka_unit_test(test_joined),
	cmocka_unit_test(test_password_with_comma),
	cmocka_unit_test(test_excluded),
	cmocka_unit_test(test_pending),
	cmocka_unit_test(test_refusals_wait_for_the_code),
	cmocka_unit_test(test_count),
	cmocka_unit_test(test_bad_secrets),
	cmocka_unit_test(test_broken_off),
	cmocka_unit_test(test_off_line),
};
const size_t test_pam_n_code = ARRAY_SIZE(test_pam_code);
