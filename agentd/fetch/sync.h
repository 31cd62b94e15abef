/*
 * One SYNC: records, then END or RESULT (agentd/fetch/protocol.h).
 */
#ifndef AGENTD_FETCH_SYNC_H
#define AGENTD_FETCH_SYNC_H

#include "agentd/fetch/settings.h"
#include "common/wire.h"

/* Answers REQUEST on SOCK. 0 when the answer was given, whatever it says; -errno when SOCK is of no more use. */
int sync_answer(int sock, const struct settings *s, const struct frame *request) MUST_CHECK;

/* RESULT: ERROR is a negative errno, TEXT is escaped here. */
int sync_result(int sock, uint32_t request_id, int error, const char *text) MUST_CHECK;

#endif
