/* common/factor: of whom a code is asked, and who judges it. */
#include "tests/unit/unit.h"

#include "common/factor.h"
#include "common/macros.h"

#define NOW    INT64_C(1700000000)
#define SECRET "JBSWY3DPEHPK3PXP"

static const struct policy everywhere = {.totp_services = STRLIST("all\0", 1)};

static void test_who(void **state)
{
	static const struct {
		struct account account;
		bool ldap;
		enum factor factor;
	} cases[] = {
		{{.totp_secret = ""}, false, FACTOR_NONE},
		{{.totp_secret = NULL}, true, FACTOR_NONE},
		{{.totp_secret = SECRET}, false, FACTOR_CODE}, /* whoever writes one wants it asked for */
		{{.totp_secret = SECRET, .mfa_configured = true}, false, FACTOR_CODE},
		{{.totp_secret = SECRET, .mfa_required = true}, true, FACTOR_CODE},
		{{.mfa_configured = true}, false, FACTOR_PENDING},
		{{.totp_enabled = true}, false, FACTOR_PENDING},
		{{.mfa_required = true}, false, FACTOR_PENDING},
		{{.mfa_required = true}, true, FACTOR_PENDING},
		{{.mfa_configured = true}, true, FACTOR_DIRECTORY},
		{{.totp_enabled = true}, true, FACTOR_DIRECTORY},
		{{.totp_enabled = true, .mfa_exclusion = true}, true, FACTOR_NONE},
		{{.mfa_required = true, .mfa_exclusion = true}, false, FACTOR_NONE},
		{{.totp_secret = SECRET, .mfa_exclusion = true}, false, FACTOR_NONE},
		{{.mfa_required = true, .mfa_exclusion = true, .mfa_exclusion_until = NOW + 1}, false, FACTOR_NONE},
		{{.mfa_required = true, .mfa_exclusion = true, .mfa_exclusion_until = NOW}, false, FACTOR_PENDING},
		{{.totp_secret = SECRET, .mfa_exclusion = true, .mfa_exclusion_until = NOW}, false, FACTOR_CODE},
		/* a date alone excludes nobody */
		{{.totp_secret = SECRET, .mfa_exclusion_until = NOW + 1}, false, FACTOR_CODE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct policy p = everywhere;

		p.password_ldap = cases[i].ldap;
		assert_int_equal(factor_of(&cases[i].account, &p, "sshd", NOW), cases[i].factor);
		p.totp_services.count = p.totp_services.len = 0;
		assert_int_equal(factor_of(&cases[i].account, &p, "sshd", NOW), FACTOR_NONE);
	}
}

static void test_where(void **state)
{
	static const struct {
		struct strlist services, except;
		const char *asked, *not_asked; /* each a service, or NULL */
	} cases[] = {
		{STRLIST("all\0", 1), STRLIST("", 0), "sshd", "-"},
		{STRLIST("all\0", 1), STRLIST("sudo\0", 1), "su", "sudo"},
		{STRLIST("all\0", 1), STRLIST("sudo\0", 1), NULL, "SUDO"},
		{STRLIST("sshd\0login\0", 2), STRLIST("", 0), "login", "sudo"},
		{STRLIST("sshd\0login\0", 2), STRLIST("login\0", 1), "SSHD", "login"},
		{STRLIST("sshd\0", 1), STRLIST("", 0), "sshd", NULL},
		{STRLIST("sshd\0", 1), STRLIST("", 0), "sshd", "ssh"},
		{STRLIST("sshd\0", 1), STRLIST("", 0), "sshd", "all"},
		{STRLIST("sshd\0", 1), STRLIST("all\0", 1), "sshd", ""},
		/* "sudo -i" and "su -" are no way around */
		{STRLIST("sudo\0", 1), STRLIST("", 0), "sudo-i", "su-l"},
		{STRLIST("su\0", 1), STRLIST("", 0), "su-l", "sudo-i"},
		{STRLIST("all\0", 1), STRLIST("sudo\0", 1), "su-l", "sudo-i"},
		{STRLIST("sudo-i\0", 1), STRLIST("", 0), "sudo-i", "sudo"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct policy p = {.totp_services = cases[i].services, .totp_except = cases[i].except};

		assert_true(factor_is_asked(&p, cases[i].asked));
		if (!cases[i].not_asked || strcmp(cases[i].not_asked, "-") != 0)
			assert_false(factor_is_asked(&p, cases[i].not_asked));
	}
}

static void test_zero_denies(void **state)
{
	(void)state;
	assert_int_equal((enum factor)0, FACTOR_PENDING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_zero_denies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
