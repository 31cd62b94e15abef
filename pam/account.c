#include "common/subject.h"
#include "pam/agent.h"
#include "pam/call.h"
#include "pam/codes.h"
#include "pam/phases.h"
#include "pam/talk.h"

/* The gate repeats what was decided a moment ago: the agent is not asked again. */
static enum reason agent_refusal(const struct call *c)
{
	return c->args.gate ? REASON_OK : agent_check(c, VERDICT_ACCOUNT);
}

/* The verdict of the published snapshot, after the agent had its chance to publish a newer one. */
static int decide(const struct call *c, struct subject *s, struct verdict *ret)
{
	enum reason refusal = agent_refusal(c);
	int r = call_load(c, s);

	s->service = call_service(c);
	if (r == 0)
		r = call_check_args(c);
	if (r < 0) {
		ret->reason = subject_load_reason(r);
		return r;
	}
	*ret = subject_verdict(s, VERDICT_ACCOUNT, false);
	if (ret->reason == REASON_OK)
		ret->reason = refusal;
	return 0;
}

static int ask_verdict(const struct call *c, struct verdict *ret)
{
	struct login l = agent_login(c, VERDICT_ACCOUNT, NULL, NULL);

	ret->reason = l.reason;
	return l.error;
}

/* What runs out, while there is time to do something about it. */
static void warn(const struct call *c, const struct subject *s, const struct verdict *v)
{
	const void *password = NULL;

	if (v->expires_at)
		talk_expiry(c, v->expires_at, s->now, &s->policy);
	if (v->lease_ends_at)
		talk_ending(c, "your account is accepted", v->lease_ends_at);
	if (pam_get_data(c->pamh, PASSWORD_ENDS_AT, &password) == PAM_SUCCESS && password)
		talk_ending(c, "your password is accepted", *(const int64_t *)password);
}

int phase_account(const struct call *c)
{
	CLEANUP(subject_done) struct subject s = {0};
	struct verdict v = {0};
	int r = agent_can_decide() ? decide(c, &s, &v) : ask_verdict(c, &v);

	if (v.reason == REASON_UNKNOWN_USER)
		return pam_code_account(v.reason);
	if (v.reason != REASON_OK)
		call_log_refusal(c, v.reason, s.generation, r);
	if (c->args.gate || r < 0)
		return pam_code_account(v.reason);
	if (v.reason != REASON_OK)
		talk_refusal(c, v.reason, &s.policy);
	else
		warn(c, &s, &v);
	return pam_code_account(v.reason);
}
