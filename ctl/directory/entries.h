/* What a file to import holds: users, as JSON objects, with what goes beside them. */
#ifndef CTL_DIRECTORY_ENTRIES_H
#define CTL_DIRECTORY_ENTRIES_H

#include <json-c/json.h>

#include "common/str.h"
#include "ctl/message.h"

struct entry {
	struct json_object *user;
	const char *password;  /* in clear, or NULL */
	char *password_hash;   /* made of it by entries_hash() */
	struct strlist groups; /* names */
	unsigned line;         /* of CSV; 0: the JSON list's item */
};

struct entries {
	const char *path;
	struct buf text; /* of the file: wiped, since it may hold passwords */
	struct buf groups;
	struct json_object *tree;
	struct entry *list;
	size_t n;
	unsigned n_dropped_columns;
};

/*
 * Read PATH: CSV with a header, {"results":[…]} or {"users":[…]} or a list of users in JSON. All faults of the
 * file's form are -EBADMSG or -EINVAL with line and words in F; entries_done() after every outcome.
 */
int entries_load(struct entries *e, const char *path, struct fault *f) MUST_CHECK;
/* Make verifiers of all passwords: about ten a second. */
int entries_hash(struct entries *e, struct fault *f) MUST_CHECK;
void entries_done(struct entries *e);

#endif
