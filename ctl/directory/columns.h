/*
 * The columns of users in CSV, for import and export: named as JumpCloud's own CSV import names them (its
 * New-JCImportTemplate), and ours. In a header case, blanks, _ and - do not count. In cells that
 * hold several values (ssh_keys, groups) each has a line.
 */
#ifndef CTL_DIRECTORY_COLUMNS_H
#define CTL_DIRECTORY_COLUMNS_H

#include <json-c/json.h>
#include <stdbool.h>

#include "common/macros.h"
#include "ctl/directory/csv.h"
#include "ctl/message.h"

enum column_kind {
	COLUMN_TEXT,
	COLUMN_BOOL,
	COLUMN_INT,
	COLUMN_TIME,
	COLUMN_KEYS,     /* SSH public keys */
	COLUMN_GROUPS,   /* names of groups */
	COLUMN_PASSWORD, /* in clear: import alone */
	COLUMN_SECRET,   /* text that export leaves out unless told */
	COLUMN_DROPPED,  /* JumpCloud's, known, and not kept */
};

struct column {
	const char *name; /* the key in a user of the document, except for groups and password */
	enum column_kind kind;
	const char *alias; /* a second name in headers, or NULL */
};

/* All that are known, in the order of an export. */
extern const struct column columns[];
extern const unsigned n_columns;

/* The column that a header cell means; NULL: none. "Group1", "Group2", … are groups. */
const struct column *column_find(const char *header);

/*
 * One row as a user: a new JSON object with the fields whose cells are not empty.
 *   header   the column of each cell
 *   ret_user freed with json_object_put()
 * Groups and password are left to the caller. -EINVAL with F filled: "line 3: …".
 */
int columns_read(const struct column *const *header, const struct csv_row *row,
		 struct json_object **ret_user, struct fault *f) MUST_CHECK;

#endif
