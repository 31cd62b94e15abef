/* A TOTP secret of RFC 6238, and the address by which an authenticator app takes it. */
#ifndef CTL_DIRECTORY_ENROLMENT_H
#define CTL_DIRECTORY_ENROLMENT_H

#include "common/macros.h"

/* 160 bits in base32, as RFC 4226 recommends for SHA-1; no padding. */
#define TOTP_SECRET_SIZE 33

/* -EIO: no randomness. */
int enrolment_make_secret(char out[static TOTP_SECRET_SIZE]) MUST_CHECK;

/*
 * "otpauth://totp/ISSUER:NAME?secret=…&issuer=ISSUER"; the rest is what every app takes for granted: SHA-1, six digits, 30 seconds.
 * Freed by the caller; NULL: out of memory.
 */
char *enrolment_uri(const char *issuer, const char *name, const char *secret) MUST_CHECK;

#endif
