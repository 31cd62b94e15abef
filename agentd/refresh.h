/*
 * The directory's answer for a few users, when one of them logs in, as a whole list: everybody else as the cache has him.
 */
#ifndef AGENTD_REFRESH_H
#define AGENTD_REFRESH_H

#include "agentd/stage.h"
#include "agentd/store.h"

/*
 * Make RET of ANSWERS, each of which passed refresh_check() (agentd/refresh_answer.h), and for all others of CACHE. NOW: trusted
 * time. What the cache has is finished, and so asks for exactly what was given. Rejects of groups are left away: most are made
 * again, the others wait for the next sync. GROUPS: rules or leases go by them; an answer has none, so that somebody whom the
 * cache does not have as bound is -ESTALE: all have to be asked for. -EPROTO, -ENOENT no cache, -ENOMEM, -EBADMSG, -errno. Free
 * RET with stage_done() in any case.
 */
int refresh_list(const struct stage *answers, struct store *cache, int64_t now, bool groups, struct stage *ret) MUST_CHECK;

#endif
