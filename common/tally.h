/*
 * Tally: recent failed attempts of one user on this endpoint, /run/muster/tally/UID, 0600 root. One 16-byte
 * record an event, one O_APPEND write, no lock: a frozen holder would block logins (DESIGN.md 4, P7).
 * Times are CLOCK_BOOTTIME milliseconds: /run does not outlive a boot. Damaged records are
 * skipped; a file that is not regular, root's and 0600 is -EPERM.
 */
#ifndef COMMON_TALLY_H
#define COMMON_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"

struct tally_policy {
	uint32_t max_attempts; /* 0 = never lock */
	uint32_t window_s;     /* failures older than this do not count; 0 = all count */
	uint32_t lock_time_s;  /* after the last failure; 0 = until cleared */
};

struct tally {
	uint32_t failures;	/* since the last success, inside the window */
	bool locked;
	int64_t locked_until_ms; /* BOOTTIME; 0 = until cleared */
	int64_t backoff_until_ms; /* for RHOST: tries before this are refused; 0 = none */
};

/*
 * What stands against UID at NOW_MS, with the back-off for RHOST ("" or NULL = console; the console has none).
 * No file: all zero. -errno (-EPERM, -EIO) when it cannot be known: refuse then.
 */
int tally_read(const char *dir, uint32_t uid, const char *rhost, const struct tally_policy *p, int64_t now_ms,
	       struct tally *ret) MUST_CHECK;

/*
 * Reserve one try *before* the password is verified: what cannot be counted is not verified. Appends a failure;
 * tally_succeed() takes it back by appending a success, which clears all before it.
 */
int tally_fail(const char *dir, uint32_t uid, const char *rhost, int64_t now_ms) MUST_CHECK;
int tally_succeed(const char *dir, uint32_t uid, int64_t now_ms) MUST_CHECK;
/* Forget everything (unlock, reset, removal). No file is success. */
int tally_clear(const char *dir, uint32_t uid) MUST_CHECK;

#endif
