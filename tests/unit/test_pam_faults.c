/* Every call that can fail does, once each (T-P3); and what stays behind in the process. */
#include "tests/unit/test_pam.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <security/pam_modules.h>

/* Users in /run; in /var/lib an older generation, when all of them were active. */
static void publish_two_generations(void)
{
	struct world w;

	world_reset();
	world_init(&w);
	world_add(&w, "mt_ok");
	world_add(&w, "mt_susp");
	world_add(&w, "mt_locked");
	world_add(&w, "mt_pending");
	w.info.generation--;
	world_publish(&w, STATE_DIR);
	w.info.generation++;
	w.policy.totp_wanted = true;
	w.policy.totp_services = (struct strlist){"all", sizeof("all"), 1};
	world_add(&w, "mt_code")->totp_secret = SEED;
	w.users[1].suspended = true;
	w.users[2].account_locked = true;
	w.users[3].activated = false;
	w.users[3].password_hash = "";
	world_publish(&w, RUN_DIR);
	world_done(&w);
}

struct fault_case {
	enum pam_op op;
	const char *user, *password, *service;
	int code; /* PAM's; when nothing fails, and also when what fails does not matter */
};

static const struct fault_case cases[] = {
	{OP_AUTH, "mt_ok", PASSWORD, "mt_plain", PAM_SUCCESS},
	{OP_AUTH, "mt_ok", PASSWORD, "mt_stack", PAM_SUCCESS},
	{OP_AUTH, "mt_ok", OTHER, "mt_plain", PAM_AUTH_ERR},
	{OP_AUTH, "mt_ok", "", "mt_plain", PAM_AUTH_ERR},
	{OP_AUTH, "mt_susp", PASSWORD, "mt_plain", PAM_AUTH_ERR},
	{OP_AUTH, "mt_susp", PASSWORD, "mt_later", PAM_SUCCESS},
	{OP_AUTH, "mt_susp", OTHER, "mt_later", PAM_AUTH_ERR},
	{OP_AUTH, "mt_locked", PASSWORD, "mt_later", PAM_AUTH_ERR},
	{OP_AUTH, "mt_pending", DUMMY_PASSWORD, "mt_later", PAM_AUTH_ERR},
	{OP_AUTH, "mt_ghost", DUMMY_PASSWORD, "mt_later", PAM_USER_UNKNOWN},
	{OP_AUTH, "mt_code", PASSWORD, "mt_plain", PAM_SUCCESS},
	{OP_AUTH, "mt_code", OTHER, "mt_plain", PAM_AUTH_ERR},
	{OP_AUTH, "root", PASSWORD, "mt_plain", PAM_USER_UNKNOWN},
	{OP_AUTH, "daemon", PASSWORD, "mt_plain", PAM_USER_UNKNOWN},
	{OP_ACCOUNT, "mt_ok", NULL, "mt_plain", PAM_SUCCESS},
	{OP_ACCOUNT, "mt_susp", NULL, "mt_plain", PAM_ACCT_EXPIRED},
	{OP_ACCOUNT, "mt_susp", NULL, "mt_gate", PAM_ACCT_EXPIRED},
	{OP_ACCOUNT, "mt_locked", NULL, "mt_plain", PAM_PERM_DENIED},
	{OP_ACCOUNT, "mt_pending", NULL, "mt_plain", PAM_PERM_DENIED},
	{OP_ACCOUNT, "mt_ghost", NULL, "mt_plain", PAM_USER_UNKNOWN},
	{OP_ACCOUNT, "root", NULL, "mt_plain", PAM_USER_UNKNOWN},
	{OP_CHAUTHTOK, "mt_ok", NULL, "mt_plain", PAM_PERM_DENIED},
	{OP_CHAUTHTOK, "mt_ghost", NULL, "mt_plain", PAM_USER_UNKNOWN},
	{OP_SETCRED, "mt_ok", NULL, "mt_plain", PAM_SUCCESS},
	{OP_OPEN, "mt_ghost", NULL, "mt_plain", IGNORED},
};

/* Only one of them has a second factor. */
static const char *code_of(const struct fault_case *c)
{
	return strcmp(c->user, "mt_code") == 0 ? world_code(0) : "";
}

static bool allowed(const struct fault_case *c, int code)
{
	switch (c->op) {
	case OP_AUTH: /* the user may also be refused where the refusal was to come later */
		return code == PAM_AUTHINFO_UNAVAIL ||
		       (code == PAM_AUTH_ERR && c->code == PAM_SUCCESS);
	case OP_ACCOUNT:
	case OP_CHAUTHTOK:
		return code == PAM_AUTHINFO_UNAVAIL;
	case OP_SETCRED:
	case OP_OPEN:
	case OP_CLOSE:
		return code == IGNORED;
	}
	return false;
}

static void assert_allowed(const struct fault_case *c, int code)
{
	if (code != c->code && !allowed(c, code))
		fail_msg("%s, %s: code %d with call %u failing (errno %d)", c->user, c->service,
			 code, pam_wrap.fail_at, pam_wrap.fail_errno);
	assert_true(pam_wrap.hashes <= 2);
	assert_false(pam_wrap.uncounted);
}

