/* The names in muster.conf that say whom to ask and as whom, and what an LDAP server's answer means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <ldap.h>

#include "agentd/fetch/ldap_result.h"
#include "common/ldap_names.h"

static void test_transport(void **state)
{
	static const struct {
		const char *url;
		enum ldap_transport transport;
	} cases[] = {
		{"ldaps://ldap.jumpcloud.com", LDAP_TRANSPORT_TLS},
		{"ldaps://ldap.jumpcloud.com:636/", LDAP_TRANSPORT_TLS},
		{"ldaps://127.0.0.1", LDAP_TRANSPORT_TLS},
		{"ldaps://[2001:db8::1]:636", LDAP_TRANSPORT_TLS},
		{"ldap://ldap.example.com", LDAP_TRANSPORT_STARTTLS},
		{"ldap://10.0.0.1:389", LDAP_TRANSPORT_STARTTLS},
		{"ldap://127.evil.example", LDAP_TRANSPORT_STARTTLS},
		{"ldap://127.0.0.1.example", LDAP_TRANSPORT_STARTTLS},
		{"ldap://127.0.0.1.2", LDAP_TRANSPORT_STARTTLS},
		{"ldap://128.0.0.1", LDAP_TRANSPORT_STARTTLS},
		{"ldap://localhost.example", LDAP_TRANSPORT_STARTTLS},
		{"ldap://[::2]", LDAP_TRANSPORT_STARTTLS},
		{"ldap://[::1]:389", LDAP_TRANSPORT_PLAIN},
		{"ldap://LocalHost:3890/", LDAP_TRANSPORT_PLAIN},
		{"ldap://127.0.0.1", LDAP_TRANSPORT_PLAIN},
		{"ldap://127.1.2.3:1", LDAP_TRANSPORT_PLAIN},
		{"", LDAP_TRANSPORT_NONE},
		{"ldap.example.com", LDAP_TRANSPORT_NONE},
		{"LDAPS://x", LDAP_TRANSPORT_NONE},
		{"ldapi:///", LDAP_TRANSPORT_NONE},
		{"cldap://x", LDAP_TRANSPORT_NONE},
		{"http://x", LDAP_TRANSPORT_NONE},
		{"ldaps://", LDAP_TRANSPORT_NONE},
		{"ldaps:///", LDAP_TRANSPORT_NONE},
		{"ldaps://x:", LDAP_TRANSPORT_NONE},
		{"ldaps://x:0", LDAP_TRANSPORT_NONE},
		{"ldaps://x:65536", LDAP_TRANSPORT_NONE},
		{"ldaps://x:123456", LDAP_TRANSPORT_NONE},
		{"ldaps://x:6a", LDAP_TRANSPORT_NONE},
		{"ldaps://x/dc=y", LDAP_TRANSPORT_NONE},
		{"ldaps://x/??sub", LDAP_TRANSPORT_NONE},
		{"ldaps://x ldap://y", LDAP_TRANSPORT_NONE},
		{"ldaps://u@x", LDAP_TRANSPORT_NONE},
		{"ldaps://[::1", LDAP_TRANSPORT_NONE},
		{"ldaps://[]", LDAP_TRANSPORT_NONE},
		{"ldaps://[::1]x", LDAP_TRANSPORT_NONE},
		{"ldap://%6cocalhost", LDAP_TRANSPORT_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (ldap_transport_of(cases[i].url) != cases[i].transport)
			fail_msg("%s", cases[i].url);
}

static void test_template(void **state)
{
	(void)state;
	assert_true(ldap_template_valid("uid=%u,ou=Users,o=%o,dc=jumpcloud,dc=com"));
	assert_true(ldap_template_valid("%u@example.com"));
	assert_false(ldap_template_valid("cn=admin,dc=example"));
	assert_false(ldap_template_valid("uid=%u,o=%x"));
	assert_false(ldap_template_valid("uid=%u,o=%"));
	assert_false(ldap_template_valid("uid=%u\n"));
	assert_false(ldap_template_valid(""));
	assert_true(ldap_template_has_org("uid=%u,o=%o"));
	assert_false(ldap_template_has_org("uid=%u"));
}

static void expect_dn(const char *template, const char *user, const char *org, const char *dn)
{
	CLEANUP(buf_done) struct buf b = {0};

	assert_int_equal(ldap_dn_make(template, user, org, &b), 0);
	assert_string_equal((char *)b.data, dn);
	assert_int_equal(b.len, strlen(dn) + 1);
}

/* Whatever a name is, it is one value of one attribute. */
static void test_dn(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};

	(void)state;
	expect_dn("uid=%u,ou=Users,o=%o,dc=x", "dora", "5cdc", "uid=dora,ou=Users,o=5cdc,dc=x");
	expect_dn("uid=%u,cn=%u", "A_b.c-9", "", "uid=A_b.c-9,cn=A_b.c-9");
	expect_dn("uid=%u,dc=x", "a,dc=y", "", "uid=a\\2cdc\\3dy,dc=x");
	expect_dn("uid=%u,dc=x", "a+cn=b\"<>;#\\", "", "uid=a\\2bcn\\3db\\22\\3c\\3e\\3b\\23\\5c,dc=x");
	expect_dn("uid=%u,dc=x", " a ", "", "uid=\\20a\\20,dc=x");
	expect_dn("uid=%u,o=%o", "%o", "a,b", "uid=\\25o,o=a\\2cb");
	expect_dn("uid=%u", "\xc3\xa9\n", "", "uid=\\c3\\a9\\0a");
	assert_int_equal(ldap_dn_make("uid=%u,dc=x", "", "", &b), -EINVAL);
	assert_int_equal(ldap_dn_make("uid=%u,o=%o", "dora", "", &b), -EINVAL);
}

