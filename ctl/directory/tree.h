/*
 * Reading and changing the tree of a document. What has another JSON type than asked for counts as absent;
 * nothing is coerced. Setters notice whether they changed anything, so that an edit without effect
 * neither raises the serial nor publishes.
 */
#ifndef CTL_DIRECTORY_TREE_H
#define CTL_DIRECTORY_TREE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/macros.h"

struct fault;
struct local;

/* One edit of one document. Pure: time and what is known of this computer are given. */
struct edit {
	struct json_object *doc;
	int64_t now;
	bool changed;
	struct fault *fault; /* filled by whoever returns an error */
	const struct local *
		local; /* what this computer has itself; NULL: the document is not for this computer */
};

/* NULL when absent, no string, or with a NUL inside. Points into O. */
const char *tree_text(const struct json_object *o, const char *key);
/* "" instead of NULL. */
const char *tree_text_or_empty(const struct json_object *o, const char *key);
bool tree_true(const struct json_object *o, const char *key);
/* JSON integers only. */
bool tree_int(const struct json_object *o, const char *key, int64_t *ret);
/* A time as text. */
bool tree_time(const struct json_object *o, const char *key, int64_t *ret);
/* NULL when absent or another type. */
struct json_object *tree_array(const struct json_object *o, const char *key);
struct json_object *tree_object(const struct json_object *o, const char *key);

/* Set KEY of O; 0 or -ENOMEM. An absent key counts as null, a missing bool as false. */
int tree_set_text(struct edit *e, struct json_object *o, const char *key,
		  const char *value) MUST_CHECK;
int tree_set_bool(struct edit *e, struct json_object *o, const char *key, bool value) MUST_CHECK;
int tree_set_int(struct edit *e, struct json_object *o, const char *key, int64_t value) MUST_CHECK;
int tree_set_time(struct edit *e, struct json_object *o, const char *key, int64_t value) MUST_CHECK;
void tree_unset(struct edit *e, struct json_object *o, const char *key);
/* The array or object KEY of O, made when absent; replaces what has another type. NULL: -ENOMEM. */
struct json_object *tree_need_array(struct edit *e, struct json_object *o, const char *key);
struct json_object *tree_need_object(struct edit *e, struct json_object *o, const char *key);
/* Append ITEM, which is taken over also on failure; NULL is -ENOMEM. */
int tree_append(struct edit *e, struct json_object *array, struct json_object *item) MUST_CHECK;

/* Arrays of strings (ids): NULL arrays are empty. */
bool tree_list_has(const struct json_object *array, const char *text);
int tree_list_add(struct edit *e, struct json_object *array, const char *text) MUST_CHECK;
void tree_list_remove(struct edit *e, struct json_object *array, const char *text);
/* Takes TEXT out of the array KEY of everything in PARENT, an array or an object. */
void tree_forget(struct edit *e, struct json_object *parent, const char *key, const char *text);

#endif
