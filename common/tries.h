/*
 * Counting of password tries on this endpoint (P7, DESIGN.md 9): common/tally.h under MUSTER_RUNTIME_DIR/tally. A
 * user with disable_lockout is neither counted nor locked (but see common/factor.h).
 */
#ifndef COMMON_TRIES_H
#define COMMON_TRIES_H

#include "common/subject.h"
#include "common/tally.h"

/* tally_reserve() for the user of S, trying from RHOST ("": the console). */
int tries_reserve(const struct subject *s, const char *rhost, struct tally *ret) MUST_CHECK;

/* The password was right: what was reserved, and all before, is forgotten (tally_succeed()). */
int tries_forgive(const struct subject *s, const char *rhost) MUST_CHECK;

/* The password was not verified after all, and nothing was learnt of it: what was reserved is taken back. */
int tries_cancel(const struct subject *s, const char *rhost) MUST_CHECK;

#endif
