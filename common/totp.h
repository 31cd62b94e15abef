/*
 * One-time codes of RFC 6238 as every authenticator app makes them: HMAC-SHA-1, six digits, a new one each 30 seconds.
 * Pure: no I/O, no clock. That each is taken once is common/used_code.h.
 */
#ifndef COMMON_TOTP_H
#define COMMON_TOTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

#define TOTP_DIGITS 6
#define TOTP_STEP_S 30
#define TOTP_SKEW   1 /* steps before and after NOW whose codes count too (RFC 6238 5.2) */

/* Six ASCII digits and no more. */
bool totp_code_valid(const char *code);

/*
 * Does PASSWORD end in a comma and a code, something before them ("password,123456")? The length of what is before the comma;
 * 0: it does not. The last comma counts.
 */
size_t totp_joined(const char *password);

/*
 * Is CODE one that SECRET (base32; spaces, hyphens and case do not matter) gives around NOW? The same work, and comparison in
 * constant time, whichever digits and step are right. Copies of the secret are wiped.
 *   ret_step  NOW's step or a neighbour of it, to be taken by used_code_take(); untouched on failure.
 * 0 right; -EKEYREJECTED wrong, or none; -EINVAL the secret is empty or no base32, or NOW is no time; -ENOMEM.
 */
int totp_match(const char *secret, const char *code, int64_t now, uint32_t *ret_step) MUST_CHECK;

#endif
