#include "ctl/directory/group.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "agentd/local.h"
#include "common/account.h"
#include "common/names.h"
#include "common/str.h"
#include "ctl/directory/user.h"
#include "ctl/message.h"

static struct json_object *posix_groups(const struct json_object *group)
{
	return tree_array(tree_object(group, "attributes"), "posixGroups");
}

/* The posix group called NAME or with the id GID (0: any), of another group than OWN. */
static const struct json_object *find_posix(const struct edit *e, const char *name, uint32_t gid,
					    const struct json_object *own)
{
	struct json_object *groups = tree_array(e->doc, "groups");
	size_t n = groups ? json_object_array_length(groups) : 0;

	for (size_t i = 0; i < n; i++) {
		const struct json_object *group = json_object_array_get_idx(groups, i);
		struct json_object *list = group == own ? NULL : posix_groups(group);
		size_t n_list = list ? json_object_array_length(list) : 0;

		for (size_t j = 0; j < n_list; j++) {
			const struct json_object *p = json_object_array_get_idx(list, j);
			int64_t id = 0;

			tree_int(p, "id", &id);
			if (strcasecmp(tree_text_or_empty(p, "name"), name) == 0 ||
			    (gid != 0 && id == gid))
				return group;
		}
	}
	return NULL;
}

bool group_has_posix_name(const struct edit *e, const char *name)
{
	return find_posix(e, name, 0, NULL);
}

int group_find(struct edit *e, const char *name, struct json_object **ret)
{
	struct json_object *groups = tree_array(e->doc, "groups"), *found = NULL;
	size_t n = groups ? json_object_array_length(groups) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *group = json_object_array_get_idx(groups, i);

		if (strcmp(tree_text_or_empty(group, "id"), name) != 0 &&
		    strcmp(tree_text_or_empty(group, "name"), name) != 0)
			continue;
		if (found) {
			fault_set(e->fault, -EKEYREJECTED, "two groups are called '%s'", name);
			fault_hint(e->fault, "name the one you mean by its id");
			return -EKEYREJECTED;
		}
		found = group;
	}
	if (!found)
		return fault_set(e->fault, -ESRCH, "no group '%s' in the directory", name);
	*ret = found;
	return 0;
}

/* A local group's name must be free as user and as group, its id as group. */
static int check_posix(struct edit *e, const struct json_object *group, const char *name,
		       uint32_t gid)
{
	const struct json_object *other = find_posix(e, name, gid, group);

	if (other)
		return fault_set(e->fault, -EEXIST,
				 "the local group '%s' or the gid %u belongs to the group '%s'",
				 name, gid, tree_text_or_empty(other, "name"));
	if (!id_allowed(gid))
		return fault_set(e->fault, -EKEYREJECTED,
				 "the gid %u is in a range reserved for the system", gid);
	if (e->local && local_gid_taken(e->local, gid))
		return fault_set(e->fault, -EKEYREJECTED,
				 "the gid %u belongs to a local group of this computer", gid);
	/* The name of the group's own posix group is no obstacle to it. */
	for (size_t i = 0,
		    n = posix_groups(group) ? json_object_array_length(posix_groups(group)) : 0;
	     i < n; i++)
		if (strcmp(tree_text_or_empty(json_object_array_get_idx(posix_groups(group), i),
					      "name"),
			   name) == 0)
			return 0;
	return name_check_free(e, name, NULL);
}

/* "GID" or "GID:LOCALNAME"; "none" takes the local group away. */
static int set_posix(struct edit *e, struct json_object *group, const char *text)
{
	AUTO_FREE char *number = strndup(text, strcspn(text, ":"));
	const char *name =
		strchr(text, ':') ? strchr(text, ':') + 1 : tree_text_or_empty(group, "name");
	struct json_object *attributes, *list, *posix;
	uint32_t gid;
	int r;

	if (!number)
		return -ENOMEM;
	attributes = tree_need_object(e, group, "attributes");
	if (!attributes)
		return -ENOMEM;
	if (strcmp(text, "none") == 0) {
		tree_unset(e, attributes, "posixGroups");
		return 0;
	}
	if (parse_u32(number, ID_FLOOR, ID_TOP, &gid) < 0)
		return fault_set(e->fault, -EINVAL,
				 "--posix %s: GID, GID:NAME or none; GID from %u to %u", text,
				 ID_FLOOR, ID_TOP);
	r = check_posix(e, group, name, gid);
	if (r < 0)
		return r;
	tree_unset(e, attributes, "posixGroups");
	list = tree_need_array(e, attributes, "posixGroups");
	posix = json_object_new_object();
	r = list ? tree_append(e, list, posix) : -ENOMEM;
	if (r == 0)
		r = tree_set_int(e, posix, "id", gid);
	return r < 0 ? r : tree_set_text(e, posix, "name", name);
}

