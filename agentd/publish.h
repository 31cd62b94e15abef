/*
 * Bringing a pair of snapshots to a directory: written under another name, read back and verified, synced, renamed; one that was
 * made and verified in this very directory only gets its name there. A reader sees the old pair or the new one, each file whole, whatever fails or dies in between (R1, R2).
 */
#ifndef AGENTD_PUBLISH_H
#define AGENTD_PUBLISH_H

#include "agentd/snapshots.h"

#define PUBLISH_ERROR_SIZE 320

/* Remove what a publisher that died has left in DIR. Missing files are success. -errno. */
int publish_clean(const char *dir) MUST_CHECK;

/*
 * Both files of S, which were verified, into DIR; pam.snapshot first, since it is the stricter one. Only when both are
 * written and read back, byte for byte and as a reader opens them, is any of them renamed. After a failure DIR has what it had (or, should a rename itself fail, one file of each).
 *   ret_error  what was tried on which file, and why it failed; "" on success
 * 0 or -errno.
 */
int publish(const char *dir, const struct snapshots *s, char ret_error[static PUBLISH_ERROR_SIZE]) MUST_CHECK;

/* Does DIR have both files of GENERATION? */
bool publish_has(const char *dir, uint64_t generation);

/*
 * The directory said again what the files in DIR say: publish a copy of pam.snapshot with NOW as confirmed_at, unless it was confirmed
 * less than MAX_AGE_S before NOW, and no later than clocks may differ (CLOCK_AGREE_S). 1 when it was done, 0 when it was not needed;
 * -errno, also when either file turns out to be damaged. nss.snapshot stays the file that it is, since nobody decides by its age, and
 * whoever has mapped it would hold the old one in the memory of /run.
 */
int publish_confirm(const char *dir, int64_t now, int64_t max_age_s,
		    char ret_error[static PUBLISH_ERROR_SIZE]) MUST_CHECK;

/*
 * After a boot: when TO has no good pair but FROM has, publish copies of FROM's in TO, as old as they are. 0 also when
 * there is nothing to do.
 */
int publish_restore(const char *from, const char *to, char ret_error[static PUBLISH_ERROR_SIZE]) MUST_CHECK;

/* Take the pair in DIR away, so that readers go on to the next directory. -errno; missing files are success. */
int publish_withdraw(const char *dir) MUST_CHECK;

#endif
