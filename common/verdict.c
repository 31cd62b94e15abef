#include "common/verdict.h"

#include <string.h>

#include "common/factor.h"

/*
 * A suspension, and what is not understood, come last among changes of the same second: they win.
 */
static bool change_before(const struct scheduled_change *a, const struct scheduled_change *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	return a->state == USER_ACTIVATED && b->state != USER_ACTIVATED;
}

static enum user_state apply_change(enum user_state from, enum user_state to)
{
	switch (to) {
	case USER_ACTIVATED:
		return from == USER_STAGED || from == USER_SUSPENDED ? USER_ACTIVATED : from;
	case USER_SUSPENDED:
		return USER_SUSPENDED;
	case USER_STAGED: /* nothing the directory schedules */
	case USER_STATE_NONE:
		break;
	}
	return USER_STATE_NONE;
}

enum user_state verdict_state_at(const struct account *a, int64_t now)
{
	/*
	 * Flag and state must agree; where they do not, the stricter is where the changes start
	 * from.
	 */
	enum user_state state = a->suspended ? USER_SUSPENDED : a->state;
	bool done[ACCOUNT_SCHEDULED_MAX] = {false};
	uint32_t n = a->n_scheduled;

	if (n > ACCOUNT_SCHEDULED_MAX)
		return USER_STATE_NONE;
	for (;;) {
		const struct scheduled_change *next = NULL;

		for (uint32_t i = 0; i < n; i++) {
			const struct scheduled_change *c = &a->scheduled[i];

			if (!done[i] && c->at <= now && (!next || change_before(c, next)))
				next = c;
		}
		if (!next)
			return state;
		done[next - a->scheduled] = true;
		state = apply_change(state, next->state);
	}
}

static bool password_expires(const struct account *a)
{
	return a->password_expires_at != 0 && !a->password_never_expires;
}

/* What the account itself says, in the order of DESIGN.md 6. */
static enum reason account_reason(const struct account *a, bool locked, int64_t now)
{
	enum user_state state = verdict_state_at(a, now);

	if (!a->bound)
		return REASON_UNBOUND;
	if (state == USER_SUSPENDED)
		return REASON_SUSPENDED;
	if (state != USER_ACTIVATED)
		return REASON_STAGED;
	if (locked)
		return REASON_LOCKED;
	if (!a->activated)
		return REASON_PASSWORD_PENDING;
	if (a->password_expired || (password_expires(a) && now >= a->password_expires_at))
		return REASON_PASSWORD_EXPIRED;
	return REASON_OK;
}

/* Has the tally's limit anything to say here? -1: no such phase. */
static int tally_counts(const struct verdict_input *in)
{
	switch (in->phase) {
	case VERDICT_AUTH:
		return in->tally_locked && !factor_is_uncounted(in->account);
	case VERDICT_ACCOUNT:
		return false;
	}
	return -1;
}

/* A span that starts at FROM has lasted longer than MAX_S; times are any int64. */
static bool lasted(int64_t from, int64_t now, int64_t max_s)
{
	int64_t age;

	if (__builtin_sub_overflow(now, from, &age))
		return from < now;
	return age > max_s;
}

int64_t verdict_ends_soon(const struct policy *p, int64_t from, int64_t span_s, int64_t now)
{
	int64_t end;

	if (span_s <= 0 || __builtin_add_overflow(from, span_s, &end) || !lasted(from, now, span_s / 2))
		return 0;
	return lasted(now, end, p->warn_s) ? 0 : end;
}

static enum reason access_reason(const struct verdict_input *in, const struct access_rule **ret_rule)
{
	struct access a = access_decide(&(struct access_query){
		.rules = &in->policy->access,
		.zone = &in->policy->zone,
		.account = in->account,
		.service = in->service,
		.now = in->now,
	});

	*ret_rule = a.rule;
	return a.reason;
}

struct verdict verdict_decide(const struct verdict_input *in)
{
	struct verdict v = {.reason = REASON_UNDECIDED};
	const struct account *a = in->account;
	const struct policy *p = in->policy;

	if (!a || !p)
		return v;
	int tally_locked = tally_counts(in);
	if (tally_locked < 0)
		return v;
	enum reason reason = account_reason(a, a->account_locked || tally_locked, in->now);

	int64_t lease_s = a->has_lease ? a->lease_s : p->lease_s;

	if (reason == REASON_OK && lease_s != 0 && lasted(in->confirmed_at, in->now, lease_s))
		reason = REASON_STALE;
	if (reason == REASON_OK && in->service)
		reason = access_reason(in, &v.rule);
	if (reason == REASON_OK && in->phase == VERDICT_AUTH &&
	    factor_of(a, p, in->service, in->now) == FACTOR_PENDING)
		reason = REASON_MFA_PENDING;
	if (reason == REASON_OK && password_expires(a) &&
	    !lasted(in->now, a->password_expires_at, p->warn_s))
		v.expires_at = a->password_expires_at;
	if (reason == REASON_OK)
		v.lease_ends_at = verdict_ends_soon(p, in->confirmed_at, lease_s, in->now);
	v.reason = reason;
	return v;
}

bool verdict_keys_allowed(const struct account *a, int64_t now)
{
	return a->allow_public_key && account_reason(a, a->account_locked, now) == REASON_OK;
}

static bool keys_lost(const struct account *a, const struct account *b)
{
	for (const char *k = NULL; (k = strlist_next(&a->ssh_keys, k));)
		if (!strlist_has(&b->ssh_keys, k))
			return true;
	return false;
}

static bool text_differs(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") != 0;
}

bool verdict_worse(const struct account *a, const struct account *b, int64_t now)
{
	if (!a || account_reason(a, a->account_locked, now) != REASON_OK)
		return false; /* there was nothing to lose */
	if (!b || account_reason(b, b->account_locked, now) != REASON_OK)
		return true;
	if (verdict_keys_allowed(a, now) && (!verdict_keys_allowed(b, now) || keys_lost(a, b)))
		return true;
	if (a->access_allow & ~b->access_allow || b->access_deny & ~a->access_deny)
		return true;
	if ((a->sudo && !b->sudo) || (a->sudo_nopasswd && !b->sudo_nopasswd))
		return true;
	if (!factor_is_wanted(a) && factor_is_wanted(b))
		return true;
	if (a->totp_secret && *a->totp_secret && text_differs(a->totp_secret, b->totp_secret))
		return true;
	return a->password_hash && *a->password_hash &&
	       text_differs(a->password_hash, b->password_hash);
}
