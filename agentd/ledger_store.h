/*
 * ledger.mdb: the ledger on disk. Small, written only where it changed, never touched by a rebuild of the cache. Databases:
 *   users   directory id -> {u8 version 1, u8 flags (1: private group), u16 0, u32 uid, u32 gid, i64 removed_at, name NUL}
 *   groups  name -> {u8 version 1, u8[3] 0, u32 gid}
 *   state   "state" -> struct ledger_state, field by field
 * all numbers little-endian.
 */
#ifndef AGENTD_LEDGER_STORE_H
#define AGENTD_LEDGER_STORE_H

#include "agentd/ledger.h"
#include "agentd/store.h"

struct snapshot;

extern const char *const ledger_dbs[];

/* Fill the empty L. -EBADMSG: an entry cannot be what was stored. */
int ledger_load(struct store *s, struct ledger *l) MUST_CHECK;

/* Write what is marked changed, and the state, in one transaction; marks are cleared when it is committed. */

int ledger_save(struct store *s, struct ledger *l) MUST_CHECK;

/*
 * Take from a published pair of snapshots what L does not have: after the loss of ledger.mdb, or of a commit. What L has
 * stays; what clashes with it is skipped.
 *   ret_added  users and groups that were added
 * NSS may be NULL: then no user's group is known to be his own.
 */
int ledger_adopt(struct ledger *l, struct snapshot *pam, struct snapshot *nss, uint32_t *ret_added) MUST_CHECK;

/* One stored value, checked: for ledger_load() and its test. Pointers lead into DATA. -EBADMSG. */
int ledger_user_unpack(const void *data, size_t len, struct ledger_user *ret) MUST_CHECK;

#endif