#define AD(data) "80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data " data ", v3839"

/* Of all there is, success alone without a complaint is right; what is not known is never wrong nor right. */
static void test_result(void **state)
{
	static const struct {
		int code, policy;
		const char *diagnostic;
		int meaning;
	} cases[] = {
		{LDAP_SUCCESS, LDAP_NO_POLICY, NULL, 0},
		{LDAP_SUCCESS, PP_noError, "", 0},
		{LDAP_SUCCESS, PP_changeAfterReset, NULL, -EKEYEXPIRED},
		{LDAP_SUCCESS, PP_passwordExpired, NULL, -EKEYEXPIRED},
		{LDAP_SUCCESS, PP_accountLocked, NULL, -EACCES},
		{LDAP_SUCCESS, PP_mustSupplyOldPassword, NULL, -EKEYREJECTED},
		{LDAP_INVALID_CREDENTIALS, LDAP_NO_POLICY, NULL, -EKEYREJECTED},
		{LDAP_INVALID_CREDENTIALS, PP_noError, NULL, -EKEYREJECTED},
		{LDAP_INVALID_CREDENTIALS, PP_passwordExpired, NULL, -EKEYEXPIRED},
		{LDAP_INVALID_CREDENTIALS, PP_accountLocked, NULL, -EACCES},
		{LDAP_INVALID_CREDENTIALS, PP_passwordInHistory, NULL, -EKEYREJECTED},
		{LDAP_INVALID_CREDENTIALS, LDAP_NO_POLICY, AD("52e"), -EKEYREJECTED},
		{LDAP_INVALID_CREDENTIALS, LDAP_NO_POLICY, AD("525"), -EKEYREJECTED},
		{LDAP_INVALID_CREDENTIALS, LDAP_NO_POLICY, AD("532"), -EKEYEXPIRED},
		{LDAP_INVALID_CREDENTIALS, LDAP_NO_POLICY, AD("773"), -EKEYEXPIRED},
		{LDAP_INVALID_CREDENTIALS, LDAP_NO_POLICY, AD("533"), -EACCES},
		{LDAP_INVALID_CREDENTIALS, LDAP_NO_POLICY, AD("701"), -EACCES},
		{LDAP_INVALID_CREDENTIALS, LDAP_NO_POLICY, AD("775"), -EACCES},
		{LDAP_INVALID_CREDENTIALS, LDAP_NO_POLICY, AD("7750"), -EKEYREJECTED},
		{LDAP_INVALID_CREDENTIALS, LDAP_NO_POLICY, "data 775", -EKEYREJECTED},
		{LDAP_SUCCESS, LDAP_NO_POLICY, AD("775"), 0},
		{LDAP_NO_SUCH_OBJECT, LDAP_NO_POLICY, NULL, -EKEYREJECTED},
		{LDAP_INVALID_DN_SYNTAX, LDAP_NO_POLICY, NULL, -EKEYREJECTED},
		{LDAP_INAPPROPRIATE_AUTH, LDAP_NO_POLICY, NULL, -EKEYREJECTED},
		{LDAP_INSUFFICIENT_ACCESS, LDAP_NO_POLICY, NULL, -EKEYREJECTED},
		{LDAP_CONSTRAINT_VIOLATION, LDAP_NO_POLICY, NULL, -EACCES},
		{LDAP_UNWILLING_TO_PERFORM, LDAP_NO_POLICY, NULL, -EACCES},
		{LDAP_BUSY, LDAP_NO_POLICY, NULL, -EBUSY},
		{LDAP_UNAVAILABLE, LDAP_NO_POLICY, NULL, -EHOSTUNREACH},
		{LDAP_TIMEOUT, LDAP_NO_POLICY, NULL, -ETIMEDOUT},
		{LDAP_SERVER_DOWN, LDAP_NO_POLICY, NULL, -EHOSTUNREACH},
		{LDAP_REFERRAL, LDAP_NO_POLICY, NULL, -EPROTO},
		{LDAP_SASL_BIND_IN_PROGRESS, LDAP_NO_POLICY, NULL, -EPROTO},
		{LDAP_COMPARE_TRUE, LDAP_NO_POLICY, NULL, -EPROTO},
		{LDAP_OTHER, LDAP_NO_POLICY, NULL, -EPROTO},
		{LDAP_CONFIDENTIALITY_REQUIRED, LDAP_NO_POLICY, NULL, -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (ldap_result_meaning(cases[i].code, cases[i].policy, cases[i].diagnostic) != cases[i].meaning)
			fail_msg("case %zu: %d", i, cases[i].code);
	for (int code = -20; code < 300; code++)
		if (code != LDAP_SUCCESS)
			assert_true(ldap_result_meaning(code, LDAP_NO_POLICY, NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transport),
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_dn),
		cmocka_unit_test(test_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
