/*
 * Counting of password tries on this endpoint (P7, DESIGN.md 9): common/tally.h under MUSTER_RUNTIME_DIR/tally. A
 * user with disable_lockout is neither counted nor locked.
 */
#ifndef PAM_TRIES_H
#define PAM_TRIES_H

#include "common/tally.h"
#include "pam/call.h"
#include "pam/decide.h"

/* tally_reserve() for the user and remote host of this call. */
int tries_reserve(const struct call *c, const struct subject *s, struct tally *ret) MUST_CHECK;

/* The password was right: what was reserved, and all before, is forgotten. */
int tries_forgive(const struct subject *s) MUST_CHECK;

#endif
