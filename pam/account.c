#include "common/subject.h"
#include "pam/call.h"
#include "pam/codes.h"
#include "pam/phases.h"
#include "pam/talk.h"

int phase_account(const struct call *c)
{
	CLEANUP(subject_done) struct subject s = {0};
	struct verdict v = {0};
	int r = subject_load(c->user, &s);

	if (r == 0)
		r = call_check_args(c);
	if (r == 0)
		v = subject_verdict(&s, VERDICT_ACCOUNT, false);
	else
		v.reason = subject_load_reason(r);
	if (v.reason == REASON_UNKNOWN_USER)
		return pam_code_account(v.reason);
	if (v.reason != REASON_OK)
		call_log_refusal(c, v.reason, s.generation, r);
	if (c->args.gate || r < 0)
		return pam_code_account(v.reason);
	if (v.reason != REASON_OK)
		talk_refusal(c, v.reason, &s.policy);
	else if (v.expires_at)
		talk_expiry(c, v.expires_at, s.now, &s.policy);
	return pam_code_account(v.reason);
}
