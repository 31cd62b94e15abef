/*
 * The plan carried out, in an order in which nobody is ever locked out: PAM asks muster before the local password is locked, and
 * that is unlocked before PAM stops asking. Killed at any moment it goes on where it was when it is called again.
 */
#ifndef CTL_ADOPT_APPLY_H
#define CTL_ADOPT_APPLY_H

#include "ctl/adopt/plan.h"

/* 0; -errno: something could not be done, and F says what; what could be was. P tells no longer what there is. */
int adopt_apply(struct adopt_plan *p, struct fault *f) MUST_CHECK;

/* Has anybody been taken over, or does PAM ask? */
bool adopt_is_on(void);

/* Everybody is given back, whatever the configuration and the directory say: before PAM asks muster no more. 0; -errno, F says why. */
int adopt_restore(struct fault *f) MUST_CHECK;

#endif
