/* common/reason: one word and one sentence each; OK is far from everything else. */
#include "tests/unit/unit.h"

#include "common/macros.h"
#include "common/reason.h"

static const struct {
	enum reason reason;
	const char *name, *text;
} all[] = {
	{REASON_UNDECIDED, "undecided", "This account cannot be checked at the moment."},
	{REASON_UNBOUND, "unbound", "This account no longer has access to this computer."},
	{REASON_SUSPENDED, "suspended", "This account is suspended."},
	{REASON_STAGED, "staged", "This account is not active yet."},
	{REASON_LOCKED, "locked", "This account is locked."},
	{REASON_PASSWORD_PENDING, "password_pending", "Set your password at https://p first."},
	{REASON_PASSWORD_EXPIRED, "password_expired",
	 "Your password has expired. Change it at https://p."},
	{REASON_STALE, "stale", "This computer has been off line too long."},
	{REASON_SERVICE, "service", "Not allowed for cron."},
	{REASON_WRONG_PASSWORD, "wrong_password", "The password is wrong."},
	{REASON_BACKOFF, "backoff", "Too many failed attempts. Try again later."},
	{REASON_UNKNOWN_USER, "unknown_user", "This user is not known here."},
	{REASON_UNAVAILABLE, "unavailable", "This account cannot be checked at the moment."},
	{REASON_HOURS, "hours", "Not allowed for cron at this time."},
	{REASON_MFA_PENDING, "mfa_pending", "Set up your second factor at https://p first."},
	{REASON_WRONG_CODE, "wrong_code", "The password is wrong."},
	{REASON_OK, "ok", ""},
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		enum reason r = (enum reason)12345;

		assert_string_equal(reason_name(all[i].reason), all[i].name);
		assert_int_equal(reason_parse(all[i].name, &r), 0);
		assert_int_equal(r, all[i].reason);
	}
	assert_string_equal(reason_name((enum reason)12345), "undecided");
	assert_string_equal(reason_name((enum reason) - 1), "undecided");
	enum reason r = REASON_STALE;
	assert_int_equal(reason_parse("OK", &r), -EINVAL);
	assert_int_equal(reason_parse("", &r), -EINVAL);
	assert_int_equal(r, REASON_STALE);
}

/* No value lacks its name: the enum is dense up to its end. */
static void test_complete(void **state)
{
	(void)state;
	assert_int_equal(ARRAY_SIZE(all), REASON_LAST + 2);
	for (int i = 0; i <= REASON_LAST; i++)
		assert_int_equal(all[i].reason, i);
}

static void test_texts(void **state)
{
	char out[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		reason_text(all[i].reason, "https://p", "cron", out, sizeof(out));
		assert_string_equal(out, all[i].text);
		reason_text(all[i].reason, NULL, NULL, out, sizeof(out));
		assert_null(strstr(out, "null"));
		assert_null(strstr(out, "  "));
		assert_int_equal(out[0] == '\0', all[i].reason == REASON_OK);
		reason_text(all[i].reason, "https://p", "cron", out, 5);
		assert_true(strlen(out) <= 4);
		assert_memory_equal(out, all[i].text, strlen(out));
	}
	reason_text(REASON_PASSWORD_EXPIRED, "", "", out, sizeof(out));
	assert_string_equal(out, "Your password has expired.");
	reason_text(REASON_PASSWORD_PENDING, "", "", out, sizeof(out));
	assert_string_equal(out, "Set your password first.");
	reason_text(REASON_HOURS, "", "", out, sizeof(out));
	assert_string_equal(out, "Not allowed at this time.");
	reason_text(REASON_SERVICE, "", "", out, sizeof(out));
	assert_string_equal(out, "Not allowed for this service.");
	reason_text((enum reason)12345, NULL, NULL, out, sizeof(out));
	assert_string_equal(out, all[0].text);
}

/* K3: no few flipped bits, no small number, no boolean, no -1 becomes OK. */
static void test_ok_is_far(void **state)
{
	(void)state;
	for (int i = -256; i < 256; i++)
		assert_true(__builtin_popcount((unsigned int)REASON_OK ^ (unsigned int)i) >= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_ok_is_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
