/*
 * Each code once (RFC 6238 5.2), across processes and restarts, whether or not an agent lives: DIR/totp/UID/STEP, an empty file,
 * stands for the last step whose code was taken. Nobody waits for a lock: who makes the file first has it.
 * No step at or before the last one is taken either, so that a clock set back brings no code back. So the last file of
 * a user stays until the user goes (agentd/codes.h); whoever takes a later step removes it.
 */
#ifndef COMMON_USED_CODE_H
#define COMMON_USED_CODE_H

#include <stdint.h>

#include "common/macros.h"

#define USED_CODE_DIR "totp"

/*
 * Take STEP for UID under DIR, which must be there. 0: it is the caller's, and nobody else's again. -EEXIST: it, or a later one,
 * was taken before, or is just being taken: of several at once with different steps, the latest at least passes.
 * -EPERM: what is there is not MUSTER_OWNER's; -errno: it cannot be recorded (read-only, full): not taken.
 */
int used_code_take(const char *dir, uint32_t uid, uint32_t step) MUST_CHECK;

/* Remove what is kept of UID: for users who are gone. 0, also when there is nothing; -errno. */
int used_code_forget(const char *dir, uint32_t uid) MUST_CHECK;

#endif
