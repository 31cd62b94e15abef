/*
 * setup --try: what is switched on is undone unless somebody confirms it in time. Under systemd a timer of this boot starts
 * muster-setup-rollback.service, and so does every boot while SETUP_TRY is there; elsewhere a process of ours waits, and
 * no boot is covered. A reboot ends a trial at once, since the clock of the next boot says little, and since who reboots
 * a computer in the middle of a trial could well be locked out.
 */
#ifndef CTL_SETUP_TRIAL_H
#define CTL_SETUP_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/message.h"
#include "ctl/setup/files.h"

#define SETUP_TRY SETUP_DIR "/try"

/* "10": minutes; "30s", "2h". -EINVAL: less than 10 s, more than a day, or no duration. */
int trial_parse(const char *text, int64_t *ret_ms) MUST_CHECK;

/* Has to be confirmed, still? */
bool trial_pending(void);

/* From now on it is undone MS from now. 0; -errno: nothing is armed, F says why. */
int trial_begin(int64_t ms, struct fault *f) MUST_CHECK;

/* Confirmed, or undone; also after a power cut. 0; -errno: it may still be pending, F says why. */
int trial_end(struct fault *f) MUST_CHECK;

#endif
