/* The values of ctl/query.h by the kind of their field: which words are some, and how they are compared. */
#ifndef CTL_QUERY_VALUE_H
#define CTL_QUERY_VALUE_H

#include "ctl/query.h"

/*
 * What V->text says of a field of KIND, compared by COMPARE. -EOPNOTSUPP: not so; -EINVAL: it is no such value; WHY then
 * has words for it.
 */
int query_value_parse(enum user_field_kind kind, enum query_compare compare, int64_t now,
		      struct query_value *v, char why[static 160]) MUST_CHECK;
/* What stands for "no" in a field that can be asked for by its name alone; false: KIND has none. */
bool query_value_no(enum user_field_kind kind, struct query_value *ret);
bool query_value_match(const struct query_node *n, const struct user_row *row);
/* The remedy for a name that is no field. */
void query_hint_fields(struct fault *f);

#endif
