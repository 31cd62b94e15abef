#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <syslog.h>
#include <unistd.h>

#include <security/pam_ext.h>

#include "common/factor.h"
#include "pam/agent.h"
#include "pam/call.h"
#include "pam/codes.h"
#include "pam/phases.h"
#include "pam/talk.h"

#define FAIL_DELAY_US 2000000
#define EVEN_US	      100000

/* Some applications show the texts of the account phase alone: the refusal is left to it (DESIGN.md 8). */
static bool refused_later(const struct call *c, const struct subject *s, const struct login *l)
{
	if (l->refused || subject_verdict(s, VERDICT_ACCOUNT, false).reason == REASON_OK)
		return false; /* it would be a refusal that never comes */
	if (factor_of(&s->account, &s->policy, s->service, s->now) == FACTOR_PENDING)
		return false; /* the account phase asks for no factor: it may allow by then, an hour having come, say */
	return l->password_right && pam_code_account(l->reason) != PAM_AUTHINFO_UNAVAIL &&
	       strlist_has(&s->policy.reason_services, call_service(c));
}

/* The decision from the published snapshot, after the agent had its chance to publish a newer one. */
static struct login check(const struct call *c, struct subject *s, const char *password,
			  const char *code)
{
	const struct login_directory directory = {agent_ask_directory, c};
	enum reason refusal = agent_check(c, VERDICT_AUTH);
	struct login l;
	int r = call_load(c, s);

	s->service = call_service(c);
	if (r == 0)
		r = call_check_args(c);
	if (r < 0)
		return login_refuse(s, password, r, &directory);
	l = login_check(s, &(struct login_try){password, code, call_rhost(c)}, &directory);
	if (l.reason == REASON_OK)
		l.reason = refusal;
	return l;
}

static void forget(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh, (void)status;
	free(data);
}

/* For the account phase, whose texts all applications show. Without memory nobody is warned today. */
static void remember_end(const struct call *c, int64_t ends_at)
{
	int64_t *kept = malloc(sizeof(*kept));

	if (kept)
		*kept = ends_at;
	if (kept && pam_set_data(c->pamh, PASSWORD_ENDS_AT, kept, forget) != PAM_SUCCESS)
		free(kept);
}

/* Is a code asked for? By policy and service alone: the name has no part in it, so that the prompt names nobody. */
static bool asks_code(const struct call *c)
{
	CLEANUP(subject_done) struct subject s = {0};

	if (!agent_can_decide())
		return agent_asks_code(c);
	return subject_load_policy(&s) == 0 && s.policy.totp_wanted &&
	       factor_is_asked(&s.policy, call_service(c));
}

static int64_t used_us(int who)
{
	struct rusage u;

	if (getrusage(who, &u) < 0)
		return 0;
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * INT64_C(1000000) + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

/*
 * The question for the code comes when the modules before us have judged the password, and how long that takes tells whether the
 * name is known: pam_unix starts a helper for those who have no line in /etc/shadow. When the password came we cannot know, but
 * what work it has cost: so much less we wait.
 */
static void even_out(void)
{
	int64_t left_us = EVEN_US - used_us(RUSAGE_SELF) - used_us(RUSAGE_CHILDREN);

	if (left_us > 0)
		usleep((useconds_t)left_us);
}

int phase_auth(const struct call *c)
{
	CLEANUP(subject_done) struct subject s = {0};
	CLEANUP(talk_answer_free) char *given = NULL;
	const char *password, *code;
	struct login l;
	int r;

	(void)pam_fail_delay(c->pamh, FAIL_DELAY_US);
	r = talk_password(c, &password);
	if (r == PAM_SUCCESS && asks_code(c)) {
		even_out();
		r = talk_code(c, password, &given);
	}
	if (r != PAM_SUCCESS)
		return r;
	code = given ? given : "";
	l = agent_can_decide() ? check(c, &s, password, code)
			       : agent_login(c, VERDICT_AUTH, password, code);
	if (l.password_right && l.error < 0)
		pam_syslog(c->pamh, LOG_WARNING, "uncleared user=%s error=%s", c->user,
			   strerrorname_np(-l.error));
	if (l.reason == REASON_OK && l.ends_at)
		remember_end(c, l.ends_at);
	if (l.reason == REASON_OK || l.reason == REASON_UNKNOWN_USER)
		return pam_code_auth(l.reason);
	if (refused_later(c, &s, &l))
		return PAM_SUCCESS;
	call_log_refusal(c, l.reason, s.generation, l.error);
	if (l.password_right)
		talk_refusal(c, l.reason, &s.policy);
	else if (l.off_line && l.reason == REASON_UNAVAILABLE)
		talk_off_line(c);
	else if (l.error < 0 && !agent_can_decide())
		talk_no_agent(c);
	return pam_code_auth(l.reason);
}
