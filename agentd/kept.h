/*
 * Users who are bound here, but whose record could not be read ('K' of agentd/fetch/protocol.h): they stay as they were last known,
 * and are not missing.
 */
#ifndef AGENTD_KEPT_H
#define AGENTD_KEPT_H

#include "agentd/stage.h"
#include "agentd/store.h"

/*
 * Add to STAGE, which was flushed, the account that CACHE has of each of them, or a reject where it has none that may log in: so
 * that all that follows finds them there. 0, and how many they are; -EPROTO, -ENOMEM, -EBADMSG, -errno.
 */
int kept_apply(struct stage *stage, struct store *cache, uint32_t *ret_n) MUST_CHECK;

#endif
