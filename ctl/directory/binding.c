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

static int target_id(struct edit *e, const struct binding_target *t, const char *name,
		     const char **ret)
{
	struct json_object *found;
	int r = t->kind == BINDING_GROUP ? group_find(e, name, &found) : user_find(e, name, &found);

	if (r < 0)
		return r;
	*ret = user_id(found);
	return *ret ? 0 : fault_set(e->fault, -EKEYREJECTED, "'%s' has no id", name);
}

int binding_add(struct edit *e, const struct binding_target *t, const char *name)
{
	struct json_object *entry, *list;
	const char *id;
	int r = target_id(e, t, name, &id);

	if (r < 0)
		return r;
	entry = need_entry(e, t->system);
	list = entry ? tree_need_array(e, entry, list_key(t->kind)) : NULL;
	return list ? tree_list_add(e, list, id) : -ENOMEM;
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

int binding_remove(struct edit *e, const struct binding_target *t, const char *name)
{
	bool open = binding_open(e);
	const struct json_object *group;
	struct json_object *entry;
	const char *id;
	int r = target_id(e, t, name, &id);

	if (r < 0)
		return r;
	entry = need_entry(e, t->system);
	r = !entry ? -ENOMEM : open ? close_open(e, entry) : 0;
	if (r < 0)
		return r;
	tree_list_remove(e, tree_array(entry, list_key(t->kind)), id);
	group = t->kind == BINDING_USER ? bound_through(e, entry, id) : NULL;
	if (!group)
		return 0;
	fault_set(e->fault, -EKEYREJECTED, "'%s' stays bound to %s as a member of the group '%s'",
		  name, t->system, tree_text_or_empty(group, "name"));
	fault_hint(e->fault, "take the user out of the group, or unbind the group");
	return -EKEYREJECTED;
}
