/*
 * The directory's answer for a few users, when one of them logs in, as a whole list: everybody else as the cache has him.
 */
#ifndef AGENTD_REFRESH_H
#define AGENTD_REFRESH_H

#include "agentd/stage.h"
#include "agentd/store.h"

/* Is ANSWER, which was flushed, one to a question for the user ID? An account, a removal, a reject or that he is kept; no other's. */
int refresh_check(const struct stage *answer, const char *id) MUST_CHECK;

/* Add what ANSWER has to ANSWERS; both are flushed. */
int refresh_add(struct stage *answers, const struct stage *answer) MUST_CHECK;

/*
 * Make RET of ANSWERS, each of which passed refresh_check(), and for all others of CACHE. What the cache has is finished, and so
 * asks for exactly what was given. Rejects of groups are left away: most are made again, the others wait for the next sync.
 * -EPROTO, -ENOENT no cache, -ENOMEM, -EBADMSG, -errno. Free RET with stage_done() in any case.
 */
int refresh_list(const struct stage *answers, struct store *cache, struct stage *ret) MUST_CHECK;

#endif
