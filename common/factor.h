/* The second factor: of whom a code is asked beside the password, and who judges it. Pure. */
#ifndef COMMON_FACTOR_H
#define COMMON_FACTOR_H

#include "common/account.h"

enum factor {
	FACTOR_PENDING = 0, /* required, and there is nothing to check a code with: refused */
	FACTOR_NONE,        /* no code is needed */
	FACTOR_CODE,        /* this computer has the secret, and judges */
	FACTOR_DIRECTORY, /* the LDAP server judges: the code goes to it with the password ("password,123456") */
};

/* Is anything set up that codes come from, whether or not they are needed just now? */
bool factor_is_set_up(const struct account *a, const struct policy *p);

/* Does the directory want a second factor of A, now or when an exclusion ends? */
bool factor_is_wanted(const struct account *a);

/* disable_lockout; but never of those with a second factor, whose codes could else be guessed one after another. */
bool factor_is_uncounted(const struct account *a);

/* Is A excluded from it at NOW? */
bool factor_is_excluded(const struct account *a, int64_t now);

/*
 * Is a code asked for where users log in through SERVICE: is it in policy.totp_services ("all" is every
 * one), and not in totp_except? "sudo" and "su" are "sudo-i" and "su-l", too. NULL: one that nobody names.
 */
bool factor_is_asked(const struct policy *p, const char *service);

/* What A needs beside the password to log in through SERVICE at NOW. */
enum factor factor_of(const struct account *a, const struct policy *p, const char *service,
		      int64_t now);

#endif
