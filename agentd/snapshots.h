/* Both snapshots of one generation, made from the world into files without a name; publish.h brings them to where they are read. */
#ifndef AGENTD_SNAPSHOTS_H
#define AGENTD_SNAPSHOTS_H

#include "agentd/world.h"

struct snapshots {
	int nss, pam; /* -1 when not made */
};

struct snapshots_input {
	const struct policy *policy;
	const struct sync_status *status;
	uint64_t generation;
	int64_t created_at, confirmed_at;
	const char *dir; /* where they will be published first: made there, they need no copy; in memory when that fails, or for NULL */
};

/* Made and verified. -ENOMEM, -EBADMSG, -errno. Close with snapshots_done(), also after an error. */
int snapshots_build(const struct world *w, const struct snapshots_input *in, struct snapshots *ret) MUST_CHECK;
void snapshots_done(struct snapshots *s);

#endif