static void fail_each(const struct fault_case *c)
{
	pam_wrap.fail_at = 0;
	do {
		struct attempt a = {
			.user = c->user, .password = c->password, .code = code_of(c), .service = c->service};

		if (c->op == OP_AUTH)
			publish_two_generations(); /* and no tally */
		pam_wrap.fail_at++;
		assert_allowed(c, attempt(c->op, &a));
	} while (pam_wrap.calls >= pam_wrap.fail_at);
	assert_true(pam_wrap.fail_at > 1);
	pam_wrap.fail_at = 0;
}

static void test_each_call(void **state)
{
	static const int errors[] = {EIO, EMFILE, EINTR};

	(void)state;
	publish_two_generations();
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		pam_wrap.fail_errno = errors[i];
		for (size_t j = 0; j < ARRAY_SIZE(cases); j++)
			fail_each(&cases[j]);
	}
}

/* Everything fails from some call on, as in a process out of memory and descriptors. */
static void test_all_calls(void **state)
{
	(void)state;
	publish_two_generations();
	pam_wrap.fail_errno = ENOMEM;
	pam_wrap.fail_for_good = true;
	for (size_t j = 0; j < ARRAY_SIZE(cases); j++)
		fail_each(&cases[j]);
	pam_wrap.fail_for_good = false;
}

/* Signals that the host handles change nothing. */
static void test_interrupted(void **state)
{
	(void)state;
	publish_two_generations();
	pam_wrap.interrupt = true;
	for (size_t j = 0; j < ARRAY_SIZE(cases); j++) {
		const struct fault_case *c = &cases[j];
		struct attempt a = {
			.user = c->user, .password = c->password, .code = code_of(c), .service = c->service};

		assert_int_equal(attempt(c->op, &a), c->code);
	}
	pam_wrap.interrupt = false;
}

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* Does PASSWORD stand in memory that can be written: heap, data and what is left on the stack? */
static bool password_in_memory(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	char line[512], *mode;
	bool found = false;

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f)) {
		from = strtoul(line, &mode, 16);
		to = strtoul(mode + 1, &mode, 16);
		if (strncmp(mode, " rw", 3) != 0 || strstr(line, "[vvar"))
			continue;
		found = memmem((void *)from, to - from, PASSWORD, strlen(PASSWORD)) != NULL;
	}
	fclose(f);
	return found;
}

static void test_nothing_left(void **state)
{
	static const char *const users[] = {"mt_ok", "mt_susp", "mt_locked", "mt_pending",
					    "mt_ghost"};
	char *copy;

	(void)state;
	if (SANITIZED)
		skip(); /* its own memory is not ours to read, and it keeps what was freed */
	publish_two_generations();
	copy = strdup(PASSWORD);
	assert_true(password_in_memory());
	explicit_bzero(copy, strlen(copy));
	free(copy);
	assert_false(password_in_memory());
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		try_password(users[i], PASSWORD);
		assert_int_equal(pam_wrap.hashes, 1);
		assert_false(password_in_memory());
	}
}

/* A guest: errno is the host's. */
static void test_errno(void **state)
{
	static const char *const names[] = {"pam_sm_authenticate",  "pam_sm_setcred",
					    "pam_sm_acct_mgmt",     "pam_sm_open_session",
					    "pam_sm_close_session", "pam_sm_chauthtok"};
	static const char *const users[] = {"mt_susp", "mt_ghost", "root"};
	struct pam_conv conv = {0};
	void *module = dlopen(MODULE, RTLD_NOW);
	pam_handle_t *pamh;

	(void)state;
	publish_two_generations();
	assert_int_equal(unlink(RUN_DIR "/pam.snapshot"), 0); /* so that something fails */
	assert_non_null(module);
	for (size_t i = 0; i < ARRAY_SIZE(names) * ARRAY_SIZE(users); i++) {
		int (*entry)(pam_handle_t *, int, int, const char **);
		void *symbol = dlsym(module, names[i / ARRAY_SIZE(users)]);

		assert_non_null(symbol);
		memcpy(&entry, &symbol, sizeof(entry));
		assert_int_equal(pam_start_confdir("mt_plain", users[i % ARRAY_SIZE(users)], &conv,
						   "pam.d", &pamh),
				 PAM_SUCCESS);
		errno = 12345;
		(void)entry(pamh, PAM_SILENT, 0, NULL);
		assert_int_equal(errno, 12345);
		pam_end(pamh, PAM_SUCCESS);
	}
	dlclose(module);
}

const struct CMUnitTest test_pam_faults[] = {
	cmocka_unit_test(test_each_call),   cmocka_unit_test(test_all_calls),
	cmocka_unit_test(test_interrupted), cmocka_unit_test(test_nothing_left),
	cmocka_unit_test(test_errno),
};
const size_t test_pam_n_faults = ARRAY_SIZE(test_pam_faults);
