#include "agentd/fetch/json.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define U53_MAX ((INT64_C(1) << 53) - 1)

void json_parser_done(struct json_parser *p)
{
	json_object_put(p->tree);
	if (p->tokener)
		json_tokener_free(p->tokener);
	*p = (struct json_parser){ 0 };
}

static int parse_fail(struct json_fault *fault, const char *reason, const char *detail)
{
	snprintf(fault->reason, sizeof(fault->reason), "%s", reason);
	snprintf(fault->detail, sizeof(fault->detail), "%s", detail);
	return -EBADMSG;
}

/* Keys of all objects together. json-c keeps one of two equal keys: fewer than were written. */
static uint32_t count_keys(struct json_object *o)
{
	uint32_t n = 0;

	if (json_object_is_type(o, json_type_object)) {
		struct lh_entry *e;

		n = (uint32_t)json_object_object_length(o);
		lh_foreach(json_object_get_object(o), e)
			n += count_keys((struct json_object *)lh_entry_v(e));
	} else if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			n += count_keys(json_object_array_get_idx(o, i));
	}
	return n;
}

static int tokener_fail(enum json_tokener_error error, struct json_fault *fault)
{
	if (error == json_tokener_error_depth)
		return parse_fail(fault, "too_deep", "nested too deeply");
	return parse_fail(fault, "json", json_tokener_error_desc(error));
}

int json_parse(struct json_parser *p, const struct scan_value *value, struct json_fault *fault,
	       struct json_node *ret)
{
	enum json_tokener_error error;

	json_object_put(p->tree);
	p->tree = NULL;
	if (!value->data)
		return parse_fail(fault, "too_big", "larger than is taken");
	if (value->bad_unicode)
		return parse_fail(fault, "unicode", "\\u0000 or half a surrogate pair");
	/* json-c's own check lets overlong forms and encoded surrogates pass. */
	if (!utf8_valid(value->data, value->len))
		return parse_fail(fault, "unicode", "not UTF-8");
	if (!p->tokener) {
		p->tokener = json_tokener_new_ex(JSON_DEPTH);
		if (!p->tokener)
			return -ENOMEM;
		json_tokener_set_flags(p->tokener, JSON_TOKENER_STRICT);
	}
	json_tokener_reset(p->tokener);
	p->tree = json_tokener_parse_ex(p->tokener, value->data, (int)value->len);
	error = json_tokener_get_error(p->tokener);
	if (error == json_tokener_continue) { /* a bare number could go on */
		p->tree = json_tokener_parse_ex(p->tokener, " ", 1);
		error = json_tokener_get_error(p->tokener);
	}
	if (error != json_tokener_success)
		return tokener_fail(error, fault);
	if (count_keys(p->tree) != value->n_keys)
		return parse_fail(fault, "key_twice", "an object has the same key twice");
	*ret = (struct json_node){ p->tree, fault };
	return 0;
}

int json_bad(const struct json_node *n, struct json_field f, const char *suffix, const char *format,
	     ...)
{
	struct json_fault *fault = n->fault;
	va_list args;
	int len;

	if (fault->reason[0])
		return -EINVAL;
	snprintf(fault->reason, sizeof(fault->reason), "%s%s", f.word, suffix);
	len = snprintf(fault->detail, sizeof(fault->detail), "%s: ", f.key);
	va_start(args, format);
	vsnprintf(fault->detail + len, sizeof(fault->detail) - (size_t)len, format, args);
	va_end(args);
	return -EINVAL;
}

/* 1 when F is there and of TYPE. */
static int get(const struct json_node *n, struct json_field f, enum json_type type,
	       struct json_object **ret)
{
	struct json_object *o = NULL;

	json_object_object_get_ex(n->object, f.key, &o);
	if (!o)
		return 0;
	if (!json_object_is_type(o, type))
		return json_bad(n, f, "_type", "%s, not %s",
				json_type_to_name(json_object_get_type(o)),
				json_type_to_name(type));
	*ret = o;
	return 1;
}

bool json_is_int(const struct json_object *o, int64_t *ret)
{
	if (!json_object_is_type(o, json_type_int))
		return false;
	*ret = json_object_get_int64(o);
	return true;
}

bool json_is_true(const struct json_object *o)
{
	return json_object_is_type(o, json_type_boolean) && json_object_get_boolean(o);
}

int json_u53(const struct json_node *n, uint64_t *ret)
{
	int64_t value;

	/* What does not fit is clamped, and so out of range as well. */
	if (!json_is_int(n->object, &value) || value < 0 || value > U53_MAX)
		return -EINVAL;
	*ret = (uint64_t)value;
	return 0;
}

