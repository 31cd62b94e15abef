/*
 * Passwords that the directory alone can verify ([auth] password = ldap): it is asked by a muster-fetch that lives for one try
 * (agentd/fetch/protocol.h, VERIFY), and what it answers keeps or wipes the verifier for off-line use (agentd/saved.h).
 * Thread-safe. Logs when the directory stops answering and when it answers again, and no word about a password.
 */
#ifndef AGENTD_AUTH_H
#define AGENTD_AUTH_H

#include "agentd/conf.h"
#include "common/login.h"

struct auth; /* opaque */

/* -ENOMEM. It knows nobody to ask until auth_set(). */
int auth_new(struct auth **ret) MUST_CHECK;
void auth_free(struct auth *a);

/* The configuration in force. For tries that begin from now on. */
void auth_set(struct auth *a, const struct conf *c);

/*
 * Is PASSWORD, with CODE where that is not "", right for the user of S, whom login_unasked() lets be asked for?
 * AGENT_PASSWORD_UNAVAILABLE within some seconds when nobody can say; at once when that has just taken long, so that not
 * everybody waits for a directory that is away. "" is asked of nobody: as long as asking took lately passes, and AGENT_PASSWORD_UNCHECKED is said, or
 * AGENT_PASSWORD_UNAVAILABLE at once while the directory does not answer. No more than some are asked at once. Hashes in turns: none may be held.
 */
struct login_word auth_ask(struct auth *a, const struct subject *s, const char *password,
			   const char *code) MUST_CHECK;

#endif
