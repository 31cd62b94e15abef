/*
 * SSH public keys from the directory: decoded and written again as type and base64, never options
 * (U4; security.md 5.c.4). Fuzzed by F6.
 */
#ifndef COMMON_SSHKEY_H
#define COMMON_SSHKEY_H

#include <stddef.h>

#include "common/macros.h"

/*
 * Read one public key line "TYPE BASE64 [comment]" of LEN bytes, at most ACCOUNT_KEY_SIZE_MAX;
 * space around it is let pass, since keys are pasted. LINE may be NULL when LEN is 0.
 *   out   "TYPE BASE64" re-encoded from the decoded blob, NUL-terminated.
 * Accepted: ssh-ed25519, ecdsa-sha2-nistp{256,384,521}, sk-* of both, ssh-rsa of 3072 to 16384
 * bits.
 * Returns 0; -EINVAL not a key, options before it, more than one line, or the inner type differs;
 * -EKEYREJECTED a type or size that is not accepted (ssh-dss, RSA below 3072 bits or with an
 * exponent that libcrypto refuses, certificates); -ENOSPC when OUT is too small (LEN + 1 is
 * enough). OUT is untouched on failure.
 */
int sshkey_normalise(const char *line, size_t len, char *out, size_t size) MUST_CHECK;

#endif
