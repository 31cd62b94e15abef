#include <errno.h>

#include "common/subject.h"
#include "pam/call.h"
#include "pam/phases.h"
#include "pam/talk.h"

int phase_password(const struct call *c)
{
	CLEANUP(subject_done) struct subject s = {0};
	int r = call_load(c, &s);

	if (r == -ESRCH)
		return PAM_USER_UNKNOWN;
	if (r < 0) {
		call_log_refusal(c, REASON_UNAVAILABLE, s.generation, r);
		return PAM_AUTHINFO_UNAVAIL;
	}
	talk_change_password(c, &s.policy);
	return PAM_PERM_DENIED;
}
