/* Who tries to log in, and what the modules that we know say of such a one: made-up answers for pamstack_run(). */
#ifndef CTL_DOCTOR_VISITOR_H
#define CTL_DOCTOR_VISITOR_H

#include <stddef.h>

#include "ctl/doctor/pamstack.h"

struct visitor {
	bool local;
	bool adopted; /* and in the directory's hands: in MUSTER_ADOPTED */
	int muster;   /* what pam_muster returns, where it decides about such a one */
	const struct pamstack_entry *liked_by; /* another module, or NULL */
};

bool visitor_passes(const struct pamstack *s, const struct visitor *v);
bool visitor_any_passes(const struct pamstack *s, const struct visitor *v, size_t n);

/* Is E muster's line for local users in the directory's hands? */
bool visitor_is_for_adopted(const struct pamstack_entry *e);

/* Does the account stack S let in local users in the directory's hands whom muster refuses, or cannot be asked about? */
bool visitor_adopted_slips_in(const struct pamstack *s);

#endif
