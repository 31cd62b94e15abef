/*
 * What musterctl users --where asks: an expression over the fields of ctl/user_row.h, such as
 *   state = SUSPENDED and (password_expires_at < +30d or not mfa)
 * The language is in musterctl(1), QUERIES.
 */
#ifndef CTL_QUERY_H
#define CTL_QUERY_H

#include "ctl/message.h"
#include "ctl/user_row.h"

#define QUERY_LENGTH_MAX 4096 /* bytes of an expression */
#define QUERY_NODES_MAX  256  /* tests, and, or, not */
#define QUERY_DEPTH_MAX  64   /* parentheses and nots in each other */

enum query_compare {
	COMPARE_NONE = 0,
	COMPARE_EQUAL,
	COMPARE_DIFFERENT,
	COMPARE_LESS,
	COMPARE_AT_MOST,
	COMPARE_GREATER,
	COMPARE_AT_LEAST,
	COMPARE_HAS, /* ~: the text is in it somewhere, in capitals or not */
};

struct query_value {
	const char *text;
	int64_t number; /* uint32_t, bool or a date; 0: never */
};

struct query_node {
	enum { QUERY_TEST, QUERY_NOT, QUERY_AND, QUERY_OR } kind;
	unsigned left, right; /* nodes; of NOT the left one */
	const struct user_field *field;
	enum query_compare compare;
	struct query_value value;
};

struct query {
	struct query_node nodes[QUERY_NODES_MAX];
	unsigned n_nodes, root;
	const struct user_field *for_root; /* the first field that only root can ask for; or NULL */
	char text[QUERY_LENGTH_MAX + 1];   /* the values */
};

/* TEXT into RET; dates are relative to NOW. -EINVAL: F says what is wrong, and at which character. */
int query_parse(const char *text, int64_t now, struct query *ret, struct fault *f) MUST_CHECK;
/* Of a row that is not known, where the query asks for what root alone may know: false. */
bool query_match(const struct query *q, const struct user_row *row);

#endif
