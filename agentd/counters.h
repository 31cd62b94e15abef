/*
 * What the server's threads count of this musterd's life, for metrics.prom: one relaxed atomic a cell, no
 * lock, so that counting costs a login nothing and cannot hold it up.
 */
#ifndef AGENTD_COUNTERS_H
#define AGENTD_COUNTERS_H

#include "common/agent.h"

/* An answer REASON to what SERVICE asked; services count in few classes, since anybody can make up names. */
void counters_answer(const char *service, enum reason reason);

/* How engine_refresh() ended: 0, -EHOSTUNREACH, -ETIMEDOUT. */
void counters_refresh(int r);

/* Append them as OpenMetrics text; classes and reasons that never came are left out. -ENOMEM. */
int counters_print(struct buf *out) MUST_CHECK;

#endif
