/* Reasons as what libpam understands. */
#ifndef PAM_CODES_H
#define PAM_CODES_H

#include "common/reason.h"

/* PAM codes: DESIGN.md 6, security.md 5.b.2. Only REASON_OK gives PAM_SUCCESS; none gives PAM_IGNORE. */
int pam_code_auth(enum reason reason);
int pam_code_account(enum reason reason);

#endif
