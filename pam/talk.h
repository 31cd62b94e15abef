/* Words with the user, through the application's conversation. */
#ifndef PAM_TALK_H
#define PAM_TALK_H

#include "common/verdict.h"
#include "pam/call.h"

struct policy;

/*
 * The password: the one already asked for in this stack, else asked for, unless the arguments forbid that. It is
 * libpam's, which wipes it; no copy of it stays here.
 * Returns PAM_SUCCESS; PAM_INCOMPLETE; PAM_AUTH_ERR there is none (not asked for, no conversation, broken off);
 * PAM_AUTHINFO_UNAVAIL internal error.
 */
int talk_password(const struct call *c, const char **ret) MUST_CHECK;

/*
 * A code of the second factor, asked for by itself: *RET is "" when none was given, and when the application gave the PASSWORD
 * again, as those do that know no other answer (sshd's password method). For talk_answer_free().
 * Returns PAM_SUCCESS; PAM_INCOMPLETE; PAM_AUTH_ERR broken off; PAM_AUTHINFO_UNAVAIL internal error.
 */
int talk_code(const struct call *c, const char *password, char **ret) MUST_CHECK;
/* Wipes it. */
void talk_answer_free(char **answer);

/* Why the user is refused. Silent under PAM_SILENT and without a conversation, as those below. */
void talk_refusal(const struct call *c, enum reason reason, const struct policy *p);
/* To who needs the agent, and had no answer: it is not the password. */
void talk_no_agent(const struct call *c);
/*
 * The directory is out of reach, and nothing was saved of this user: not the password is at fault. For who sits here alone:
 * to others it would tell whose names are known.
 */
void talk_off_line(const struct call *c);
/* When the password expires. */
void talk_expiry(const struct call *c, int64_t expires_at, int64_t now, const struct policy *p);
/* Until when WHAT, "your account is accepted" say, while the directory is out of reach. */
void talk_ending(const struct call *c, const char *what, int64_t ends_at);
/* Where passwords are changed. */
void talk_change_password(const struct call *c, const struct policy *p);

#endif
