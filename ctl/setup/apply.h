/* Switching muster on: checked, saved, tried beside the running computer, then done, and proved once more. */
#ifndef CTL_SETUP_APPLY_H
#define CTL_SETUP_APPLY_H

#include <stdint.h>

#include "ctl/setup/stage.h"

struct setup_order {
	enum pam_change change;
	bool dry_run;   /* show what would change */
	int64_t try_ms; /* 0: for good */
};

/*
 * Under setup_lock(). 0; 1: there is nothing to change; -EKEYREJECTED: a check or a proof failed, and what was there is
 * there again, F says why; -errno.
 */
int setup_apply(const struct setup_order *o, struct fault *f) MUST_CHECK;

#endif
