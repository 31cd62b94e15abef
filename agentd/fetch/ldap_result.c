#include "agentd/fetch/ldap_result.h"

#include <errno.h>
#include <ldap.h>
#include <string.h>

#include "common/macros.h"

/* Active Directory says it in hexadecimal, after "data ". Without one of these the password is just wrong. */
static int meaning_of_data(const char *diagnostic)
{
	static const struct {
		const char *code;
		int meaning;
	} known[] = {
		{"532,", -EKEYEXPIRED}, {"773,", -EKEYEXPIRED}, /* expired; to be changed at first */
		{"533,", -EACCES},      {"701,", -EACCES},	/* disabled; the account's own end */
		{"775,", -EACCES},      {"530,", -EACCES},	/* locked; not at this hour */
		{"531,", -EACCES},				/* not from this computer */
	};
	const char *data = diagnostic ? strstr(diagnostic, " data ") : NULL;

	for (size_t i = 0; data && i < ARRAY_SIZE(known); i++)
		if (!strncmp(data + strlen(" data "), known[i].code, strlen(known[i].code)))
			return known[i].meaning;
	return -EKEYREJECTED;
}

/* With success there is a complaint when the password has to be changed before anything else. */
static int meaning_of_policy(int code, int policy, const char *diagnostic)
{
	switch (policy) {
	case PP_passwordExpired:
	case PP_changeAfterReset:
		return -EKEYEXPIRED;
	case PP_accountLocked:
		return -EACCES;
	default:
		break;
	}
	if (code == LDAP_INVALID_CREDENTIALS)
		return meaning_of_data(diagnostic);
	return policy == LDAP_NO_POLICY || policy == PP_noError ? 0 : -EKEYREJECTED;
}

int ldap_result_meaning(int code, int policy, const char *diagnostic)
{
	switch (code) {
	case LDAP_SUCCESS:
	case LDAP_INVALID_CREDENTIALS:
		return meaning_of_policy(code, policy, diagnostic);
	/* There is no such user, or none who may bind: servers that hide that say "invalid credentials". */
	case LDAP_NO_SUCH_OBJECT:
	case LDAP_INVALID_DN_SYNTAX:
	case LDAP_INAPPROPRIATE_AUTH:
	case LDAP_INSUFFICIENT_ACCESS:
		return -EKEYREJECTED;
	/* 389 Directory Server and FreeIPA: too many failures; the account is disabled. */
	case LDAP_CONSTRAINT_VIOLATION:
	case LDAP_UNWILLING_TO_PERFORM:
		return -EACCES;
	case LDAP_BUSY:
		return -EBUSY;
	case LDAP_TIMEOUT:
	case LDAP_TIMELIMIT_EXCEEDED:
		return -ETIMEDOUT;
	default:
		return code < 0 || code == LDAP_UNAVAILABLE ? -EHOSTUNREACH : -EPROTO;
	}
}
