/* What musterctl directory group does: as directory/user.h, pure. */
#ifndef CTL_DIRECTORY_GROUP_H
#define CTL_DIRECTORY_GROUP_H

#include "ctl/directory/tree.h"

/* What add and set were told; NULL: not given. */
struct group_fields {
	const char *posix; /* "GID" or "GID:LOCALNAME", "" for none */
	const char *sudo;  /* "", "yes", "nopasswd", "no" */
};

/* The group called NAME (name or id, exactly). */
int group_find(struct edit *e, const char *name, struct json_object **ret) MUST_CHECK;
int group_add(struct edit *e, const char *name, const struct group_fields *f) MUST_CHECK;
int group_set(struct edit *e, struct json_object *group, const struct group_fields *f) MUST_CHECK;
int group_delete(struct edit *e, struct json_object *group) MUST_CHECK;
/* USER: name or id of one that is in the directory. */
int group_member_add(struct edit *e, struct json_object *group, const char *user) MUST_CHECK;
/* IS_NEW: only the last members can be USER already. */
int group_member_add_user(struct edit *e, struct json_object *group, const struct json_object *user,
			  bool is_new) MUST_CHECK;
int group_member_remove(struct edit *e, struct json_object *group, const char *user) MUST_CHECK;

/* Is NAME, compared without case, the local name of a group? */
bool group_has_posix_name(const struct edit *e, const char *name);

#endif
