#include "pam/codes.h"

#include <security/pam_modules.h>

int pam_code_auth(enum reason reason)
{
	switch (reason) {
	case REASON_OK:
		return PAM_SUCCESS;
	case REASON_UNKNOWN_USER:
		return PAM_USER_UNKNOWN;
	case REASON_UNBOUND:
	case REASON_SUSPENDED:
	case REASON_STAGED:
	case REASON_LOCKED:
	case REASON_PASSWORD_PENDING:
	case REASON_PASSWORD_EXPIRED:
	case REASON_STALE:
	case REASON_SERVICE:
	case REASON_HOURS:
	case REASON_MFA_PENDING:
	case REASON_WRONG_CODE:
	case REASON_WRONG_PASSWORD:
	case REASON_BACKOFF:
		return PAM_AUTH_ERR;
	case REASON_UNDECIDED:
	case REASON_UNAVAILABLE:
		break;
	}
	return PAM_AUTHINFO_UNAVAIL;
}

int pam_code_account(enum reason reason)
{
	switch (reason) {
	case REASON_OK:
		return PAM_SUCCESS;
	case REASON_UNKNOWN_USER:
		return PAM_USER_UNKNOWN;
	case REASON_SUSPENDED:
	case REASON_STAGED:
		return PAM_ACCT_EXPIRED;
	case REASON_PASSWORD_PENDING: /* not PAM_AUTHTOK_EXPIRED: sudo lets that pass where it asks for no password */
	case REASON_PASSWORD_EXPIRED:
	case REASON_UNBOUND:
	case REASON_LOCKED:
	case REASON_STALE:
	case REASON_SERVICE:
	case REASON_HOURS:
	case REASON_MFA_PENDING:
	case REASON_WRONG_CODE:
	case REASON_BACKOFF:
	case REASON_WRONG_PASSWORD:
		return PAM_PERM_DENIED;
	case REASON_UNDECIDED:
	case REASON_UNAVAILABLE:
		break;
	}
	return PAM_AUTHINFO_UNAVAIL;
}
