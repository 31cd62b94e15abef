#include "common/login.h"

#include <errno.h>
#include <string.h>

#include "common/str.h"
#include "common/tries.h"
#include "common/verifier.h"

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

static struct login login_of(enum reason reason)
{
	return (struct login){.reason = reason};
}

static struct login unavailable(int error)
{
	return (struct login){.reason = REASON_UNAVAILABLE, .error = error};
}

/* No password is verified, whatever reason comes before the lock in the verdict. */
static struct login locked(const struct subject *s)
{
	struct verdict v = subject_verdict(s, VERDICT_AUTH, true);

	return login_of(v.reason == REASON_OK ? REASON_LOCKED : v.reason);
}

/* Is the password to be verified? REASON_OK, and the try is counted; or why not. */
static struct login admit(const struct subject *s, const char *password, const char *rhost)
{
	const struct account *a = &s->account;
	struct tally before;
	int r;

	if (!password[0] || is_filler(password))
		return login_of(REASON_WRONG_PASSWORD);
	if (a->account_locked)
		return locked(s);
	if (!a->password_hash[0] && !a->activated)
		return login_of(REASON_PASSWORD_PENDING);
	r = verifier_check(a->password_hash);
	if (r == 0)
		r = tries_reserve(s, rhost, &before);
	if (r == -EBUSY)
		return before.locked ? locked(s) : login_of(REASON_BACKOFF);
	return r < 0 ? unavailable(r) : login_of(REASON_OK);
}

static struct login verify(const struct subject *s, const char *password, const char *rhost)
{
	struct verdict v = subject_verdict(s, VERDICT_AUTH, false);
	int r = verifier_match(s->account.password_hash, password);

	if (r == -EKEYREJECTED)
		return login_of(REASON_WRONG_PASSWORD);
	if (r < 0)
		return unavailable(r);
	/* An error there leaves one failure too many: to be told, but no reason to refuse. */
	return (struct login){
		.reason = v.reason, .password_right = true, .error = tries_forgive(s, rhost)};
}

struct login login_refuse(const struct policy *p, const char *password, int error)
{
	work_for_nothing(p, password);
	return (struct login){.reason = subject_load_reason(error), .error = error};
}

struct login login_check(const struct subject *s, const char *password, const char *rhost)
{
	struct login l = admit(s, password, rhost);

	if (l.reason == REASON_OK)
		return verify(s, password, rhost);
	work_for_nothing(&s->policy, password);
	return l;
}
