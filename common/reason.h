/*
 * Reason codes: the one word for every refusal, the same for the user, the journal, musterctl
 * explain and the metrics (DESIGN.md 6, promise 6).
 */
#ifndef COMMON_REASON_H
#define COMMON_REASON_H

#include <stdbool.h>
#include <stddef.h>

enum reason {
	REASON_UNDECIDED = 0, /* never set: denies */
	/* verdicts, in the order in which they apply */
	REASON_UNBOUND,
	REASON_SUSPENDED,
	REASON_STAGED,
	REASON_LOCKED,
	REASON_PASSWORD_PENDING,
	REASON_PASSWORD_EXPIRED,
	REASON_STALE,
	REASON_SERVICE,
	/* refusals that are no verdict on the account */
	REASON_WRONG_PASSWORD,
	REASON_BACKOFF,	    /* too many failures from this remote host just now */
	REASON_UNKNOWN_USER,
	REASON_UNAVAILABLE, /* cannot be decided: unreadable data, internal error, no verifier */
	/* a verdict again, beside REASON_SERVICE: numbers go over the wire, and stay */
	REASON_HOURS,
	REASON_MFA_PENDING, /* of passwords alone: a second factor is required, and not set up */
	REASON_WRONG_CODE, /* none: the password may be right, the code is wrong, missing or used. Told to the journal alone */
	/* far from every other value, so that no flipped bit or wrong cast allows (K3) */
	REASON_OK = 0x0a4c5e3d,
};

#define REASON_LAST REASON_WRONG_CODE /* of those that refuse */

/* "suspended", "password_expired", …; "undecided" for anything unknown. Static. */
const char *reason_name(enum reason r);
/* -EINVAL for an unknown word. */
int reason_parse(const char *name, enum reason *ret);

/*
 * The sentence for the user, DESIGN.md 6. PORTAL_URL and SERVICE may be NULL or "": the sentence
 * then does without. Truncated to fit OUT; "" for REASON_OK.
 */
void reason_text(enum reason r, const char *portal_url, const char *service, char *out,
		 size_t size);

#endif
