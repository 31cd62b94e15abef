/*
 * common/verdict: each rule, their order, and time to the second. All combinations:
 * test_verdict_table.
 */
#include "tests/unit/unit.h"

#include "common/macros.h"
#include "common/verdict.h"

#define NOW 1700000000

static const struct account good = {
	.id = "u1",
	.name = "dora",
	.uid = 5001,
	.gid = 5001,
	.state = USER_ACTIVATED,
	.bound = true,
	.activated = true,
	.allow_public_key = true,
	.password_hash = "$y$x",
	.ssh_keys = STRLIST("ssh-ed25519 A\0ssh-ed25519 B\0", 2),
};
static const struct policy policy = {.lease_s = 1000, .warn_s = 500};

static struct verdict_input input(const struct account *a)
{
	return (struct verdict_input){
		.account = a,
		.policy = &policy,
		.phase = VERDICT_AUTH,
		.now = NOW,
		.confirmed_at = NOW,
	};
}

static enum reason reason_of(const struct account *a, int64_t now)
{
	struct verdict_input in = input(a);

	in.now = now;
	in.confirmed_at = now;
	return verdict_decide(&in).reason;
}

/* Everything is wrong at once; what applies first is put right, one after the other. */
static void test_order(void **state)
{
	struct policy p = policy;
	struct account a = good;
	struct verdict_input in = input(&a);

	(void)state;
	p.access.rule[p.access.n++] = (struct access_rule){.name = "none"};
	in.policy = &p;
	in.service = "sshd";
	a.access_deny = 1;
	a.bound = false;
	a.suspended = true;
	a.state = USER_STAGED;
	a.account_locked = true;
	a.activated = false;
	a.password_expired = true;
	in.confirmed_at = NOW - 1001;
	assert_int_equal(verdict_decide(&in).reason, REASON_UNBOUND);
	a.bound = true;
	assert_int_equal(verdict_decide(&in).reason, REASON_SUSPENDED);
	a.suspended = false;
	assert_int_equal(verdict_decide(&in).reason, REASON_STAGED);
	a.state = USER_SUSPENDED;
	assert_int_equal(verdict_decide(&in).reason, REASON_SUSPENDED);
	a.state = USER_STATE_NONE;
	assert_int_equal(verdict_decide(&in).reason, REASON_STAGED);
	a.state = USER_ACTIVATED;
	assert_int_equal(verdict_decide(&in).reason, REASON_LOCKED);
	a.account_locked = false;
	assert_int_equal(verdict_decide(&in).reason, REASON_PASSWORD_PENDING);
	a.activated = true;
	assert_int_equal(verdict_decide(&in).reason, REASON_PASSWORD_EXPIRED);
	a.password_expired = false;
	assert_int_equal(verdict_decide(&in).reason, REASON_STALE);
	in.confirmed_at = NOW - 1000;
	assert_int_equal(verdict_decide(&in).reason, REASON_SERVICE);
	assert_ptr_equal(verdict_decide(&in).rule, &p.access.rule[0]);
	in.service = NULL; /* the account itself has nothing against it */
	assert_int_equal(verdict_decide(&in).reason, REASON_OK);
	in.service = "sshd";
	a.access_deny = 0;
	assert_null(verdict_decide(&in).rule);
	assert_int_equal(verdict_decide(&in).reason, 0x0a4c5e3d);
}

static void test_tally(void **state)
{
	struct account a = good;
	struct verdict_input in = input(&a);

	(void)state;
	in.tally_locked = true;
	assert_int_equal(verdict_decide(&in).reason, REASON_LOCKED);
	in.phase = VERDICT_ACCOUNT; /* the endpoint's own lock refuses passwords, not keys */
	assert_int_equal(verdict_decide(&in).reason, REASON_OK);
	in.phase = VERDICT_AUTH;
	a.disable_lockout = true;
	assert_int_equal(verdict_decide(&in).reason, REASON_OK);
	a.account_locked = true; /* the directory's lock refuses everything */
	assert_int_equal(verdict_decide(&in).reason, REASON_LOCKED);
	in.phase = VERDICT_ACCOUNT;
	assert_int_equal(verdict_decide(&in).reason, REASON_LOCKED);
	a.account_locked = false;
	a.totp_enabled = true; /* else its codes could be guessed without end */
	assert_int_equal(verdict_decide(&in).reason, REASON_OK);
	in.phase = VERDICT_AUTH;
	assert_int_equal(verdict_decide(&in).reason, REASON_LOCKED);
}

