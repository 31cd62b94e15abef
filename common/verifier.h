/*
 * Verifiers: crypt(3) strings that passwords are checked against. Only $y$, $2b$, $6$ and $5$ within cost
 * caps: a hash with a billion rounds is an attack (DESIGN.md 5).
 */
#ifndef COMMON_VERIFIER_H
#define COMMON_VERIFIER_H

#include <stdbool.h>

#include "common/macros.h"

/*
 * Is HASH one we would compute with? 0; -EINVAL malformed or another method; -E2BIG cost above the caps
 * ($y$ up to j9 cost "jDT"-class i.e. <= 256 MiB, $2b$ <= 14, $5$ and $6$ <= 1,000,000 rounds).
 */
int verifier_check(const char *hash) MUST_CHECK;

/*
 * Hash PASSWORD once and compare in constant time. 0 right; -EKEYREJECTED wrong; -EINVAL/-E2BIG as above;
 * -ENOMEM. PASSWORD is not kept; the work area is wiped. Passwords over 512 bytes or "" are wrong, after the
 * same work.
 */
int verifier_match(const char *hash, const char *password) MUST_CHECK;

/* Make a new $y$ verifier (cost 5, Debian's default), freed by the caller. -ENOMEM, -EIO (no randomness). */
int verifier_make(const char *password, char **ret) MUST_CHECK;

#endif
