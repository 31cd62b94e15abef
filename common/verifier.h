/*
 * Verifiers: crypt(3) strings that passwords are checked against. Only $y$, $2b$, $6$ and $5$
 * within cost caps: a hash with a billion rounds is an attack (DESIGN.md 5).
 */
#ifndef COMMON_VERIFIER_H
#define COMMON_VERIFIER_H

#include <stdbool.h>

#include "common/macros.h"

/*
 * Hashed against when there is no account to check: costs what a new verifier costs. Nobody knows
 * its password, and its answer must never count.
 */
#define VERIFIER_DUMMY "$y$j9T$wvkDEAWNu6pI3QQCO7tEF0$c51PeTeGYjNxineDbZHo7n49xAks0x2EqKEjMNJVqq2"

#define VERIFIER_PASSWORD_MAX 511 /* libcrypt takes no more */

/*
 * Is HASH one we would compute with? 0; -EINVAL malformed or another method; -E2BIG cost above the
 * caps.
 *   $y$jNR$SALT$HASH   N and R one character each of libcrypt's "./0-9A-Za-j", counted from 1:
 *                      memory is 128 * R * 2^N bytes, at most 256 MiB. Debian's default (cost 5)
 *                      is j9T, 16 MiB; cost 9, jDT, is the last that passes. Other flavours than
 *                      j, and further parameters: -EINVAL.
 *   $2b$CC$…           cost 4 to 14.
 *   $5$, $6$           no "rounds=", or 1,000 to 1,000,000; salt of at most 16.
 * Salts and hashes are of "./0-9A-Za-z" throughout, hashes of their full length.
 */
int verifier_check(const char *hash) MUST_CHECK;

/*
 * Hash PASSWORD once and compare in constant time. 0 right; -EKEYREJECTED wrong; -EINVAL/-E2BIG as
 * above; -ENOMEM. PASSWORD is not kept; the work area is wiped. Passwords over
 * VERIFIER_PASSWORD_MAX bytes or "" are wrong, after the same work.
 */
int verifier_match(const char *hash, const char *password) MUST_CHECK;

/*
 * Make a new $y$ verifier (cost 5, Debian's default), freed by the caller. -EINVAL "" or a password
 * too long; -ENOMEM; -EIO (no randomness).
 */
int verifier_make(const char *password, char **ret) MUST_CHECK;

#endif
