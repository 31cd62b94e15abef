/*
 * A line of nsswitch.conf as glibc takes it (nsswitch.conf(5)): the last one of a database counts, statuses
 * without an action of their own have glibc's.
 */
#ifndef CTL_DOCTOR_NSSWITCH_H
#define CTL_DOCTOR_NSSWITCH_H

#include <stdbool.h>

#include "common/macros.h"

#define NSSWITCH_SERVICES_MAX 16
#define NSSWITCH_NAME_SIZE    32

enum nsswitch_status {
	NSSWITCH_SUCCESS,
	NSSWITCH_NOTFOUND,
	NSSWITCH_UNAVAIL,
	NSSWITCH_TRYAGAIN,
	NSSWITCH_STATUSES,
};

enum nsswitch_action {
	NSSWITCH_CONTINUE,
	NSSWITCH_RETURN,
	NSSWITCH_MERGE,
};

struct nsswitch_service {
	char name[NSSWITCH_NAME_SIZE];
	enum nsswitch_action on[NSSWITCH_STATUSES];
};

struct nsswitch {
	unsigned line; /* in the file, from 1 */
	unsigned count;
	struct nsswitch_service services[NSSWITCH_SERVICES_MAX];
};

/*
 * The line of DATABASE in TEXT. 0; -ENOENT there is none: glibc goes by "files"; -EINVAL it cannot be
 * understood, -E2BIG it names more services than there is room for: ret->line says which it is.
 */
int nsswitch_parse(const char *text, const char *database, struct nsswitch *ret) MUST_CHECK;

/* Does each service from the one at FROM up to the one at TO, without it, put what it finds together with what follows? */
bool nsswitch_merges(const struct nsswitch *n, int from, int to);

/* Where NAME stands in it, -1: it does not. */
int nsswitch_find(const struct nsswitch *n, const char *name);

#endif
