/*
 * Bringing many users into a document: as directory/user.h, pure, but fast for 100,000. An existing user is found by
 * id, without an id by name, and takes over the fields that come; others are new.
 */
#ifndef CTL_DIRECTORY_MERGE_H
#define CTL_DIRECTORY_MERGE_H

#include "common/account.h"
#include "ctl/directory/tree.h"

struct merge {
	struct edit *edit;
	enum user_state default_state; /* of new users that say nothing of it */
	/* Hash tables: id -> user, username -> user; id -> user for those that merge_user() saw. */
	struct json_object *by_id, *by_name, *touched;
};

int merge_init(struct merge *m, struct edit *e, enum user_state default_state) MUST_CHECK;
void merge_done(struct merge *m);

/*
 * Take over one user, INCOMING, as JumpCloud's user lists and columns_read() have it; it is left as it is.
 * 0, ret_user is the user in the document; -EINVAL no name, or state and flag contradict each other;
 * -EKEYREJECTED a name or id that cannot be; e->fault is filled, and further users may follow, to be told all faults.
 */
int merge_user(struct merge *m, const struct json_object *incoming, struct json_object **ret_user,
	       bool *ret_is_new) MUST_CHECK;

/* The password that came with INCOMING, as HASH. It ends lock and expiry, unless INCOMING itself says locked or expired. */
int merge_password(struct merge *m, struct json_object *user, const struct json_object *incoming,
		   const char *hash) MUST_CHECK;

/*
 * After the last: has every user that came a name (without case) and a uid of his own? What others share is left to
 * them. -EEXIST.
 */
int merge_check_unique(struct merge *m) MUST_CHECK;

#endif