static void test_undecided(void **state)
{
	struct verdict_input in = input(&good);

	(void)state;
	in.account = NULL;
	assert_int_equal(verdict_decide(&in).reason, REASON_UNDECIDED);
	in = input(&good);
	in.policy = NULL;
	assert_int_equal(verdict_decide(&in).reason, REASON_UNDECIDED);
	in = input(&good);
	in.phase = (enum verdict_phase)0;
	assert_int_equal(verdict_decide(&in).reason, REASON_UNDECIDED);
	in.phase = (enum verdict_phase)3;
	assert_int_equal(verdict_decide(&in).reason, REASON_UNDECIDED);
	/* What was never filled in denies. */
	const struct account zero = {0};
	assert_int_not_equal(reason_of(&zero, NOW), REASON_OK);
	struct account a = good;
	a.state = (enum user_state)99;
	assert_int_equal(reason_of(&a, NOW), REASON_STAGED);
	a = good;
	a.n_scheduled = ACCOUNT_SCHEDULED_MAX + 1;
	assert_int_equal(reason_of(&a, NOW), REASON_STAGED);
}

static void test_password_expiry(void **state)
{
	struct account a = good;

	(void)state;
	a.password_expires_at = NOW;
	assert_int_equal(reason_of(&a, NOW - 1), REASON_OK);
	assert_int_equal(reason_of(&a, NOW), REASON_PASSWORD_EXPIRED);
	assert_int_equal(reason_of(&a, NOW + 1), REASON_PASSWORD_EXPIRED);
	a.password_never_expires = true;
	assert_int_equal(reason_of(&a, NOW + 1), REASON_OK);
	a.password_expired = true; /* forced by an administrator */
	assert_int_equal(reason_of(&a, NOW + 1), REASON_PASSWORD_EXPIRED);
}

static void test_warning(void **state)
{
	struct policy p = policy;
	struct account a = good;
	struct verdict_input in = input(&a);

	(void)state;
	in.policy = &p;
	in.service = "";
	p.access.rule[p.access.n++] = (struct access_rule){.name = "none"};
	assert_int_equal(verdict_decide(&in).expires_at, 0);
	a.password_expires_at = NOW + 501;
	assert_int_equal(verdict_decide(&in).expires_at, 0);
	a.password_expires_at = NOW + 500;
	assert_int_equal(verdict_decide(&in).expires_at, NOW + 500);
	a.password_expires_at = NOW + 1;
	assert_int_equal(verdict_decide(&in).expires_at, NOW + 1);
	a.password_never_expires = true;
	assert_int_equal(verdict_decide(&in).expires_at, 0);
	a.password_never_expires = false;
	a.access_deny = 1; /* no warning beside a refusal */
	assert_int_equal(verdict_decide(&in).expires_at, 0);
	a.access_deny = 0;
	a.password_expires_at = INT64_MAX;
	in.now = -1;
	assert_int_equal(verdict_decide(&in).reason, REASON_OK);
	assert_int_equal(verdict_decide(&in).expires_at, 0);
}

