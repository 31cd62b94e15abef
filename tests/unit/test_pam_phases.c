/* Every verdict in every phase: codes, words, one line in the journal. */
#include "tests/unit/test_pam.h"

#define WORD_URL "https://portal.example"

struct state {
	const char *user;
	void (*make)(struct account *a);
	int account;        /* PAM code of the account phase */
	int auth;           /* with the right password */
	int auth_later;     /* the same where the refusal is left to the account phase */
	const char *reason; /* "" when not refused */
	const char *words;  /* of the account phase, and of authentication unless untold */
	bool untold;        /* authentication says nothing */
};

static void make_ok(struct account *a)
{
	a->password_expires_at = world_now() + 30 * 86400;
}

static void make_activated_late(struct account *a)
{
	a->state = USER_STAGED;
	a->scheduled[0] = (struct scheduled_change){world_now() - 1, USER_ACTIVATED};
	a->n_scheduled = 1;
}

static void make_never_expiring(struct account *a)
{
	a->password_expires_at = world_now() - 1;
	a->password_never_expires = true;
}

static void make_expiring(struct account *a)
{
	a->password_expires_at = world_now() + 3 * 86400 - 100;
}

static void make_expiring_today(struct account *a)
{
	a->password_expires_at = world_now() + 600;
}

static void make_unbound(struct account *a)
{
	a->bound = false;
}

static void make_suspended(struct account *a)
{
	a->state = USER_SUSPENDED;
}

static void make_flagged(struct account *a)
{
	a->suspended = true;
}

static void make_suspended_late(struct account *a)
{
	a->scheduled[0] = (struct scheduled_change){world_now() - 1, USER_SUSPENDED};
	a->n_scheduled = 1;
}

static void make_staged(struct account *a)
{
	a->state = USER_STAGED;
}

static void make_locked(struct account *a)
{
	a->account_locked = true;
}

static void make_locked_suspended(struct account *a)
{
	a->account_locked = true;
	a->suspended = true;
}

static void make_pending(struct account *a)
{
	a->activated = false;
	a->password_hash = "";
}

static void make_pending_with_hash(struct account *a)
{
	a->activated = false;
}

/* As musterd keeps who has left. */
static void make_tombstone(struct account *a)
{
	a->bound = false;
	make_pending(a);
}

static void make_pending_suspended(struct account *a)
{
	a->suspended = true;
	make_pending(a);
}

static void make_expired(struct account *a)
{
	a->password_expired = true;
}

static void make_expired_by_date(struct account *a)
{
	a->password_expires_at = world_now() - 1;
}

/* Short, to keep the table readable. */
#define OK      PAM_SUCCESS
#define NO      PAM_AUTH_ERR
#define DENIED  PAM_PERM_DENIED
#define EXPIRED PAM_ACCT_EXPIRED

static const struct state states[] = {
	{"mt_ok", make_ok, OK, OK, OK, "", "", true},
	{"mt_late", make_activated_late, OK, OK, OK, "", "", true},
	{"mt_never", make_never_expiring, OK, OK, OK, "", "", true},
	{"mt_warn", make_expiring, OK, OK, OK, "",
	 "Your password expires in 3 days. Change it at " WORD_URL ".\n", true},
	{"mt_today", make_expiring_today, OK, OK, OK, "",
	 "Your password expires in 1 day. Change it at " WORD_URL ".\n", true},
	{"mt_unbound", make_unbound, DENIED, NO, OK, "unbound",
	 "This account no longer has access to this computer.\n", false},
	{"mt_susp", make_suspended, EXPIRED, NO, OK, "suspended", "This account is suspended.\n",
	 false},
	{"mt_flag", make_flagged, EXPIRED, NO, OK, "suspended", "This account is suspended.\n",
	 false},
	{"mt_susplate", make_suspended_late, EXPIRED, NO, OK, "suspended",
	 "This account is suspended.\n", false},
	{"mt_staged", make_staged, EXPIRED, NO, OK, "staged", "This account is not active yet.\n",
	 false},
	{"mt_locked", make_locked, DENIED, NO, NO, "locked", "This account is locked.\n", true},
	{"mt_locksus", make_locked_suspended, EXPIRED, NO, NO, "suspended",
	 "This account is suspended.\n", true},
	{"mt_pending", make_pending, DENIED, NO, NO, "password_pending",
	 "Set your password at " WORD_URL " first.\n", true},
	{"mt_pendhash", make_pending_with_hash, DENIED, NO, OK, "password_pending",
	 "Set your password at " WORD_URL " first.\n", false},
	{"mt_gone", make_tombstone, DENIED, NO, NO, "unbound",
	 "This account no longer has access to this computer.\n", true},
	{"mt_pendsus", make_pending_suspended, EXPIRED, NO, NO, "suspended",
	 "This account is suspended.\n", true},
	{"mt_expired", make_expired, DENIED, NO, OK, "password_expired",
	 "Your password has expired. Change it at " WORD_URL ".\n", false},
	{"mt_expdate", make_expired_by_date, DENIED, NO, OK, "password_expired",
	 "Your password has expired. Change it at " WORD_URL ".\n", false},
};

