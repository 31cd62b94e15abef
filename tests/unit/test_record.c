/* common/record: what is packed comes back. */
#include "tests/unit/unit.h"

#include "common/macros.h"
#include "tests/unit/record_samples.h"

static void assert_same_list(const struct strlist *a, const struct strlist *b)
{
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->data, b->data, b->len);
}

static void assert_same_rule(const struct access_rule *a, const struct access_rule *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->line, b->line);
	assert_int_equal(a->allow, b->allow);
	assert_int_equal(a->group_unknown, b->group_unknown);
	assert_int_equal(a->services.count, b->services.count);
	if (b->services.count)
		assert_same_list(&a->services, &b->services);
	assert_int_equal(a->n_spans, b->n_spans);
	for (uint32_t i = 0; i < b->n_spans; i++) {
		assert_int_equal(a->spans[i].days, b->spans[i].days);
		assert_int_equal(a->spans[i].from, b->spans[i].from);
		assert_int_equal(a->spans[i].length, b->spans[i].length);
	}
}

static void test_account(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct account a;

	(void)state;
	assert_int_equal(record_account_pack(&full, &b), 0);
	memset(&a, 0xa5, sizeof(a));
	assert_int_equal(record_account_unpack(b.data, b.len, &a), 0);
	assert_string_equal(a.id, full.id);
	assert_string_equal(a.name, full.name);
	assert_string_equal(a.gecos, full.gecos);
	assert_string_equal(a.home, full.home);
	assert_string_equal(a.shell, full.shell);
	assert_string_equal(a.email, full.email);
	assert_string_equal(a.password_hash, full.password_hash);
	assert_string_equal(a.totp_secret, full.totp_secret);
	assert_int_equal(a.uid, full.uid);
	assert_int_equal(a.gid, full.gid);
	assert_int_equal(a.state, full.state);
	assert_true(a.bound && a.suspended && a.account_locked && a.activated);
	assert_true(a.password_expired && a.password_never_expires && a.sudo && a.sudo_nopasswd);
	assert_true(a.allow_public_key && a.totp_enabled && a.mfa_configured && a.mfa_exclusion && a.mfa_required);
	assert_true(a.disable_lockout);
	assert_true(a.created_at == full.created_at);
	assert_true(a.account_locked_at == full.account_locked_at);
	assert_true(a.password_changed_at == full.password_changed_at);
	assert_true(a.password_expires_at == full.password_expires_at);
	assert_true(a.mfa_exclusion_until == full.mfa_exclusion_until);
	assert_true(a.removed_at == full.removed_at);
	assert_string_equal(a.username, full.username);
	assert_true(a.has_lease && a.lease_s == full.lease_s);
	assert_true(a.adopted);
	assert_true(a.access_allow == full.access_allow && a.access_deny == full.access_deny);
	assert_int_equal(a.n_scheduled, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(a.scheduled[i].at == full.scheduled[i].at);
		assert_int_equal(a.scheduled[i].state, full.scheduled[i].state);
	}
	assert_same_list(&a.ssh_keys, &full.ssh_keys);
}

/* Each flag alone: none is stored as another. */
static void test_account_flags(void **state)
{
	static const size_t offsets[] = {
		offsetof(struct account, bound),
		offsetof(struct account, suspended),
		offsetof(struct account, account_locked),
		offsetof(struct account, activated),
		offsetof(struct account, password_expired),
		offsetof(struct account, password_never_expires),
		offsetof(struct account, sudo),
		offsetof(struct account, sudo_nopasswd),
		offsetof(struct account, allow_public_key),
		offsetof(struct account, totp_enabled),
		offsetof(struct account, mfa_configured),
		offsetof(struct account, mfa_exclusion),
		offsetof(struct account, mfa_required),
		offsetof(struct account, disable_lockout),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		CLEANUP(buf_done) struct buf b = {0};
		struct account a = {.id = "x"}, back;

		*(bool *)((char *)&a + offsets[i]) = true;
		assert_int_equal(record_account_pack(&a, &b), 0);
		assert_int_equal(record_account_unpack(b.data, b.len, &back), 0);
		for (size_t j = 0; j < ARRAY_SIZE(offsets); j++)
			assert_int_equal(*(bool *)((char *)&back + offsets[j]), i == j);
	}
}

static void test_account_least(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	const struct account none = {0};
	struct account a;

	(void)state;
	memset(&a, 0xa5, sizeof(a));
	assert_int_equal(record_account_pack(&none, &b), 0);
	assert_int_equal(b.len, RECORD_HEAD);
	assert_int_equal(record_account_unpack(b.data, b.len, &a), 0);
	assert_string_equal(a.name, "");
	assert_string_equal(a.totp_secret, "");
	assert_int_equal(a.state, USER_STATE_NONE);
	assert_false(a.bound);
	assert_int_equal(a.ssh_keys.count, 0);
	assert_null(strlist_next(&a.ssh_keys, NULL));
}