/* Warned in the second half of what holds, and within the time of warning. */
static void test_ends_soon(void **state)
{
	const struct policy p = {.warn_s = 500}, longer = {.warn_s = 5000};
	struct verdict_input in = input(&good);

	(void)state;
	assert_int_equal(verdict_ends_soon(&p, NOW, 2000, NOW + 1499), 0);
	assert_int_equal(verdict_ends_soon(&p, NOW, 2000, NOW + 1500), NOW + 2000);
	assert_int_equal(verdict_ends_soon(&p, NOW, 2000, NOW + 2000), NOW + 2000);
	assert_int_equal(verdict_ends_soon(&longer, NOW, 2000, NOW + 1000), 0);
	assert_int_equal(verdict_ends_soon(&longer, NOW, 2000, NOW + 1001), NOW + 2000);
	assert_int_equal(verdict_ends_soon(&longer, NOW, 0, NOW + 1), 0);
	assert_int_equal(verdict_ends_soon(&longer, NOW, -5, NOW + 1), 0);
	assert_int_equal(verdict_ends_soon(&longer, NOW, INT64_MAX, NOW + 1), 0);
	assert_int_equal(verdict_ends_soon(&longer, NOW + 10, 2000, NOW), 0);
	in.confirmed_at = NOW - 500; /* the policy's lease is 1000, its warning 500 */
	assert_int_equal(verdict_decide(&in).lease_ends_at, 0);
	in.confirmed_at = NOW - 501;
	assert_int_equal(verdict_decide(&in).lease_ends_at, NOW + 499);
	in.confirmed_at = NOW - 1001;
	assert_int_equal(verdict_decide(&in).lease_ends_at, 0); /* it is refused */
	/* an account's own lease */
	struct account a = good;
	in.account = &a;
	a.has_lease = true;
	a.lease_s = 200;
	in.confirmed_at = NOW - 101;
	assert_int_equal(verdict_decide(&in).lease_ends_at, NOW + 99);
}

static void test_lease(void **state)
{
	struct verdict_input in = input(&good);
	struct policy p = policy;

	(void)state;
	in.policy = &p;
	in.confirmed_at = NOW - 999;
	assert_int_equal(verdict_decide(&in).reason, REASON_OK);
	in.confirmed_at = NOW - 1000;
	assert_int_equal(verdict_decide(&in).reason, REASON_OK);
	in.confirmed_at = NOW - 1001;
	assert_int_equal(verdict_decide(&in).reason, REASON_STALE);
	in.confirmed_at = 0;
	assert_int_equal(verdict_decide(&in).reason, REASON_STALE);
	in.confirmed_at = INT64_MIN;
	assert_int_equal(verdict_decide(&in).reason, REASON_STALE);
	in.confirmed_at = NOW + 10;
	assert_int_equal(verdict_decide(&in).reason, REASON_OK);
	p.lease_s = -1;
	in.confirmed_at = NOW;
	assert_int_equal(verdict_decide(&in).reason, REASON_STALE);
	p.lease_s = 0;
	in.confirmed_at = 0;
	assert_int_equal(verdict_decide(&in).reason, REASON_OK);
	/* an account's own takes its place, whichever is longer */
	struct account a = good;
	in.account = &a;
	a.has_lease = true;
	a.lease_s = 10;
	in.confirmed_at = NOW - 11;
	assert_int_equal(verdict_decide(&in).reason, REASON_STALE);
	in.confirmed_at = NOW - 10;
	assert_int_equal(verdict_decide(&in).reason, REASON_OK);
	p.lease_s = 5;
	assert_int_equal(verdict_decide(&in).reason, REASON_OK);
	a.lease_s = 0;
	in.confirmed_at = 0;
	assert_int_equal(verdict_decide(&in).reason, REASON_OK);
	a.has_lease = false;
	assert_int_equal(verdict_decide(&in).reason, REASON_STALE);
}