static void publish_states(void)
{
	struct world w;

	world_reset();
	world_init(&w);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		states[i].make(world_add(&w, states[i].user));
	world_publish(&w, RUN_DIR);
	world_done(&w);
}

/* One line, of one form; none when REASON is "". */
static void assert_journal(const char *user, const char *reason, const char *service,
			   const char *phase)
{
	char line[512] = "";

	if (*reason)
		snprintf(line, sizeof(line),
			 "refused user=%s reason=%s service=%s phase=%s rhost=192.0.2.7 "
			 "generation=17\n",
			 user, reason, service, phase);
	assert_string_equal(pam_wrap.log, line);
}

static void test_account(void **state)
{
	(void)state;
	publish_states();
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		const struct state *s = &states[i];
		struct attempt a = {.user = s->user, .rhost = "192.0.2.7"};

		assert_int_equal(attempt(OP_ACCOUNT, &a), s->account);
		assert_string_equal(a.said, s->words);
		assert_int_equal(a.prompts, 0);
		assert_int_equal(pam_wrap.hashes, 0);
		assert_journal(s->user, s->reason, "mt_plain", "account");
	}
}

static void test_account_without_words(void **state)
{
	(void)state;
	publish_states();
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		const struct state *s = &states[i];
		struct attempt gate = {.user = s->user, .service = "mt_gate", .rhost = "192.0.2.7"};
		struct attempt silent = {.user = s->user, .flags = PAM_SILENT};
		struct attempt mute = {.user = s->user, .no_conversation = true};

		assert_int_equal(attempt(OP_ACCOUNT, &gate), s->account);
		assert_int_equal(pam_wrap.prompts, 0);
		assert_journal(s->user, s->reason, "mt_gate", "account");
		assert_int_equal(attempt(OP_ACCOUNT, &silent), s->account);
		assert_int_equal(pam_wrap.prompts, 0);
		assert_int_equal(attempt(OP_ACCOUNT, &mute), s->account);
	}
}

static void test_auth_right(void **state)
{
	(void)state;
	publish_states();
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		const struct state *s = &states[i];
		struct attempt a = {.user = s->user, .password = PASSWORD, .rhost = "192.0.2.7"};

		assert_int_equal(attempt(OP_AUTH, &a), s->auth);
		assert_string_equal(a.said, s->untold ? "" : s->words);
		assert_int_equal(a.prompts, 1);
		assert_int_equal(pam_wrap.hashes, 1);
		assert_int_equal(pam_wrap.fail_delay_us, 2000000);
		assert_journal(s->user, s->reason, "mt_plain", "auth");
	}
}

static void test_auth_refused_later(void **state)
{
	(void)state;
	publish_states();
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		const struct state *s = &states[i];
		struct attempt a = {.user = s->user,
				    .password = PASSWORD,
				    .service = "mt_later",
				    .rhost = "192.0.2.7"};

		assert_int_equal(attempt(OP_AUTH, &a), s->auth_later);
		assert_string_equal(a.said, "");
		assert_int_equal(pam_wrap.hashes, 1);
		assert_journal(s->user, s->auth_later == OK ? "" : s->reason, "mt_later", "auth");
		assert_int_equal(attempt(OP_ACCOUNT, &a), s->account);
	}
}

