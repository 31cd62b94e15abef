/* SSH public keys of a user in the tree: as directory/user.h, pure. */
#ifndef CTL_DIRECTORY_KEY_H
#define CTL_DIRECTORY_KEY_H

#include "ctl/directory/tree.h"

/*
 * Add the public key line TEXT, "TYPE BASE64 [COMMENT]", to the list KEYS; its comment becomes its name. One that is
 * there already is left as it is. -EINVAL no key, or one with options; -EKEYREJECTED a kind or size that is not
 * accepted, or too many keys.
 */
int key_add(struct edit *e, struct json_object *keys, const char *text) MUST_CHECK;

#endif