static void test_scheduled(void **state)
{
	struct account a = good;

	(void)state;
	a.scheduled[0] = (struct scheduled_change){NOW, USER_SUSPENDED};
	a.n_scheduled = 1;
	assert_int_equal(verdict_state_at(&a, NOW - 1), USER_ACTIVATED);
	assert_int_equal(verdict_state_at(&a, NOW), USER_SUSPENDED);
	assert_int_equal(verdict_state_at(&a, NOW + 1), USER_SUSPENDED);
	assert_int_equal(reason_of(&a, NOW - 1), REASON_OK);
	assert_int_equal(reason_of(&a, NOW), REASON_SUSPENDED);
	a.state = USER_STAGED;
	assert_int_equal(verdict_state_at(&a, NOW), USER_SUSPENDED);
	a.scheduled[0].state = USER_ACTIVATED;
	assert_int_equal(reason_of(&a, NOW - 1), REASON_STAGED);
	assert_int_equal(reason_of(&a, NOW), REASON_OK);
	a.state = USER_SUSPENDED;
	assert_int_equal(reason_of(&a, NOW), REASON_OK);
	a.state = USER_STATE_NONE; /* not understood stays so */
	assert_int_equal(reason_of(&a, NOW), REASON_STAGED);
	a.state = USER_ACTIVATED;
	a.scheduled[0].state = USER_STAGED;
	assert_int_equal(verdict_state_at(&a, NOW), USER_STATE_NONE);
	a.scheduled[0].state = (enum user_state)7;
	assert_int_equal(verdict_state_at(&a, NOW), USER_STATE_NONE);
}

/*
 * Whatever their order in the record: by date, and a suspension after all else of the same second.
 */