static void test_auth_wrong(void **state)
{
	static const char *const services[] = {"mt_plain", "mt_later"};

	(void)state;
	publish_states();
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(services); j++) {
			struct attempt a = {
				.user = states[i].user, .password = OTHER, .service = services[j]};

			assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
			assert_string_equal(a.said, "");
			assert_int_equal(a.prompts, 1);
			assert_int_equal(pam_wrap.hashes, 1);
			assert_int_equal(pam_wrap.fail_delay_us, 2000000);
		}
	}
}

static void test_auth_silent(void **state)
{
	struct attempt a = {.user = "mt_susp", .password = PASSWORD, .flags = PAM_SILENT};

	(void)state;
	publish_states();
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	assert_string_equal(a.said, "");
	assert_int_equal(a.prompts, 1);
}

static void test_stale(void **state)
{
	struct attempt a = {.user = "mt_stale", .password = PASSWORD};
	struct world w;

	(void)state;
	world_reset();
	world_init(&w);
	world_add(&w, "mt_stale");
	w.info.confirmed_at = world_now() - w.policy.lease_s - 60;
	world_publish(&w, RUN_DIR);
	assert_int_equal(attempt(OP_ACCOUNT, &a), PAM_PERM_DENIED);
	assert_string_equal(a.said, "This computer has been off line too long.\n");
	a.said[0] = '\0';
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
	assert_string_equal(a.said, "This computer has been off line too long.\n");
	/* half a day before that everybody may still come, and reads so */
	w.info.confirmed_at = world_now() - w.policy.lease_s + 43200;
	world_publish(&w, RUN_DIR);
	a.said[0] = '\0';
	assert_int_equal(attempt(OP_ACCOUNT, &a), PAM_SUCCESS);
	assert_non_null(strstr(a.said, "This computer cannot reach the directory. Without it, your account is accepted here until 20"));
	assert_non_null(strstr(a.said, " UTC.\n"));
	w.policy.lease_s = 0;
	world_publish(&w, RUN_DIR);
	assert_int_equal(try_password("mt_stale", PASSWORD), PAM_SUCCESS);
	assert_int_equal(try_account("mt_stale"), PAM_SUCCESS);
	world_done(&w);
}

/* Access rules: everybody of bit 0 may not use mt_plain and mt_later, and of bit 1 no service in an hour that is not known. */
static void publish_rules(void)
{
	struct world w;

	world_reset();
	world_init(&w);
	w.policy.access = (struct access_rules){
		.rule = {{.name = "plain", .services = {"mt_plain\0mt_later", sizeof("mt_plain\0mt_later"), 2}},
			 {.name = "now", .spans = {{1, 0, 1}}, .n_spans = 1}},
		.n = 2,
	};
	world_add(&w, "mt_service")->access_deny = 1;
	world_add(&w, "mt_hours")->access_deny = 2;
	world_publish(&w, RUN_DIR);
	world_done(&w);
}

static void test_access(void **state)
{
	static const struct {
		const char *user, *service, *reason, *words;
		int auth;
	} all[] = {
		{"mt_service", "mt_plain", "service", "Not allowed for mt_plain.\n", PAM_AUTH_ERR},
		{"mt_service", "mt_later", "service", "Not allowed for mt_later.\n", PAM_SUCCESS},
		{"mt_hours", "mt_plain", "hours", "Not allowed for mt_plain at this time.\n", PAM_AUTH_ERR},
		{"mt_hours", "mt_later", "hours", "Not allowed for mt_later at this time.\n", PAM_SUCCESS},
	};
	struct attempt gate = {.user = "mt_service", .service = "mt_gate", .password = PASSWORD};

	(void)state;
	publish_rules();
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct attempt a = {.user = all[i].user, .service = all[i].service, .password = PASSWORD, .rhost = "192.0.2.7"};

		assert_int_equal(attempt(OP_AUTH, &a), all[i].auth);
		assert_string_equal(a.said, all[i].auth == PAM_SUCCESS ? "" : all[i].words);
		a.said[0] = '\0';
		assert_int_equal(attempt(OP_ACCOUNT, &a), PAM_PERM_DENIED);
		assert_string_equal(a.said, all[i].words);
		assert_journal(all[i].user, all[i].reason, all[i].service, "account");
		a.password = OTHER;
		a.said[0] = '\0';
		assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTH_ERR);
		assert_string_equal(a.said, "");
	}
	assert_int_equal(attempt(OP_ACCOUNT, &gate), PAM_SUCCESS);
	gate.user = "mt_hours";
	assert_int_equal(attempt(OP_ACCOUNT, &gate), PAM_PERM_DENIED);
}

