/*
 * Asking the living agent, where there is one (common/agent.h). As root the module decides for itself: the agent is asked so
 * that it refreshes the user, and its answer can only refuse. A dead agent costs nothing, a frozen one at most
 * 0.8 s a login, which sshd makes 1.6 s; whatever is not a whole and fitting answer is none.
 */
#ifndef PAM_AGENT_H
#define PAM_AGENT_H

#include "common/login.h"
#include "pam/call.h"

/* May this process read what a decision needs? Else the agent's word is needed: agent_login(). */
bool agent_can_decide(void);

/*
 * Have the agent refresh the user, before the snapshot is read. Returns the refusal that it knows of, for accounts that
 * the snapshot lets in; REASON_OK when there is none, or no answer.
 */
enum reason agent_check(const struct call *c, enum verdict_phase phase) MUST_CHECK;

/*
 * What the directory says of a password, from the agent (common/login.h): CONTEXT is a struct call. As root, so that the agent
 * neither counts nor decides. No answer, or none that fits: AGENT_PASSWORD_UNAVAILABLE.
 */
struct login_word agent_ask_directory(const struct login_directory *d, const struct subject *s,
				      const char *password, const char *code) MUST_CHECK;

/*
 * For a process that is not root: the agent's decision about its own user. PASSWORD: NULL in the account phase, as CODE is. No
 * answer is REASON_UNAVAILABLE.
 */
struct login agent_login(const struct call *c, enum verdict_phase phase, const char *password,
			 const char *code) MUST_CHECK;

/* For such a process, too: is a code to be asked for beside the password? No answer: no. */
bool agent_asks_code(const struct call *c);

#endif
