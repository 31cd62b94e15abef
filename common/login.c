#include "common/login.h"

#include <errno.h>
#include <string.h>

#include "common/paths.h"
#include "common/saved_verifier.h"
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
static void hash_for_nothing(const struct policy *p, const char *password)
{
	if (p->dummy_hash) {
		int r = verifier_match(p->dummy_hash, password);

		(void)r;
	}
}

static void work_for_nothing(const struct subject *s, const char *password, const struct login_directory *d)
{
	if (s->policy.password_ldap && d->ask(d, s, "").password != AGENT_PASSWORD_UNAVAILABLE)
		return;
	hash_for_nothing(&s->policy, password);
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
static enum reason locked(const struct subject *s)
{
	struct verdict v = subject_verdict(s, VERDICT_AUTH, true);

	return v.reason == REASON_OK ? REASON_LOCKED : v.reason;
}

enum reason login_unasked(const struct subject *s)
{
	const struct account *a = &s->account;

	if (a->account_locked)
		return locked(s);
	if (!a->activated && (s->policy.password_ldap || !a->password_hash[0]))
		return REASON_PASSWORD_PENDING;
	return s->policy.password_ldap && !a->bound ? REASON_UNBOUND : REASON_OK;
}

/* Is the password to be verified? REASON_OK, and the try is counted; or why not. */
static struct login admit(const struct subject *s, const char *password, const char *rhost)
{
	enum reason refusal = login_unasked(s);
	struct tally before;
	int r = 0;

	if (!password[0] || is_filler(password))
		return login_of(REASON_WRONG_PASSWORD);
	if (refusal != REASON_OK)
		return login_of(refusal);
	if (!s->policy.password_ldap)
		r = verifier_check(s->account.password_hash);
	if (r == 0)
		r = tries_reserve(s, rhost, &before);
	if (r == -EBUSY)
		return login_of(before.locked ? locked(s) : REASON_BACKOFF);
	return r < 0 ? unavailable(r) : login_of(REASON_OK);
}

/* REFUSAL: somebody else's, when there is none of our own. */
static struct login right(const struct subject *s, const char *rhost, enum reason refusal)
{
	struct verdict v = subject_verdict(s, VERDICT_AUTH, false);

	/* An error there leaves one failure too many: to be told, but no reason to refuse. */
	return (struct login){
		.reason = v.reason == REASON_OK ? refusal : v.reason,
		.password_right = true,
		.refused = refusal != REASON_OK,
		.error = tries_forgive(s, rhost),
	};
}

static struct login verify(const struct subject *s, const char *hash, const char *password, const char *rhost)
{
	int r = verifier_match(hash, password);

	if (r == -EKEYREJECTED)
		return login_of(REASON_WRONG_PASSWORD);
	return r < 0 ? unavailable(r) : right(s, rhost, REASON_OK);
}

/* Nobody can say whether it is right. */
static struct login cannot_ask(const struct subject *s, const char *password, const char *rhost)
{
	int r = tries_cancel(s, rhost);

	hash_for_nothing(&s->policy, password);
	return unavailable(r < 0 ? r : -EHOSTUNREACH);
}

static struct login verify_off_line(const struct subject *s, const char *password, const char *rhost)
{
	CLEANUP(buf_wipe) struct buf data = {0};
	struct saved_verifier saved;
	struct login l;
	int r = saved_verifier_load(MUSTER_STATE_DIR, s->account.uid, &data, &saved);

	if (r == 0)
		r = saved_verifier_judge(&saved, &s->account, &s->policy, s->now);
	l = r == 0 ? verify(s, saved.hash, password, rhost) : cannot_ask(s, password, rhost);
	l.off_line = true;
	if (l.reason == REASON_OK)
		l.ends_at = verdict_ends_soon(&s->policy, saved.confirmed_at, s->policy.offline_password_max_age_s,
					      s->now);
	return l;
}

/* What is no clear word is none: refused, but the try is counted. */
static struct login ask_directory(const struct subject *s, const char *password, const char *rhost,
				  const struct login_directory *d)
{
	struct login_word w = d->ask(d, s, password);

	switch (w.password) {
	case AGENT_PASSWORD_RIGHT:
		return right(s, rhost, w.reason);
	case AGENT_PASSWORD_WRONG:
		return login_of(REASON_WRONG_PASSWORD);
	case AGENT_PASSWORD_UNAVAILABLE:
		return verify_off_line(s, password, rhost);
	case AGENT_PASSWORD_UNCHECKED:
		break;
	}
	return login_of(w.reason == REASON_OK ? REASON_UNAVAILABLE : w.reason);
}

struct login login_refuse(const struct subject *s, const char *password, int error,
			  const struct login_directory *d)
{
	work_for_nothing(s, password, d);
	return (struct login){.reason = subject_load_reason(error), .error = error};
}

struct login login_check(const struct subject *s, const char *password, const char *rhost,
			 const struct login_directory *d)
{
	struct login l = admit(s, password, rhost);

	if (l.reason == REASON_OK)
		return s->policy.password_ldap ? ask_directory(s, password, rhost, d) :
						 verify(s, s->account.password_hash, password, rhost);
	work_for_nothing(s, password, d);
	return l;
}