static int set_sudo(struct edit *e, struct json_object *group, const char *word)
{
	struct json_object *attributes = tree_need_object(e, group, "attributes"), *object;
	bool sudo, nopasswd;
	int r = sudo_parse(e, word, &sudo, &nopasswd);

	if (r < 0)
		return r;
	if (!sudo && attributes) {
		tree_unset(e, attributes, "sudo");
		return 0;
	}
	object = attributes ? tree_need_object(e, attributes, "sudo") : NULL;
	r = object ? tree_set_bool(e, object, "enabled", true) : -ENOMEM;
	/* JumpCloud has both always. */
	if (r == 0 && !json_object_object_get_ex(object, "withoutPassword", NULL))
		r = json_object_object_add(object, "withoutPassword",
					   json_object_new_boolean(false));
	return r < 0 ? -ENOMEM : tree_set_bool(e, object, "withoutPassword", nopasswd);
}

int group_set(struct edit *e, struct json_object *group, const struct group_fields *f)
{
	int r = 0;

	if (f->posix)
		r = set_posix(e, group, f->posix);
	if (r == 0 && f->sudo)
		r = set_sudo(e, group, f->sudo);
	return r;
}

int group_add(struct edit *e, const char *name, const struct group_fields *f)
{
	struct json_object *groups = tree_need_array(e, e->doc, "groups"), *group;
	size_t n = groups ? json_object_array_length(groups) : 0;
	char id[OBJECT_ID_SIZE];
	int r = groups ? object_id_make(id) : -ENOMEM;

	if (!name[0])
		return fault_set(e->fault, -EINVAL, "a group needs a name");
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(tree_text_or_empty(json_object_array_get_idx(groups, i), "name"),
			       name) == 0)
			return fault_set(e->fault, -EEXIST, "there is a group '%s' already", name);
	group = json_object_new_object();
	if (r == 0)
		r = tree_append(e, groups, group);
	if (r == 0)
		r = tree_set_text(e, group, "id", id);
	if (r == 0)
		r = tree_set_text(e, group, "name", name);
	if (r == 0)
		r = tree_need_array(e, group, "members") ? 0 : -ENOMEM;
	return r == 0 ? group_set(e, group, f) : r;
}

int group_delete(struct edit *e, struct json_object *group)
{
	struct json_object *groups = tree_array(e->doc, "groups");
	const char *id = tree_text(group, "id");

	if (id)
		tree_forget(e, tree_object(e->doc, "bindings"), "groups", id);
	for (size_t i = json_object_array_length(groups); i-- > 0;)
		if (json_object_array_get_idx(groups, i) == group)
			json_object_array_del_idx(groups, i, 1);
	e->changed = true;
	return 0;
}

static bool last_is(const struct json_object *members, const char *id)
{
	size_t n = json_object_array_length(members);
	const char *last =
		n > 0 ? json_object_get_string(json_object_array_get_idx(members, n - 1)) : NULL;

	return last && strcmp(last, id) == 0;
}

int group_member_add_user(struct edit *e, struct json_object *group, const struct json_object *user,
			  bool is_new)
{
	struct json_object *members = tree_need_array(e, group, "members");
	const char *id = user_id(user);

	if (!id)
		return fault_set(e->fault, -EKEYREJECTED, "'%s' has no id",
				 tree_text_or_empty(user, "username"));
	if (!members)
		return -ENOMEM;
	if (!is_new)
		return tree_list_add(e, members, id);
	return last_is(members, id) ? 0 : tree_append(e, members, json_object_new_string(id));
}

int group_member_add(struct edit *e, struct json_object *group, const char *name)
{
	struct json_object *user;
	int r = user_find(e, name, &user);

	return r < 0 ? r : group_member_add_user(e, group, user, false);
}

int group_member_remove(struct edit *e, struct json_object *group, const char *name)
{
	struct json_object *user, *members = tree_array(group, "members");
	int r = user_find(e, name, &user);

	if (r < 0)
		return r;
	if (!user_id(user) || !tree_list_has(members, user_id(user)))
		return fault_set(e->fault, -ESRCH, "'%s' is no member of '%s'", name,
				 tree_text_or_empty(group, "name"));
	tree_list_remove(e, members, user_id(user));
	return 0;
}
