#include <errno.h>
#include <string.h>
#include <syslog.h>

#include <security/pam_ext.h>

#include "common/str.h"
#include "common/verifier.h"
#include "pam/call.h"
#include "pam/decide.h"
#include "pam/phases.h"
#include "pam/talk.h"
#include "pam/tries.h"

#define FAIL_DELAY_US 2000000

struct outcome {
	enum reason reason;
	bool password_right;
	int error; /* behind REASON_UNAVAILABLE */
};

/* sshd's stand-in for what a user it does not let in has typed, as long as that was (P7). */
static bool is_filler(const char *password)
{
	static const char junk[] = "\b\n\r\177INCORRECT";
	size_t i;

	for (i = 0; password[i]; i++)
		if (password[i] != junk[i % (sizeof(junk) - 1)])
			return false;
	return i > 0;
}

/* The work of a verification, so that the time tells nothing; whatever comes out, nothing was right. */
static void work_for_nothing(const struct policy *p, const char *password)
{
	if (p->dummy_hash) {
		int r = verifier_match(p->dummy_hash, password);

		(void)r;
	}
}

static struct outcome outcome_of(enum reason reason)
{
	return (struct outcome){.reason = reason};
}

static struct outcome unavailable(int error)
{
	return (struct outcome){.reason = REASON_UNAVAILABLE, .error = error};
}

/* No password is verified, whatever reason comes before the lock in the verdict. */
static struct outcome locked(const struct subject *s)
{
	struct verdict v = subject_verdict(s, VERDICT_AUTH, true);

	return outcome_of(v.reason == REASON_OK ? REASON_LOCKED : v.reason);
}

/* Is the password to be verified? REASON_OK, and the try is counted; or why not. */
static struct outcome admit(const struct call *c, const struct subject *s, const char *password)
{
	const struct account *a = &s->account;
	struct tally before;
	int r = call_check_args(c);

	if (r < 0)
		return unavailable(r);
	if (!password[0] || is_filler(password))
		return outcome_of(REASON_WRONG_PASSWORD);
	if (a->account_locked)
		return locked(s);
	if (!a->password_hash[0] && !a->activated)
		return outcome_of(REASON_PASSWORD_PENDING);
	r = verifier_check(a->password_hash);
	if (r == 0)
		r = tries_reserve(c, s, &before);
	if (r == -EBUSY)
		return before.locked ? locked(s) : outcome_of(REASON_BACKOFF);
	return r < 0 ? unavailable(r) : outcome_of(REASON_OK);
}

static struct outcome verify(const struct call *c, const struct subject *s, const char *password)
{
	struct verdict v = subject_verdict(s, VERDICT_AUTH, false);
	int r = verifier_match(s->account.password_hash, password);

	if (r == -EKEYREJECTED)
		return outcome_of(REASON_WRONG_PASSWORD);
	if (r < 0)
		return unavailable(r);
	r = tries_forgive(s);
	if (r < 0) /* one failure too many is counted: no reason to refuse */
		pam_syslog(c->pamh, LOG_WARNING, "tally: %s", strerrorname_np(-r));
	return (struct outcome){.reason = v.reason, .password_right = true};
}

static struct outcome check_password(const struct call *c, const struct subject *s,
				     const char *password)
{
	struct outcome o = admit(c, s, password);

	if (o.reason == REASON_OK)
		return verify(c, s, password);
	work_for_nothing(&s->policy, password);
	return o;
}

/* Some applications show the texts of the account phase alone: the refusal is left to it (DESIGN.md 8). */
static bool refused_later(const struct call *c, const struct subject *s, const struct outcome *o)
{
	return o->password_right && pam_code_account(o->reason) != PAM_AUTHINFO_UNAVAIL &&
	       strlist_has(&s->policy.reason_services, call_service(c));
}

int phase_auth(const struct call *c)
{
	CLEANUP(subject_done) struct subject s = {0};
	const char *password;
	struct outcome o;
	int r;

	(void)pam_fail_delay(c->pamh, FAIL_DELAY_US);
	r = talk_password(c, &password);
	if (r != PAM_SUCCESS)
		return r;
	r = subject_load(c->user, &s);
	if (r < 0) {
		work_for_nothing(&s.policy, password);
		o = (struct outcome){.reason = reason_from_load(r), .error = r};
	} else {
		o = check_password(c, &s, password);
	}
	if (o.reason == REASON_OK || o.reason == REASON_UNKNOWN_USER)
		return pam_code_auth(o.reason);
	if (refused_later(c, &s, &o))
		return PAM_SUCCESS;
	call_log_refusal(c, o.reason, s.generation, o.error);
	if (o.password_right)
		talk_refusal(c, o.reason, &s.policy);
	return pam_code_auth(o.reason);
}
