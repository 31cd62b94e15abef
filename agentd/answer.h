/* One request of pam_muster, answered (common/agent.h). */
#ifndef AGENTD_ANSWER_H
#define AGENTD_ANSWER_H

#include <stdint.h>
#include <sys/types.h>

#include "common/macros.h"
#include "common/wire.h"

struct auth;
struct engine;

struct answer_options {
	struct auth *auth;
	struct engine *engine;
	int64_t recheck_after_ms, recheck_timeout_ms;
	bool root; /* agent.sock: who decides for himself, and asks what the directory says of a password */
};

/*
 * Answer the request in F, of a peer with uid PEER, on SOCK. A peer who is not root is told about its own account only, and the
 * directory is not asked for its sake about others.
 * 0; -EPROTO: not a request; -EPERM: not the peer's to ask; -errno: nothing was answered, and SOCK is to be closed.
 */
int answer(int sock, const struct frame *f, uid_t peer, const struct answer_options *o) MUST_CHECK;

#endif
