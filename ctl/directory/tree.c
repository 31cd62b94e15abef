#include "ctl/directory/tree.h"

#include <errno.h>
#include <string.h>

#include "agentd/fetch/json.h"
#include "common/str.h"

static struct json_object *get(const struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &value))
		return NULL;
	return json_object_is_type(value, type) ? value : NULL;
}

/* The string in O, NULL when it is none or has a NUL inside. */
static const char *string_of(struct json_object *o)
{
	const char *text =
		json_object_is_type(o, json_type_string) ? json_object_get_string(o) : NULL;

	return text && strlen(text) == (size_t)json_object_get_string_len(o) ? text : NULL;
}

const char *tree_text(const struct json_object *o, const char *key)
{
	return string_of(get(o, key, json_type_string));
}

const char *tree_text_or_empty(const struct json_object *o, const char *key)
{
	const char *text = tree_text(o, key);

	return text ? text : "";
}

bool tree_true(const struct json_object *o, const char *key)
{
	return json_is_true(get(o, key, json_type_boolean));
}

bool tree_int(const struct json_object *o, const char *key, int64_t *ret)
{
	return json_is_int(get(o, key, json_type_int), ret);
}

bool tree_time(const struct json_object *o, const char *key, int64_t *ret)
{
	const char *text = tree_text(o, key);

	return text && parse_time(text, ret) == 0;
}

struct json_object *tree_array(const struct json_object *o, const char *key)
{
	return get(o, key, json_type_array);
}

struct json_object *tree_object(const struct json_object *o, const char *key)
{
	return get(o, key, json_type_object);
}

static int set(struct edit *e, struct json_object *o, const char *key, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (json_object_object_add(o, key, value) < 0) {
		json_object_put(value);
		return -ENOMEM;
	}
	e->changed = true;
	return 0;
}

int tree_set_text(struct edit *e, struct json_object *o, const char *key, const char *value)
{
	const char *old = tree_text(o, key);

	return old && strcmp(old, value) == 0 ? 0 : set(e, o, key, json_object_new_string(value));
}

int tree_set_bool(struct edit *e, struct json_object *o, const char *key, bool value)
{
	struct json_object *old = NULL;

	json_object_object_get_ex(o, key, &old);
	if (old ? json_object_is_type(old, json_type_boolean) && tree_true(o, key) == value
		: !value)
		return 0;
	return set(e, o, key, json_object_new_boolean(value));
}

int tree_set_int(struct edit *e, struct json_object *o, const char *key, int64_t value)
{
	int64_t old;

	return tree_int(o, key, &old) && old == value
		       ? 0
		       : set(e, o, key, json_object_new_int64(value));
}

int tree_set_time(struct edit *e, struct json_object *o, const char *key, int64_t value)
{
	char text[TIME_TEXT_SIZE];

	format_time(value, text);
	return tree_set_text(e, o, key, text);
}

void tree_unset(struct edit *e, struct json_object *o, const char *key)
{
	struct json_object *old = NULL;

	if (!json_object_object_get_ex(o, key, &old))
		return;
	json_object_object_del(o, key);
	e->changed |= old != NULL;
}

struct json_object *tree_need_array(struct edit *e, struct json_object *o, const char *key)
{
	struct json_object *array = tree_array(o, key);

	if (array)
		return array;
	return set(e, o, key, json_object_new_array()) < 0 ? NULL : tree_array(o, key);
}

struct json_object *tree_need_object(struct edit *e, struct json_object *o, const char *key)
{
	struct json_object *object = tree_object(o, key);

	if (object)
		return object;
	return set(e, o, key, json_object_new_object()) < 0 ? NULL : tree_object(o, key);
}

int tree_append(struct edit *e, struct json_object *array, struct json_object *item)
{
	if (!item)
		return -ENOMEM;
	if (json_object_array_add(array, item) < 0) {
		json_object_put(item);
		return -ENOMEM;
	}
	e->changed = true;
	return 0;
}

bool tree_list_has(const struct json_object *array, const char *text)
{
	size_t n = array ? json_object_array_length(array) : 0;

	for (size_t i = 0; i < n; i++) {
		const char *item = string_of(json_object_array_get_idx(array, i));

		if (item && strcmp(item, text) == 0)
			return true;
	}
	return false;
}

int tree_list_add(struct edit *e, struct json_object *array, const char *text)
{
	return tree_list_has(array, text) ? 0 : tree_append(e, array, json_object_new_string(text));
}

void tree_list_remove(struct edit *e, struct json_object *array, const char *text)
{
	for (size_t i = array ? json_object_array_length(array) : 0; i-- > 0;) {
		const char *item = string_of(json_object_array_get_idx(array, i));

		if (!item || strcmp(item, text) != 0)
			continue;
		json_object_array_del_idx(array, i, 1);
		e->changed = true;
	}
}

void tree_forget(struct edit *e, struct json_object *parent, const char *key, const char *id)
{
	if (json_object_is_type(parent, json_type_array))
		for (size_t i = json_object_array_length(parent); i-- > 0;)
			tree_list_remove(e, tree_array(json_object_array_get_idx(parent, i), key),
					 id);
	if (!json_object_is_type(parent, json_type_object))
		return;
	json_object_object_foreach(parent, name, value)
	{
		(void)name;
		tree_list_remove(e, tree_array(value, key), id);
	}
}