/* A clock set back behind the mark opens nothing: what has expired stays so. */
static void test_clock_set_back(void **state)
{
	struct world w;
	struct account *a;

	(void)state;
	world_reset();
	world_init(&w);
	a = world_add(&w, "mt_expired");
	a->password_expires_at = world_now() + 1000;
	w.status.mark.wall_s += 2000;
	world_publish(&w, RUN_DIR);
	assert_int_equal(try_account("mt_expired"), PAM_PERM_DENIED);
	world_done(&w);
}

static void test_change_password(void **state)
{
	static const char with_url[] =
		"Your password cannot be changed here. Change it at " WORD_URL ".\n";
	static const char without[] =
		"Your password cannot be changed here. Ask your administrator.\n";
	struct world w;

	(void)state;
	publish_states();
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		struct attempt a = {.user = states[i].user};

		assert_int_equal(attempt(OP_CHAUTHTOK, &a), PAM_PERM_DENIED);
		assert_string_equal(a.said, with_url);
		assert_int_equal(a.prompts, 0);
		assert_int_equal(pam_wrap.hashes, 0);
	}
	/* Both phases of a stack that goes on: neither asks for anything. */
	struct attempt both = {.user = "mt_ok", .service = "mt_stubborn"};
	assert_int_equal(attempt(OP_CHAUTHTOK, &both), PAM_SUCCESS);
	assert_memory_equal(both.said, with_url, sizeof(with_url) - 1);
	assert_string_equal(both.said + sizeof(with_url) - 1, with_url);
	assert_int_equal(both.prompts, 0);
	world_init(&w);
	world_add(&w, "mt_ok");
	w.policy.portal_url = "";
	world_publish(&w, RUN_DIR);
	struct attempt a = {.user = "mt_ok"};
	assert_int_equal(attempt(OP_CHAUTHTOK, &a), PAM_PERM_DENIED);
	assert_memory_equal(a.said, without, sizeof(without) - 1);
	world_done(&w);
}

static void test_session(void **state)
{
	static const enum pam_op ops[] = {OP_SETCRED, OP_OPEN, OP_CLOSE};

	(void)state;
	publish_states();
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(states); j++) {
			struct attempt ours = {.user = states[j].user};

			assert_int_equal(attempt(ops[i], &ours), PAM_SUCCESS);
			assert_string_equal(ours.said, "");
			assert_string_equal(pam_wrap.log, "");
		}
		struct attempt unknown = {.user = "mt_ghost"}, root = {.user = "root"};
		assert_int_equal(attempt(ops[i], &unknown), IGNORED);
		assert_int_equal(attempt(ops[i], &root), IGNORED);
	}
	world_reset();
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		struct attempt a = {.user = "mt_ok"};

		assert_int_equal(attempt(ops[i], &a), IGNORED);
	}
}

