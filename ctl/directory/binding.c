#include "ctl/directory/binding.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "ctl/directory/group.h"
#include "ctl/directory/user.h"
#include "ctl/message.h"

static const char *list_key(enum binding_kind kind)
{
	return kind == BINDING_GROUP ? "groups" : "users";
}

bool binding_open(const struct edit *e)
{
	return !tree_object(e->doc, "bindings");
}

static bool is_key_of(const struct binding_target *t, const char *key)
{
	return strcasecmp(key, t->system) == 0 || (t->alias && strcasecmp(key, t->alias) == 0);
}

/* The computer's entry; made when absent. NULL: out of memory. */
static struct json_object *need_entry(struct edit *e, const char *system)
{
	struct json_object *bindings = tree_need_object(e, e->doc, "bindings");

	if (!bindings)
		return NULL;
	json_object_object_foreach(bindings, key, value)
	{
		if (strcasecmp(key, system) == 0 && json_object_is_type(value, json_type_object))
			return value;
	}
	return tree_need_object(e, bindings, system);
}

static int target_find(struct edit *e, const struct binding_target *t, const char *name,
		       struct json_object **ret)
{
	int r = t->kind == BINDING_GROUP ? group_find(e, name, ret) : user_find(e, name, ret);

	if (r < 0)
		return r;
	return user_id(*ret) ? 0 : fault_set(e->fault, -EKEYREJECTED, "'%s' has no id", name);
}

int binding_add(struct edit *e, const struct binding_target *t, const char *name)
{
	struct json_object *entry, *list, *target;
	int r = target_find(e, t, name, &target);

	if (r < 0)
		return r;
	entry = need_entry(e, t->system);
	list = entry ? tree_need_array(e, entry, list_key(t->kind)) : NULL;
	return list ? tree_list_add(e, list, user_id(target)) : -ENOMEM;
}

/* Writes down that everybody is bound, since from now on somebody is not. */
static int close_open(struct edit *e, struct json_object *entry)
{
	static const char *const parts[] = {"users", "groups"};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		struct json_object *all = tree_array(e->doc, parts[i]),
				   *list = tree_need_array(e, entry, parts[i]);
		size_t n = all ? json_object_array_length(all) : 0;

		if (!list)
			return -ENOMEM;
		for (size_t j = 0; j < n; j++) {
			const char *id = user_id(json_object_array_get_idx(all, j));
			int r = id ? tree_append(e, list, json_object_new_string(id)) : 0;

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* The group through which the user ID stays bound by ENTRY; NULL: through none. */
static const struct json_object *bound_through(const struct edit *e,
					       const struct json_object *entry, const char *id)
{
	struct json_object *groups = tree_array(e->doc, "groups");
	size_t n = groups ? json_object_array_length(groups) : 0;

	for (size_t i = 0; i < n; i++) {
		const struct json_object *group = json_object_array_get_idx(groups, i);
		const char *group_id = user_id(group);

		if (group_id && tree_list_has(tree_array(entry, "groups"), group_id) &&
		    tree_list_has(tree_array(group, "members"), id))
			return group;
	}
	return NULL;
}

/* The members of a group go with it, also those who are listed themselves: everybody is, once the first was unbound. */
static void remove_from(struct edit *e, const struct binding_target *t, struct json_object *entry,
			const struct json_object *target)
{
	struct json_object *members =
		t->kind == BINDING_GROUP ? tree_array(target, "members") : NULL;
	size_t n = members ? json_object_array_length(members) : 0;

	tree_list_remove(e, tree_array(entry, list_key(t->kind)), user_id(target));
	for (size_t i = 0; i < n; i++) {
		const char *id = json_object_get_string(json_object_array_get_idx(members, i));

		if (id)
			tree_list_remove(e, tree_array(entry, "users"), id);
	}
}

int binding_remove(struct edit *e, const struct binding_target *t, const char *name)
{
	bool open = binding_open(e);
	struct json_object *entry, *target;
	int r = target_find(e, t, name, &target);

	if (r < 0)
		return r;
	entry = need_entry(e, t->system);
	r = !entry ? -ENOMEM : open ? close_open(e, entry) : 0;
	if (r < 0)
		return r;
	json_object_object_foreach(tree_object(e->doc, "bindings"), key, value)
	{
		if (is_key_of(t, key))
			remove_from(e, t, value, target);
	}
	return 0;
}

static int check_user(struct edit *e, const struct binding_target *t, const char *id)
{
	const struct json_object *user, *group = NULL;

	json_object_object_foreach(tree_object(e->doc, "bindings"), key, value)
	{
		if (!group && is_key_of(t, key))
			group = bound_through(e, value, id);
	}
	if (!group)
		return 0;
	user = user_by_id(e, id);
	fault_set(e->fault, -EKEYREJECTED, "'%s' stays bound to %s as a member of the group '%s'",
		  user ? tree_text_or_empty(user, "username") : id, t->system,
		  tree_text_or_empty(group, "name"));
	fault_hint(e->fault, "take the user out of that group, or unbind it, too");
	return -EKEYREJECTED;
}

int binding_check_removed(struct edit *e, const struct binding_target *t, const char *name)
{
	struct json_object *target, *members;
	int r = target_find(e, t, name, &target);

	if (r < 0 || t->kind == BINDING_USER)
		return r < 0 ? r : check_user(e, t, user_id(target));
	members = tree_array(target, "members");
	for (size_t i = 0, n = members ? json_object_array_length(members) : 0; r == 0 && i < n;
	     i++) {
		const char *id = json_object_get_string(json_object_array_get_idx(members, i));

		r = id ? check_user(e, t, id) : 0;
	}
	return r;
}
