/*
 * What muster-fetch answers to the question for one user (REFRESH of agentd/fetch/protocol.h).
 */
#ifndef AGENTD_REFRESH_ANSWER_H
#define AGENTD_REFRESH_ANSWER_H

#include "agentd/stage.h"

/* Is ANSWER, which was flushed, one for the user ID? An account, a removal, a reject, or that he is kept; of no other user. -EPROTO. */
int refresh_check(const struct stage *answer, const char *id) MUST_CHECK;

/* Add what ANSWER has to ANSWERS; both are flushed. */
int refresh_add(struct stage *answers, const struct stage *answer) MUST_CHECK;

/* Of whom the record speaks; RET leads into it. Several ids in one 'X' or 'K' are no answer. -EPROTO, -EBADMSG, -ENOMEM. */
int refresh_subject(const void *record, size_t len, const char **ret) MUST_CHECK;

#endif
