/*
 * The stacks of /etc/pam.d as libpam reads and runs them: @include, include and substack resolved, control
 * values as numbers, and a run of a stack with answers that the caller makes up. So it is asked "would a
 * refused user get in" and not "does the line look as ours does".
 */
#ifndef CTL_DOCTOR_PAMSTACK_H
#define CTL_DOCTOR_PAMSTACK_H

#include <stdbool.h>

#include "common/str.h"

enum pamstack_type {
	PAMSTACK_AUTH,
	PAMSTACK_ACCOUNT,
	PAMSTACK_SESSION,
	PAMSTACK_PASSWORD,
};

#define PAMSTACK_RETURNS     32 /* PAM_SUCCESS … PAM_INCOMPLETE */
#define PAMSTACK_ENTRIES_MAX 256
#define PAMSTACK_ERROR_SIZE  256

/* What a return code does; a positive number jumps over so many modules. */
enum pamstack_action {
	PAMSTACK_IGNORE = 0,
	PAMSTACK_OK = -1,
	PAMSTACK_DONE = -2,
	PAMSTACK_BAD = -3,
	PAMSTACK_DIE = -4,
	PAMSTACK_RESET = -5,
};

struct pamstack_entry {
	int actions[PAMSTACK_RETURNS];
	unsigned level;     /* how many substacks it is in */
	bool substack;      /* only marks where one begins; no module */
	const char *module; /* "pam_unix", without path and ".so"; of a substack its name */
	const char *args;   /* as written, or "" */
	const char *file;
	unsigned line;
};

struct pamstack {
	struct pamstack_entry *entries;
	unsigned count;
	struct buf texts; /* char *, what entries point into */
	char error[PAMSTACK_ERROR_SIZE];
};

/*
 * The stack of TYPE that DIR/SERVICE makes. A service without an entry of that type has an empty one: libpam
 * then takes that of the service "other".
 * 0; -ENOENT no such file; -EINVAL a line that libpam refuses, -ELOOP, -E2BIG, -errno: ret->error has file
 * and line.
 */
int pamstack_load(const char *dir, const char *service, enum pamstack_type type,
		  struct pamstack *ret) MUST_CHECK;
void pamstack_done(struct pamstack *s);

/* What the module of E returns, a PAM_* code. */
typedef int pamstack_answer(const struct pamstack_entry *e, const void *data);

/*
 * What the application gets. Past the end of a stack that is not empty libpam never says PAM_SUCCESS
 * without a module that did.
 */
int pamstack_run(const struct pamstack *s, pamstack_answer *answer, const void *data);

/* The first entry of MODULE, NULL: none. */
const struct pamstack_entry *pamstack_find(const struct pamstack *s, const char *module);

#endif
