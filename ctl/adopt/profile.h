/* The PAM profile muster-adopt, as PAM's files have it: read, and not changed (ctl/adopt/host.h). */
#ifndef CTL_ADOPT_PROFILE_H
#define CTL_ADOPT_PROFILE_H

#include <stdbool.h>

#include "ctl/message.h"

/* Does PAM ask muster about the users in the list? */
bool adopt_profile_is_on(void);

/*
 * And does what muster says count: is whoever it refuses refused, and whoever it lets in by password let in, now that the local
 * password is locked? 0; -EKEYREJECTED, F says where not; -errno.
 */
int adopt_profile_holds(struct fault *f) MUST_CHECK;

#endif