static void test_group(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct dir_group g;

	(void)state;
	assert_int_equal(record_group_pack(&group, &b), 0);
	assert_int_equal(record_group_unpack(b.data, b.len, &g), 0);
	assert_string_equal(g.id, "g1");
	assert_string_equal(g.name, "Group One");
	assert_true(g.sudo && g.sudo_nopasswd);
	assert_int_equal(g.n_posix, 2);
	assert_string_equal(g.posix[0].name, "dev");
	assert_int_equal(g.posix[0].gid, 5100);
	assert_string_equal(g.posix[1].name, "ops");
	assert_int_equal(g.posix[1].gid, 5101);
}

static void test_membership(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct membership m;

	(void)state;
	assert_int_equal(record_membership_pack(RECORD_REMOVED, &membership, &b), 0);
	assert_int_equal(record_kind(b.data, b.len), RECORD_REMOVED);
	assert_int_equal(record_membership_unpack(b.data, b.len, &m), 0);
	assert_string_equal(m.group_id, "g1");
	assert_same_list(&m.user_ids, &membership.user_ids);
}

static void test_policies(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct lockout_policy l;
	struct policy p;

	(void)state;
	assert_int_equal(record_lockout_pack(&lockout, &b), 0);
	assert_int_equal(record_lockout_unpack(b.data, b.len, &l), 0);
	assert_true(l.has_max_attempts && l.has_lock_time && l.has_window);
	assert_int_equal(l.max_attempts, 5);
	assert_int_equal(l.lock_time_s, 300);
	assert_int_equal(l.window_s, 1800);
	b.len = 0;
	assert_int_equal(record_policy_pack(&policy, &b), 0);
	assert_int_equal(record_policy_unpack(b.data, b.len, &p), 0);
	assert_int_equal(p.max_attempts, 5);
	assert_int_equal(p.lock_time_s, 300);
	assert_int_equal(p.window_s, 1800);
	assert_true(p.lease_s == 1209600 && p.warn_s == 604800);
	assert_true(p.offline_password_max_age_s == 1209601);
	assert_int_equal(p.recheck_after_ms, 15000);
	assert_int_equal(p.recheck_timeout_ms, 1500);
	assert_true(p.password_ldap);
	assert_string_equal(p.portal_url, "https://p");
	assert_string_equal(p.dummy_hash, "$y$j9T$a$b");
	assert_same_list(&p.reason_services, &policy.reason_services);
	assert_same_list(&p.totp_services, &policy.totp_services);
	assert_same_list(&p.totp_except, &policy.totp_except);
	assert_true(p.totp_wanted);
	assert_int_equal(p.access.n, policy.access.n);
	for (uint32_t i = 0; i < p.access.n; i++)
		assert_same_rule(&p.access.rule[i], &policy.access.rule[i]);
	assert_int_equal(p.zone.n, 2);
	for (uint32_t i = 0; i < p.zone.n; i++) {
		assert_true(p.zone.shift[i].at == policy.zone.shift[i].at);
		assert_int_equal(p.zone.shift[i].offset_s, policy.zone.shift[i].offset_s);
	}
}

static void test_reject_and_status(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct reject r;
	struct sync_status s;

	(void)state;
	assert_int_equal(record_reject_pack(&reject, &b), 0);
	assert_int_equal(record_reject_unpack(b.data, b.len, &r), 0);
	assert_string_equal(r.kind, "user");
	assert_string_equal(r.id, "u9");
	assert_string_equal(r.name, "root");
	assert_string_equal(r.reason, "name_reserved");
	assert_string_equal(r.detail, "reserved");
	b.len = 0;
	assert_int_equal(record_status_pack(&status, &b), 0);
	assert_int_equal(record_status_unpack(b.data, b.len, &s), 0);
	assert_string_equal(s.directory_url, "file:///d.json");
	assert_string_equal(s.driver, "document");
	assert_string_equal(s.last_error, "none");
	assert_true(s.last_sync_at == 1700000000 && s.last_attempt_at == 1700000001);
	assert_true(s.serial == UINT64_MAX);
	assert_int_equal(s.accounts, 3);
	assert_int_equal(s.groups, 2);
	assert_int_equal(s.rejected, 1);
	assert_string_equal(s.mark.boot_id, status.mark.boot_id);
	assert_true(s.mark.boottime_ms == 123456 && s.mark.wall_s == 1700000002);
	assert_true(s.online && s.retry_after_s == 120 && s.generation == 17);
	assert_true(s.next_change_at == INT64_MAX);
	assert_true(s.n_new == 4 && s.n_changed == 5 && s.n_gone == 6 && s.n_worse == 7);
	assert_same_list(&s.errors, &status.errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_account),           cmocka_unit_test(test_account_flags),
		cmocka_unit_test(test_account_least),     cmocka_unit_test(test_group),
		cmocka_unit_test(test_membership),        cmocka_unit_test(test_policies),
		cmocka_unit_test(test_reject_and_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
