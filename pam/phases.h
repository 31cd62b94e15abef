/* The answers of the module, a function a phase. C passed call_begin(): its user is not local, or taken over. PAM codes. */
#ifndef PAM_PHASES_H
#define PAM_PHASES_H

#include "pam/call.h"

/* Data of libpam from phase_auth() to phase_account(), an int64_t: until when the password is good off line. */
#define PASSWORD_ENDS_AT "muster_password_ends_at"

/* Verify a password: the same work whoever the user is (common/login.h). */
int phase_auth(const struct call *c);
/* May the account pass now, however it authenticated? */
int phase_account(const struct call *c);
/* Refuses our users: passwords are changed in the directory. */
int phase_password(const struct call *c);
/* setcred, open_session, close_session: PAM_SUCCESS for our users, PAM_IGNORE for all others. */
int phase_session(const struct call *c);

#endif