static void test_scheduled_order(void **state)
{
	static const unsigned int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
						 {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	static const struct {
		struct scheduled_change changes[3];
		enum user_state at_3;
	} t[] = {
		{{{1, USER_SUSPENDED}, {2, USER_ACTIVATED}, {3, USER_SUSPENDED}}, USER_SUSPENDED},
		{{{1, USER_SUSPENDED}, {2, USER_SUSPENDED}, {3, USER_ACTIVATED}}, USER_ACTIVATED},
		{{{1, USER_SUSPENDED}, {2, USER_ACTIVATED}, {4, USER_SUSPENDED}}, USER_ACTIVATED},
		{{{2, USER_ACTIVATED}, {2, USER_SUSPENDED}, {4, USER_ACTIVATED}}, USER_SUSPENDED},
		{{{2, USER_ACTIVATED}, {2, USER_SUSPENDED}, {3, USER_ACTIVATED}}, USER_ACTIVATED},
		{{{2, USER_ACTIVATED}, {2, USER_STATE_NONE}, {3, USER_ACTIVATED}}, USER_STATE_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		for (size_t o = 0; o < ARRAY_SIZE(orders); o++) {
			struct account a = good;

			a.state = USER_STAGED;
			a.n_scheduled = 3;
			for (size_t c = 0; c < 3; c++)
				a.scheduled[c] = t[i].changes[orders[o][c]];
			assert_int_equal(verdict_state_at(&a, 3), t[i].at_3);
		}
	}
}

static void test_keys_allowed(void **state)
{
	struct account a = good;

	(void)state;
	assert_true(verdict_keys_allowed(&a, NOW));
	a.allow_public_key = false;
	assert_false(verdict_keys_allowed(&a, NOW));
	a = good;
	a.bound = false;
	assert_false(verdict_keys_allowed(&a, NOW));
	a = good;
	a.suspended = true;
	assert_false(verdict_keys_allowed(&a, NOW));
	a = good;
	a.account_locked = true;
	assert_false(verdict_keys_allowed(&a, NOW));
	a = good;
	a.activated = false;
	assert_false(verdict_keys_allowed(&a, NOW));
	a = good;
	a.password_expires_at = NOW;
	assert_true(verdict_keys_allowed(&a, NOW - 1));
	assert_false(verdict_keys_allowed(&a, NOW));
	a = good;
	a.scheduled[a.n_scheduled++] = (struct scheduled_change){NOW, USER_SUSPENDED};
	assert_true(verdict_keys_allowed(&a, NOW - 1));
	assert_false(verdict_keys_allowed(&a, NOW));
}

static void test_worse(void **state)
{
	struct account a = good, b = good;

	(void)state;
	a.sudo = b.sudo = a.sudo_nopasswd = b.sudo_nopasswd = true;
	assert_false(verdict_worse(&a, &b, NOW));
	assert_true(verdict_worse(&a, NULL, NOW));
	assert_false(verdict_worse(NULL, &b, NOW));
	b.suspended = true;
	assert_true(verdict_worse(&a, &b, NOW));
	assert_false(verdict_worse(&b, &a, NOW));
	assert_false(verdict_worse(&b, NULL, NOW));
	b = a;
	b.sudo_nopasswd = false;
	assert_true(verdict_worse(&a, &b, NOW));
	b.sudo = false;
	assert_true(verdict_worse(&a, &b, NOW));
	assert_false(verdict_worse(&b, &a, NOW));
	b = a;
	b.ssh_keys = (struct strlist)STRLIST("ssh-ed25519 B\0ssh-ed25519 C\0", 2);
	assert_true(verdict_worse(&a, &b, NOW));
	b.ssh_keys = (struct strlist)STRLIST("ssh-ed25519 B\0ssh-ed25519 C\0ssh-ed25519 A\0", 3);
	assert_false(verdict_worse(&a, &b, NOW));
	b = a;
	b.allow_public_key = false;
	assert_true(verdict_worse(&a, &b, NOW));
	b = a;
	b.access_deny = 4;
	assert_true(verdict_worse(&a, &b, NOW));
	assert_false(verdict_worse(&b, &a, NOW));
	b = a;
	b.access_allow = 4;
	assert_false(verdict_worse(&a, &b, NOW));
	assert_true(verdict_worse(&b, &a, NOW));
	b = a;
	b.password_hash = "$y$y"; /* the old password must not go on working */
	assert_true(verdict_worse(&a, &b, NOW));
	b.password_hash = NULL;
	assert_true(verdict_worse(&a, &b, NOW));
	assert_false(verdict_worse(&b, &a, NOW));
	b = a;
	b.mfa_required = true; /* the password alone must not go on working, nor a lost phone's codes */
	assert_true(verdict_worse(&a, &b, NOW));
	assert_false(verdict_worse(&b, &a, NOW));
	a.totp_secret = b.totp_secret = "JBSWY3DPEHPK3PXP";
	assert_false(verdict_worse(&a, &b, NOW));
	b.totp_secret = "JBSWY3DPEHPK3PXPJBSWY3DP";
	assert_true(verdict_worse(&a, &b, NOW));
	b.totp_secret = "";
	assert_true(verdict_worse(&a, &b, NOW));
}

/* JumpCloud's words and no others. */
static void test_state_words(void **state)
{
	static const char *const bad[] = {"",           "NONE",    "activated",
					  "ACTIVATED ", "SUSPEND", "DELETED"};
	enum user_state s = USER_STATE_NONE;

	(void)state;
	for (enum user_state want = USER_STAGED; want <= USER_SUSPENDED; want++) {
		assert_int_equal(user_state_parse(user_state_name(want), &s), 0);
		assert_int_equal(s, want);
	}
	assert_string_equal(user_state_name(USER_ACTIVATED), "ACTIVATED");
	assert_string_equal(user_state_name((enum user_state)9), "NONE");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(user_state_parse(bad[i], &s), -EINVAL);
	assert_int_equal(s, USER_SUSPENDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),        cmocka_unit_test(test_tally),
		cmocka_unit_test(test_undecided),    cmocka_unit_test(test_password_expiry),
		cmocka_unit_test(test_warning),      cmocka_unit_test(test_lease),
		cmocka_unit_test(test_ends_soon),
		cmocka_unit_test(test_scheduled),    cmocka_unit_test(test_scheduled_order),
		cmocka_unit_test(test_keys_allowed), cmocka_unit_test(test_worse),
		cmocka_unit_test(test_state_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
