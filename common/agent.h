/*
 * What pam_muster asks musterd, on frames (common/wire.h), one request a connection.
 *   private/agent.sock  root alone: sshd, login, sudo, su, cron. Any user.
 *   public.sock         anyone, for itself: screen lockers. The peer's uid must be the user's.
 *
 * The agent can only make a decision stricter. As root the module always decides from pam.snapshot, after the agent has
 * refreshed the user and published what changed; an answer that refuses is obeyed, one that allows is no more than
 * "go on", and no answer at all means "decide from what is there". So there is one path that lets people in, and it
 * is the one that needs no living process. Two exceptions, since only the agent can know: passwords verified
 * by LDAP, and callers who are not root.
 *
 * Whoever may not read pam.snapshot learns from FRAME_CHECK whether to ask for a code (code_asked).
 *
 * FRAME_PASSWORD on agent.sock, with [auth] password = ldap: what does the directory say of this password? Root has counted the try
 * (common/login.h) and decides; the agent keeps or wipes the verifier for off-line use. On public.sock: the whole decision, counted
 * by the agent.
 */
#ifndef COMMON_AGENT_H
#define COMMON_AGENT_H

#include "common/reason.h"
#include "common/str.h"
#include "common/verdict.h"

#define AGENT_NONCE_SIZE 16
#define AGENT_TEXT_MAX	 512 /* of each string */

#define AGENT_NOWAIT 1u /* cron, atd, systemd-user: use what is there, ask for a refresh, do not wait */

struct agent_request {
	uint8_t nonce[AGENT_NONCE_SIZE]; /* from getrandom; the answer must repeat it */
	enum verdict_phase phase;
	uint32_t flags;
	const char *user;     /* passed name_valid() */
	const char *password; /* FRAME_PASSWORD; else "" */
	const char *service, *rhost, *tty;
	const char *code; /* FRAME_PASSWORD: the second factor's, when it came by itself; else "" */
};

enum agent_password {
	AGENT_PASSWORD_UNCHECKED = 0, /* and no word on it: reason says why, when it is a verdict */
	AGENT_PASSWORD_WRONG = 1,
	AGENT_PASSWORD_UNAVAILABLE = 2, /* the directory cannot be asked: the off-line verifier may decide */
	AGENT_PASSWORD_RIGHT = 0x51b3c96e,
};

struct agent_answer {
	uint8_t nonce[AGENT_NONCE_SIZE];
	const char *user;	      /* repeated: byte for byte the request's (P6) */
	uint32_t uid;		      /* 0 when unknown */
	enum reason reason;	      /* REASON_OK: nothing known against the account */
	enum agent_password password;
	uint64_t generation;	      /* published when this was answered */
	int64_t expires_at;	      /* as struct verdict */
	bool online;		      /* the directory answered just now */
	bool code_asked;	      /* names are asked for a code where this service asks for a password */
};

/*
 * A request without a code, and an answer that asks for none, are what musterd and modules of 0.1 understand, too; one with a code is
 * for who knows codes alone: nobody else answers it.
 */

/* Pack appends to OUT (buf_wipe() it when a password is inside). 0, -ENOMEM, -EINVAL (a string too long). */
int agent_request_pack(const struct agent_request *r, struct buf *out) MUST_CHECK;
int agent_answer_pack(const struct agent_answer *a, struct buf *out) MUST_CHECK;
/* Pointers lead into DATA. 0; -EBADMSG for anything that pack does not make. Unknown enum values become denial. */
int agent_request_unpack(const void *data, size_t len, struct agent_request *ret) MUST_CHECK;
int agent_answer_unpack(const void *data, size_t len, struct agent_answer *ret) MUST_CHECK;

#endif
