/* The record of used codes (common/used_code.h) goes with its user: modules only ever add to it. */
#ifndef AGENTD_CODES_H
#define AGENTD_CODES_H

#include "common/macros.h"

/*
 * Remove from DIR/totp the records of those who are not bound by the pam.snapshot in RUNTIME_DIR. What cannot be known stays. How
 * many; -errno.
 */
int codes_sweep(const char *dir, const char *runtime_dir) MUST_CHECK;

#endif