int json_get_u53(const struct json_node *n, struct json_field f, uint64_t *ret)
{
	struct json_node field = { NULL, n->fault };
	int r = get(n, f, json_type_int, &field.object);

	if (r <= 0)
		return r;
	if (json_u53(&field, ret) < 0)
		return json_bad(n, f, "_range", "%s is out of range",
				json_object_to_json_string(field.object));
	return 1;
}

bool json_present(const struct json_node *n, const char *key)
{
	struct json_object *o = NULL;

	json_object_object_get_ex(n->object, key, &o);
	return o &&
	       !(json_object_is_type(o, json_type_string) && json_object_get_string_len(o) == 0);
}

int json_get_u32(const struct json_node *n, struct json_field f, uint32_t min, uint32_t max,
		 uint32_t *ret)
{
	uint64_t value;
	int r = json_get_u53(n, f, &value);

	if (r <= 0)
		return r;
	if (value < min || value > max)
		return json_bad(n, f, "_range", "%llu is not in %u..%u", (unsigned long long)value,
				min, max);
	*ret = (uint32_t)value;
	return 1;
}

int json_get_bool(const struct json_node *n, struct json_field f, bool *ret)
{
	struct json_object *o = NULL;
	int r = get(n, f, json_type_boolean, &o);

	if (r > 0)
		*ret = json_object_get_boolean(o);
	return r;
}

/* json-c has checked the UTF-8; C1 controls are its \xc2\x80 to \xc2\x9f. */
static bool text_clean(const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s[1] < 0xa0))
			return false;
	}
	return true;
}

/* Without NUL, at most MAX bytes; NULL when it is no such string. */
static const char *string_of(struct json_object *o, size_t max)
{
	const char *s;
	size_t len;

	if (!json_object_is_type(o, json_type_string))
		return NULL;
	s = json_object_get_string(o);
	len = (size_t)json_object_get_string_len(o);
	return len <= max && strlen(s) == len ? s : NULL;
}

const char *json_text(const struct json_node *n, size_t max)
{
	const char *s = string_of(n->object, max);

	return s && text_clean(s) ? s : NULL;
}

int json_get_raw(const struct json_node *n, struct json_field f, size_t max, const char **ret)
{
	struct json_object *o = NULL;
	int r = get(n, f, json_type_string, &o);
	const char *s;

	if (r <= 0)
		return r;
	s = string_of(o, max);
	if (!s)
		return json_bad(n, f, "_invalid", "longer than %zu bytes, or a NUL in it", max);
	*ret = s;
	return 1;
}

int json_get_text(const struct json_node *n, struct json_field f, size_t max, const char **ret)
{
	const char *s;
	int r = json_get_raw(n, f, max, &s);

	if (r <= 0)
		return r;
	if (!text_clean(s))
		return json_bad(n, f, "_invalid", "control characters in it");
	*ret = s;
	return 1;
}

int json_get_time(const struct json_node *n, struct json_field f, int64_t *ret)
{
	const char *s;
	int r = json_get_text(n, f, 64, &s);

	if (r <= 0)
		return r;
	if (!*s)
		return 0;
	if (parse_time(s, ret) < 0)
		return json_bad(n, f, "_invalid", "\"%s\" is not a date", s);
	return 1;
}

static int get_node(const struct json_node *n, struct json_field f, enum json_type type,
		    struct json_node *ret)
{
	struct json_node field = { NULL, n->fault };
	int r = get(n, f, type, &field.object);

	if (r > 0)
		*ret = field;
	return r;
}

int json_get_object(const struct json_node *n, struct json_field f, struct json_node *ret)
{
	return get_node(n, f, json_type_object, ret);
}

int json_get_array(const struct json_node *n, struct json_field f, struct json_node *ret)
{
	return get_node(n, f, json_type_array, ret);
}

size_t json_array_len(const struct json_node *array)
{
	return json_object_array_length(array->object);
}

struct json_node json_array_item(const struct json_node *array, size_t i)
{
	return (struct json_node){ json_object_array_get_idx(array->object, i), array->fault };
}

struct json_object *json_keep(const struct json_node *n)
{
	return json_object_get(n->object);
}

void json_drop(struct json_object *o)
{
	json_object_put(o);
}

bool json_array_at(const struct json_node *array, size_t i, struct json_node *ret)
{
	*ret = json_array_item(array, i);
	return json_object_is_type(ret->object, json_type_array);
}

bool json_is_object(const struct json_node *n)
{
	return json_object_is_type(n->object, json_type_object);
}
