/*
 * Tally: recent failed attempts of one user on this endpoint, /run/muster/tally/UID, 0600 root. One
 * 16-byte record an event, one O_APPEND write, no lock that anybody waits for: a frozen holder
 * would block logins (DESIGN.md 4, P7).
 * Times are CLOCK_BOOTTIME milliseconds: /run does not outlive a boot. Where it does (some
 * containers), records from more than a minute ahead are another boot's and are skipped, as are
 * damaged ones. A file that is not regular, not MUSTER_OWNER's, or with any mode bit beyond 0600 is -EPERM; bits that the umask
 * of a host has left out are given back. Opening never blocks.
 *
 * Growth: the appender that fills a file (TALLY_FILE_RECORDS) renames it to UID.old, over the one
 * before; readers take both. Only that rename is done under a lock, flock(LOCK_NB) on the file
 * itself: who does not get it leaves the file to grow a little. Limits above TALLY_FILE_RECORDS
 * count as that number, so that dropping the oldest file never unlocks anybody. An appender whose
 * file was renamed or removed meanwhile appends again: a race can count one failure twice, never
 * lose one.
 */
#ifndef COMMON_TALLY_H
#define COMMON_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"

#define TALLY_FILE_RECORDS 512

struct tally_policy {
	uint32_t max_attempts; /* 0 = never lock */
	uint32_t window_s;     /* failures older than this do not count; 0 = all count */
	uint32_t lock_time_s;  /* after the last failure; 0 = until cleared */
};

struct tally {
	uint32_t failures;	  /* since the last success or lock that ended, inside the window */
	bool locked;		  /* failures reached max_attempts, and lock_time has not passed */
	int64_t locked_until_ms;  /* BOOTTIME; 0 = until cleared */
	int64_t locked_at_ms;	  /* of the failure that locked last, also when that has ended; 0 = none since a success */
	int64_t backoff_until_ms; /* for RHOST: tries before this are refused; 0 = none */
};

/*
 * What stands against UID at NOW_MS, with the back-off for RHOST ("" or NULL = console; the console
 * has none): after three failures from there 2 s, then twice as long with each, 15 minutes at most and as soon as they
 * would lock by themselves. So one host locks a user once, and by going on not again (unless the window has more than
 * 15 minutes for each attempt). A success from there ends it, or a day of quiet. The addresses of an IPv6 network of
 * 64 bits are one host: whoever has one has all.
 * No file: all zero. -errno (-EPERM, -EIO) when it cannot be known: refuse then.
 */
int tally_read(const char *dir, uint32_t uid, const char *rhost, const struct tally_policy *p,
	       int64_t now_ms, struct tally *ret) MUST_CHECK;

/*
 * Reserve one try *before* the password is verified: what cannot be counted is not verified.
 * Appends a failure unless UID is locked or RHOST backed off; tally_succeed() takes it back by
 * appending a success, which clears all before it; the back-off of hosts other than RHOST goes on.
 *   ret   What stood against UID before this try; NULL allowed. However many try at once,
 *         max_attempts of them pass.
 * Returns 0: verify now. -EBUSY: locked or backed off, *ret says which. Any other -errno: it could
 * not be counted (-ENOENT: there is no DIR; -EFBIG: under the caller's RLIMIT_FSIZE records might be cut short, so that none is
 * written), *ret untouched. Whatever is not 0 refuses.
 */
int tally_reserve(const char *dir, uint32_t uid, const char *rhost, const struct tally_policy *p,
		  int64_t now_ms, struct tally *ret) MUST_CHECK;
int tally_succeed(const char *dir, uint32_t uid, const char *rhost, int64_t now_ms) MUST_CHECK;
/*
 * The try that tally_reserve() wrote at this NOW_MS for RHOST was none: nobody could say whether the password was right, and
 * nobody has said so.
 */
int tally_cancel(const char *dir, uint32_t uid, const char *rhost, int64_t now_ms) MUST_CHECK;
/* Forget everything (unlock, reset, removal). No file is success. */
int tally_clear(const char *dir, uint32_t uid) MUST_CHECK;

#endif
