/* Exporting one system: from asking its directory to the file that is served (export.c has the command). */
#ifndef CTL_EXPORT_EXPORT_H
#define CTL_EXPORT_EXPORT_H

#include "agentd/conf.h"
#include "agentd/local.h"
#include "ctl/export/target.h"

enum export_outcome {
	EXPORT_FAILED = 0,
	EXPORT_WRITTEN,
	EXPORT_UNCHANGED,
	EXPORT_HELD, /* too many users are missing: the file stays as it is */
};

struct export_options {
	const struct local *local;
	int dir_fd;
	gid_t group; /* may read the files, or (gid_t)-1 */
	bool accept_removals;
	int64_t now;
};

struct export_result {
	enum export_outcome outcome;
	char name[72]; /* of the file */
	int64_t serial;
	uint32_t users, groups, missing;
	struct json_object *left_out; /* array of what the document does not have, and why */
	struct fault fault;           /* of EXPORT_FAILED */
};

/* The document of C's system. RET: all zero before, export_result_done() after. */
void export_system(const struct conf *c, const struct export_options *o, struct export_result *ret);
/*
 * The ids of all systems of C's organisation, NUL after each. -EINVAL C's driver has none; -errno. F is
 * filled.
 */
int export_systems(const struct conf *c, const struct export_options *o, struct buf *ids,
		   struct fault *f) MUST_CHECK;
void export_result_done(struct export_result *r);

#endif
