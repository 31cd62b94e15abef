#include "common/login.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/factor.h"
#include "common/paths.h"
#include "common/saved_verifier.h"
#include "common/str.h"
#include "common/totp.h"
#include "common/tries.h"
#include "common/used_code.h"
#include "common/verifier.h"

/* A try, with password and code apart. */
struct attempt {
	const struct subject *s;
	const struct login_directory *d;
	const char *rhost, *password, *code;
	char *apart; /* the password, when it came joined */
	enum factor factor;
	int code_error; /* of totp_match(), with FACTOR_CODE */
	uint32_t step;  /* whose code it is */
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
static void hash_for_nothing(const struct policy *p, const char *password)
{
	if (p->dummy_hash) {
		int r = verifier_match(p->dummy_hash, password);

		(void)r;
	}
}

static void work_for_nothing(const struct subject *s, const char *password, const struct login_directory *d)
{
	if (s->policy.password_ldap && d->ask(d, s, "", "").password != AGENT_PASSWORD_UNAVAILABLE)
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

static void attempt_done(struct attempt *t)
{
	if (t->apart)
		wipe(t->apart, strlen(t->apart));
	free(t->apart);
}

/* Who has a second factor may type the code behind the password, also where none is needed just now. */
static int take_apart(struct attempt *t, const struct login_try *from)
{
	const struct subject *s = t->s;
	size_t len = factor_is_set_up(&s->account, &s->policy) ? totp_joined(from->password) : 0;

	t->password = from->password;
	t->code = from->code;
	if (from->code[0] || len == 0)
		return 0;
	t->apart = strndup(from->password, len);
	t->password = t->apart;
	t->code = from->password + len + 1;
	return t->apart ? 0 : -ENOMEM;
}

static int attempt_begin(struct attempt *t, const struct login_try *from)
{
	const struct account *a = &t->s->account;
	int r = take_apart(t, from);

	t->factor = factor_of(a, &t->s->policy, t->s->service, t->s->now);
	if (r == 0 && t->factor == FACTOR_CODE)
		t->code_error =
			totp_match(a->totp_secret, t->code, clock_of_codes(t->s->now), &t->step);
	return r;
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
	if (!s->policy.password_ldap && a->password_hash[0])
		return REASON_OK;
	return a->bound && a->activated ? REASON_OK : subject_verdict(s, VERDICT_AUTH, false).reason;
}

/* Is the password to be verified? REASON_OK, and the try is counted; or why not. */
static struct login admit(const struct attempt *t)
{
	const struct subject *s = t->s;
	enum reason refusal = login_unasked(s);
	struct tally before;
	int r = 0;

	if (!t->password[0] || is_filler(t->password))
		return login_of(REASON_WRONG_PASSWORD);
	if (refusal != REASON_OK)
		return login_of(refusal);
	if (!s->policy.password_ldap)
		r = verifier_check(s->account.password_hash);
	if (r == 0)
		r = tries_reserve(s, t->rhost, &before);
	if (r == -EBUSY)
		return login_of(before.locked ? locked(s) : REASON_BACKOFF);
	if (r < 0)
		return unavailable(r);
	/* a server is asked about passwords and codes, and about nothing else */
	return login_of(t->factor == FACTOR_DIRECTORY && !totp_code_valid(t->code)
				? REASON_WRONG_CODE
				: REASON_OK);
}

/* REASON_OK: none is needed, or it is right, and used up by this: what cannot be recorded lets nobody in. */
static struct login judge_code(const struct attempt *t)
{
	uint32_t uid = t->s->account.uid;
	int r = t->code_error;

	if (t->factor != FACTOR_CODE)
		return login_of(REASON_OK);
	if (r == 0)
		r = used_code_take(MUSTER_RUNTIME_DIR, uid, t->step);
	/* For the time after a reboot; where this cannot be written, /run knows all the same until then. */
	if (r == 0 && used_code_take(MUSTER_STATE_DIR, uid, t->step) == -EEXIST)
		r = -EEXIST;
	if (r == 0)
		return login_of(REASON_OK);
	if (r == -EKEYREJECTED || r == -EEXIST)
		return (struct login){.reason = REASON_WRONG_CODE, .error = r == -EEXIST ? r : 0};
	return unavailable(r);
}

/* The password is. REFUSAL: somebody else's, when there is none of our own. */
static struct login right(const struct attempt *t, enum reason refusal)
{
	struct verdict v = subject_verdict(t->s, VERDICT_AUTH, false);
	struct login l = judge_code(t);

	if (l.reason != REASON_OK)
		return l;
	/* An error there leaves one failure too many: to be told, but no reason to refuse. */
	return (struct login){
		.reason = v.reason == REASON_OK ? refusal : v.reason,
		.password_right = true,
		.refused = refusal != REASON_OK,
		.error = tries_forgive(t->s, t->rhost),
	};
}

static struct login verify(const struct attempt *t, const char *hash)
{
	int r = verifier_match(hash, t->password);

	if (r == -EKEYREJECTED)
		return login_of(REASON_WRONG_PASSWORD);
	return r < 0 ? unavailable(r) : right(t, REASON_OK);
}

/* Nobody can say whether it is right. */
static struct login cannot_ask(const struct attempt *t)
{
	int r = tries_cancel(t->s, t->rhost);

	hash_for_nothing(&t->s->policy, t->password);
	return unavailable(r < 0 ? r : -EHOSTUNREACH);
}

static struct login verify_off_line(const struct attempt *t)
{
	CLEANUP(buf_wipe) struct buf data = {0};
	const struct subject *s = t->s;
	struct saved_verifier saved;
	struct login l;
	int r = -EHOSTUNREACH;

	if (t->factor != FACTOR_DIRECTORY)
		r = saved_verifier_load(MUSTER_STATE_DIR, s->account.uid, &data, &saved);
	if (r == 0)
		r = saved_verifier_judge(&saved, &s->account, &s->policy, s->now);
	l = r == 0 ? verify(t, saved.hash) : cannot_ask(t);
	l.off_line = true;
	if (l.reason == REASON_OK)
		l.ends_at = verdict_ends_soon(&s->policy, saved.confirmed_at, s->policy.offline_password_max_age_s,
					      s->now);
	return l;
}

/* Codes that this computer cannot judge, and those that were typed with the password, are the directory's. */
static const char *code_for_directory(const struct attempt *t)
{
	bool here = t->s->account.totp_secret[0];

	return !here && (t->factor == FACTOR_DIRECTORY || t->apart) ? t->code : "";
}

/* What is no clear word is none: refused, but the try is counted. */
static struct login ask_directory(const struct attempt *t)
{
	struct login_word w = t->d->ask(t->d, t->s, t->password, code_for_directory(t));

	switch (w.password) {
	case AGENT_PASSWORD_RIGHT:
		return right(t, w.reason);
	case AGENT_PASSWORD_WRONG:
		return login_of(REASON_WRONG_PASSWORD);
	case AGENT_PASSWORD_UNAVAILABLE:
		return verify_off_line(t);
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

struct login login_check(const struct subject *s, const struct login_try *from,
			 const struct login_directory *d)
{
	CLEANUP(attempt_done) struct attempt t = {.s = s, .d = d, .rhost = from->rhost};
	int r = attempt_begin(&t, from);
	struct login l = r < 0 ? unavailable(r) : admit(&t);

	if (l.reason == REASON_OK)
		return s->policy.password_ldap ? ask_directory(&t)
					       : verify(&t, s->account.password_hash);
	work_for_nothing(s, from->password, d);
	return l;
}
