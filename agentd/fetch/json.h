/*
 * Typed reading of JSON: the only file that may call json_object_get_int64(), _boolean() and
 * _double(), which make numbers of strings, nulls and missing keys without a word (security.md
 * 5.c.1).
 */
#ifndef AGENTD_FETCH_JSON_H
#define AGENTD_FETCH_JSON_H

#include "agentd/fetch/scanner.h"
#include "common/macros.h"

struct json_object; /* json-c's */
struct json_tokener;

#define JSON_DEPTH 16

/* The first thing found wrong: one word, and a sentence for the administrator. reason "": nothing. */
struct json_fault {
	char reason[48];
	char detail[160];
};

/* A value, borrowed from the tree it is in, and where to say what is wrong with it. */
struct json_node {
	struct json_object *object; /* NULL is JSON's null */
	struct json_fault *fault;
};

/* Parses values one after another; all zero at first. */
struct json_parser {
	struct json_tokener *tokener;
	struct json_object *tree;
};
void json_parser_done(struct json_parser *p);

/*
 * Parse what a scanner took. RET is good until the next call. 0; -ENOMEM; -EBADMSG with the
 * reason too_big, unicode (not UTF-8, \u0000, half a surrogate pair), key_twice (in any object of
 * it), too_deep or json.
 */
int json_parse(struct json_parser *p, const struct scan_value *value, struct json_fault *fault,
	       struct json_node *ret) MUST_CHECK;

/* A field: its key, and what reasons call it. */
struct json_field {
	const char *key, *word;
};
#define JSON_FIELD(key, word) ((struct json_field){ key, word })

/*
 * Get field F of the object N. Returns 1 when it is there; 0 when it is absent or null, *ret
 * untouched; -EINVAL when it is bad, *ret untouched: the reason is then the word of F and
 * "_type", or what is said below. Strings live as long as the tree.
 */

/* An integer written as one (not 5.0, not "5") in MIN..MAX, else "_range". */
int json_get_u32(const struct json_node *n, struct json_field f, uint32_t min, uint32_t max,
		 uint32_t *ret) MUST_CHECK;
/* 0..2^53-1, which every JSON library can carry, else "_range". */
int json_get_u53(const struct json_node *n, struct json_field f, uint64_t *ret) MUST_CHECK;
int json_get_bool(const struct json_node *n, struct json_field f, bool *ret) MUST_CHECK;
/* At most MAX bytes without control characters, else "_invalid". */
int json_get_text(const struct json_node *n, struct json_field f, size_t max, const char **ret) MUST_CHECK;
/* At most MAX bytes, with any character but NUL, else "_invalid". */
int json_get_raw(const struct json_node *n, struct json_field f, size_t max, const char **ret) MUST_CHECK;
/* A date as parse_time() takes it, else "_invalid"; "" counts as null. */
int json_get_time(const struct json_node *n, struct json_field f, int64_t *ret) MUST_CHECK;
int json_get_object(const struct json_node *n, struct json_field f, struct json_node *ret) MUST_CHECK;
int json_get_array(const struct json_node *n, struct json_field f, struct json_node *ret) MUST_CHECK;

/* Items of what json_get_array() gave, of any type. */
size_t json_array_len(const struct json_node *array);
struct json_node json_array_item(const struct json_node *array, size_t i);
bool json_is_object(const struct json_node *n);
/* Item I, when it is an array itself. */
bool json_array_at(const struct json_node *array, size_t i, struct json_node *ret);
/* The value of N, to be used when its tree is gone; freed with json_drop(). NULL is JSON's null. */
struct json_object *json_keep(const struct json_node *n);
void json_drop(struct json_object *o);
/* For a value that is a string such as json_get_text() takes; else NULL. */
const char *json_text(const struct json_node *n, size_t max);

/* 0, or -EINVAL when the value is no integer of 0..2^53-1. */
int json_u53(const struct json_node *n, uint64_t *ret) MUST_CHECK;
/* The same without a fault to fill, for musterctl's trees: any integer, clamped to an int64; the JSON true. NULL is neither. */
bool json_is_int(const struct json_object *o, int64_t *ret);
bool json_is_true(const struct json_object *o);
/* The field is there, and neither null nor "". */
bool json_present(const struct json_node *n, const char *key);

/* For checks beyond the type: the reason is the word of F and SUFFIX. Returns -EINVAL. */
int json_bad(const struct json_node *n, struct json_field f, const char *suffix, const char *format, ...)
	PRINTF_LIKE(4, 5);

#endif
