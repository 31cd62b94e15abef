/*
 * Keeping and wiping the verifiers for off-line use (common/saved_verifier.h). One is written only after the directory has found
 * the password right. It goes when the directory refuses a password that it would still take, and when a sync shows that it
 * must not decide any more. Wrong passwords alone wipe nothing: a stranger who types them cannot take a user's off-line login away.
 */
#ifndef AGENTD_SAVED_H
#define AGENTD_SAVED_H

#include "common/subject.h"

/*
 * PASSWORD of S was right just now. What is kept stays when it still fits; it is only confirmed then, and not oftener than the
 * age that the policy allows needs. Nothing is kept for an account that is refused. Takes a turn (agentd/turn.h). 0; -errno.
 */
int saved_confirm(const char *state_dir, const struct subject *s, const char *password) MUST_CHECK;

/* PASSWORD of S was refused just now. 1: what was kept would have taken it, and is gone; 0; -errno. */
int saved_distrust(const char *state_dir, const struct subject *s, const char *password) MUST_CHECK;

/*
 * Remove what must not decide any more, of accounts that are gone, unbound, suspended, whose password was changed since or
 * that were not confirmed for too long; all by the pam.snapshot in RUNTIME_DIR at NOW. What cannot be known stays. How many; -errno.
 */
int saved_sweep(const char *state_dir, const char *runtime_dir, int64_t now) MUST_CHECK;

#endif