static void test_unknown(void **state)
{
	static const char *const names[] = {"mt_ghost",
					    "MT_OK",
					    "mt_ok ",
					    "mt_o",
					    "mt_okk",
					    "mt_ok:x",
					    "",
					    "root:x",
					    "a\nroot",
					    "../../etc/shadow",
					    "mt_a_name_that_is_longer_than_any_name_can_be"};

	(void)state;
	publish_states();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct attempt a = {.user = names[i], .password = PASSWORD};

		assert_int_equal(attempt(OP_AUTH, &a), PAM_USER_UNKNOWN);
		assert_string_equal(a.said, "");
		assert_int_equal(a.prompts, 1);
		assert_int_equal(pam_wrap.hashes, 1);
		assert_int_equal(pam_wrap.fail_delay_us, 2000000);
		assert_string_equal(pam_wrap.log, "");
		assert_int_equal(attempt(OP_ACCOUNT, &a), PAM_USER_UNKNOWN);
		assert_string_equal(pam_wrap.log, "");
		assert_int_equal(attempt(OP_CHAUTHTOK, &a), PAM_USER_UNKNOWN);
		assert_string_equal(a.said, "");
		assert_int_equal(try_password(names[i], DUMMY_PASSWORD), PAM_USER_UNKNOWN);
	}
}

/* Not a byte of ours is read for them, nothing asked, nobody waits. */
static void test_local(void **state)
{
	static const char *const names[] = {"root", "daemon"};
	static const char *const services[] = {"mt_plain", "mt_first", "mt_gate", "mt_typo"};

	(void)state;
	publish_states();
	for (int published = 1; published >= 0; published--) {
		for (size_t i = 0; i < ARRAY_SIZE(names) * ARRAY_SIZE(services); i++) {
			struct attempt a = {.user = names[i % 2],
					    .service = services[i / 2],
					    .password = PASSWORD};

			assert_int_equal(attempt(OP_AUTH, &a), PAM_USER_UNKNOWN);
			assert_true(pam_wrap.calls <= 5); /* user name, open, read, read */
			assert_int_equal(attempt(OP_ACCOUNT, &a), PAM_USER_UNKNOWN);
			assert_int_equal(attempt(OP_CHAUTHTOK, &a), PAM_USER_UNKNOWN);
			assert_int_equal(a.prompts, 0);
			assert_string_equal(a.said, "");
			assert_int_equal(pam_wrap.hashes, 0);
			assert_int_equal(pam_wrap.fail_delay_us, 0);
			assert_string_equal(pam_wrap.log, "");
		}
		world_reset();
	}
}

/* A local user stays local when the directory gives out the same name. */
static void test_local_name_taken(void **state)
{
	struct world w;

	(void)state;
	world_reset();
	world_init(&w);
	world_add(&w, "daemon");
	world_publish(&w, RUN_DIR);
	assert_int_equal(try_password("daemon", PASSWORD), PAM_USER_UNKNOWN);
	assert_int_equal(try_account("daemon"), PAM_USER_UNKNOWN);
	world_done(&w);
}

static void test_unknown_argument(void **state)
{
	struct attempt a = {.user = "mt_ok", .service = "mt_typo", .password = PASSWORD};

	(void)state;
	publish_states();
	assert_int_equal(attempt(OP_AUTH, &a), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(pam_wrap.hashes, 1);
	assert_non_null(strstr(pam_wrap.log, "gaet"));
	assert_int_equal(attempt(OP_ACCOUNT, &a), PAM_AUTHINFO_UNAVAIL);
	assert_non_null(strstr(pam_wrap.log, "gaet"));
	assert_int_equal(attempt(OP_CHAUTHTOK, &a), PAM_PERM_DENIED);
}

const struct CMUnitTest test_pam_phases[] = {
	cmocka_unit_test(test_account),
	cmocka_unit_test(test_account_without_words),
	cmocka_unit_test(test_auth_right),
	cmocka_unit_test(test_auth_refused_later),
	cmocka_unit_test(test_auth_wrong),
	cmocka_unit_test(test_auth_silent),
	cmocka_unit_test(test_stale),
	cmocka_unit_test(test_access),
	cmocka_unit_test(test_clock_set_back),
	cmocka_unit_test(test_change_password),
	cmocka_unit_test(test_session),
	cmocka_unit_test(test_unknown),
	cmocka_unit_test(test_local),
	cmocka_unit_test(test_local_name_taken),
	cmocka_unit_test(test_unknown_argument),
};
const size_t test_pam_n_phases = ARRAY_SIZE(test_pam_phases);
