/* One call of the application into the module. */
#ifndef PAM_CALL_H
#define PAM_CALL_H

#include <stdint.h>

#include <security/pam_modules.h>

#include "common/macros.h"
#include "common/reason.h"
#include "pam/args.h"

struct subject;

struct call {
	pam_handle_t *pamh;
	int flags;
	const char *phase; /* "auth", "account", "password", "session": for the journal */
	struct args args;
	const char *user; /* libpam's; never changed (P6) */
	uint32_t adopted_uid; /* of a local user whom the directory has taken over; else 0 */
};

/*
 * Fill C and find out whether the user can be ours. PAM_SUCCESS: not a local user, or one who was taken over, go on;
 * PAM_USER_UNKNOWN: local; PAM_INCOMPLETE: the application has no name yet; PAM_AUTHINFO_UNAVAIL: it cannot be known.
 */
int call_begin(struct call *c, pam_handle_t *pamh, int flags, int argc,
	       const char **argv) MUST_CHECK;

/*
 * As subject_load(). -ENODATA: a local user was taken over, and the snapshot does not know of it: refused, since nobody else
 * asks about him. -ESRCH also for who was taken over in the snapshot, and is not local.
 */
int call_load(const struct call *c, struct subject *s) MUST_CHECK;

/*
 * 0, or -EINVAL with a line in the journal when an argument in the service file was not understood: for users who may be ours,
 * since a typing error must not shut out any other.
 */
int call_check_args(const struct call *c) MUST_CHECK;

/* Items of libpam; "" when not set. */
const char *call_service(const struct call *c);
const char *call_rhost(const struct call *c);

/*
 * One line for the journal: why C was refused, from which generation of the snapshot (0: none), and the -errno behind it or
 * 0. Never a word about a password.
 */
void call_log_refusal(const struct call *c, enum reason reason, uint64_t generation, int error);

#endif
