/* What this computer has of a local user, read from its files and never through NSS; and what is changed there. */
#ifndef CTL_ADOPT_HOST_H
#define CTL_ADOPT_HOST_H

#include "ctl/adopt/plan.h"

/* Home, groups and what /etc/shadow says of U. 0, -errno, F says why. */
int adopt_host_fill(struct adopt_user *u, struct fault *f) MUST_CHECK;

/*
 * The hash of U stays, behind a '!', or is as it was: by usermod(8), and seen to afterwards. Where no hash is behind a '!', there is
 * nothing to unlock. 0, -errno, F says why.
 */
int adopt_host_lock(const struct adopt_user *u, bool lock, struct fault *f) MUST_CHECK;

/* Turn the PAM profile on or off, by pam-auth-update(8), and see to it: over a power cut, too. 0, -errno, F says why. */
int adopt_host_profile(bool on, struct fault *f) MUST_CHECK;

/* Everything that changes something holds this: two at a time would mix their lists. A descriptor; -errno, F says why. */
int adopt_host_lock_out_others(struct fault *f) MUST_CHECK;

#endif
