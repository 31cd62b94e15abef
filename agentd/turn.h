/* Turns at hashing a password: each takes some 17 MiB and a core, so that few go at once, whoever asks. Thread-safe. */
#ifndef AGENTD_TURN_H
#define AGENTD_TURN_H

#include "common/macros.h"

/* Wait for a turn; -ETIMEDOUT after some seconds: then no password is hashed. */
int turn_take(void) MUST_CHECK;
void turn_give(void);

#endif
