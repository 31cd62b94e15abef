/* Which users and groups a document lets onto which computer: as directory/user.h, pure. */
#ifndef CTL_DIRECTORY_BINDING_H
#define CTL_DIRECTORY_BINDING_H

#include "ctl/directory/tree.h"

enum binding_kind {
	BINDING_USER = 1,
	BINDING_GROUP,
};

struct binding_target {
	const char
		*system; /* system id or host name: the entry's key, found without regard to case */
	const char *
		alias; /* NULL, or the computer's other name: to unbind, entries of both count, as for the endpoint */
	enum binding_kind kind;
};

/* Does the document bind everybody to every computer, having no "bindings"? */
bool binding_open(const struct edit *e);

/*
 * Bind or unbind the user or group called NAME; with a group its members are unbound, also those who are bound singly.
 * With binding_open() to bind starts an empty list, and to unbind a list of everybody else: then nobody is bound to
 * computers that have no list.
 */
int binding_add(struct edit *e, const struct binding_target *t, const char *name) MUST_CHECK;
int binding_remove(struct edit *e, const struct binding_target *t, const char *name) MUST_CHECK;
/* After the last binding_remove(). -EKEYREJECTED: the user, or a member of the group, stays bound through a group. */
int binding_check_removed(struct edit *e, const struct binding_target *t,
			  const char *name) MUST_CHECK;

#endif
