/*
 * Users who are bound here, but whose record could not be read ('K' of agentd/fetch/protocol.h): they stay as they were last known,
 * and are not missing.
 */
#ifndef AGENTD_KEPT_H
#define AGENTD_KEPT_H

#include "agentd/stage.h"
#include "agentd/store.h"
#include "common/snapshot_reader.h"

/*
 * Add to STAGE, which was flushed, the account of each of them as kept_account() has it, or a reject where it has none that may log in: so
 * that all that follows finds them there. 0, and how many they are; -EPROTO, -ENOMEM, -EBADMSG, -errno.
 */
int kept_apply(struct stage *stage, struct store *cache, struct snapshot *published, uint32_t *ret_n) MUST_CHECK;

/*
 * The account that was known last, in place of what RET has: of PUBLISHED (NULL: none), which is newer than CACHE where a
 * commit was lost, else of CACHE. -ESRCH, -EBADMSG, -errno.
 */
int kept_account(struct store *cache, struct snapshot *published, const char *id, struct buf *ret) MUST_CHECK;

#endif
