/*
 * The decision: may this account pass now? Pure: no I/O, no clock, no log. PAM, agent, musterctl
 * and the tests call this one function. Table: docs/verdicts.md (DESIGN.md 6).
 */
#ifndef COMMON_VERDICT_H
#define COMMON_VERDICT_H

#include "common/account.h"
#include "common/reason.h"

enum verdict_phase {
	VERDICT_AUTH = 1, /* a password is being checked: the endpoint's own tally counts too */
	VERDICT_ACCOUNT,  /* account management: all that keys, cron, sudo in its timestamp meet */
};

struct verdict_input {
	const struct account *account;
	const struct policy *policy;
	enum verdict_phase phase;
	int64_t now;	      /* trusted time (common/clock.h) */
	int64_t confirmed_at; /* when the directory last confirmed this data */
	bool tally_locked;    /* the endpoint's own count reached the policy's limit */
	const char *service;  /* of PAM (common/access.h); NULL: the account itself is judged, access rules are not asked */
};

struct verdict {
	enum reason reason;
	int64_t expires_at; /* with REASON_OK: the password ends at, within warn_s; else 0 */
	int64_t lease_ends_at; /* with REASON_OK: verdict_ends_soon() of the lease */
	const struct access_rule *rule; /* with REASON_OK, REASON_SERVICE, REASON_HOURS: that decided; NULL: none fits */
};

/*
 * NULL account or policy, a phase that is none: REASON_UNDECIDED. Only REASON_OK allows.
 * An expiry bites at its second, a lease after it. disable_lockout takes a user without a second factor out of the
 * endpoint's tally. Data confirmed after NOW counts as fresh: NOW is trusted time, which never
 * falls behind the mark kept with the data.
 */
struct verdict verdict_decide(const struct verdict_input *in) MUST_CHECK;

/*
 * Something holds for SPAN_S from FROM on, and is renewed as long as the directory can be reached: the lease of the data, a
 * saved verifier. When it ends, if the user should be warned at NOW: within warn_s, and in its second half; else 0.
 */
int64_t verdict_ends_soon(const struct policy *p, int64_t from, int64_t span_s, int64_t now);

/*
 * State at NOW: the recorded one, SUSPENDED when the flag says so, with all due changes applied in
 * order of date (suspension wins ties). STAGED and SUSPENDED become ACTIVATED, so that a due
 * activation ends a recorded suspension, flag included; any becomes SUSPENDED; a change that is not
 * understood leaves USER_STATE_NONE.
 */
enum user_state verdict_state_at(const struct account *a, int64_t now);

/*
 * May keys of this account be published: allow_public_key, and nothing the directory says refuses
 * it (no tally, lease).
 */
bool verdict_keys_allowed(const struct account *a, int64_t now);

/*
 * Is B worse for the user than A, at NOW: a refusal where none was, a key, sudo or the password
 * taken away, a second factor wanted or its secret another, a rule that allows lost or one that denies won? For "bad news first". NULL: no such account.
 */
bool verdict_worse(const struct account *a, const struct account *b, int64_t now);

#endif
