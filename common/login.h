/*
 * A password tried on an account: counted, verified and judged. The PAM module and the agent's public socket run this same
 * function. Every try costs one hash, whatever comes out, so that its time tells nothing (P8).
 */
#ifndef COMMON_LOGIN_H
#define COMMON_LOGIN_H

#include "common/subject.h"

struct login {
	enum reason reason;  /* only REASON_OK lets in */
	bool password_right; /* then the reason may be told */
	int error;	     /* -errno behind REASON_UNAVAILABLE, or of a tally that kept a failure too many */
};

/* RHOST: where the user tries from, "" at the console. PASSWORD is not kept. */
struct login login_check(const struct subject *s, const char *password, const char *rhost) MUST_CHECK;

/* For a name that subject_load() gave no account for: the same work, and ERROR as a reason. */
struct login login_refuse(const struct policy *p, const char *password, int error) MUST_CHECK;

#endif
