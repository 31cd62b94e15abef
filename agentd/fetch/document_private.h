/*
 * Shared by document.c (the whole: outline, order) and document_parts.c (what is in each part).
 */
#ifndef AGENTD_FETCH_DOCUMENT_PRIVATE_H
#define AGENTD_FETCH_DOCUMENT_PRIVATE_H

#include "agentd/fetch/document.h"
#include "agentd/fetch/id_list.h"
#include "agentd/fetch/idset.h"
#include "agentd/fetch/json.h"
#include "agentd/fetch/known.h"
#include "agentd/fetch/scanner.h"
#include "agentd/fetch/user.h"
#include "common/names.h"

enum part {
	PART_NONE = 0,
	PART_USERS,
	PART_GROUPS,
	PART_BINDINGS,
	PART_REMOVED,
	PART_POLICY,
	PART_FORMAT,
	PART_SERIAL,
	PART_CONFIRMED_AT,
	PART_COUNT,
};

struct id_census {
	struct idset seen, twice;
};

struct document {
	const struct document_options *options;
	const struct document_sink *sink;
	struct document_result *result;
	struct scanner scanner; /* of the outline */
	struct scan_handler handler;
	struct json_parser json;
	struct json_fault fault;

	struct scan_at at[PART_COUNT]; /* type 0: not in the document */
	enum part part;		       /* being outlined */
	struct id_census users, groups;
	char element_id[2][OBJECT_ID_SIZE]; /* `id` and `_id` of the element being outlined */
	struct buf group_ids; /* one string a group, in order; "" for a group that cannot be used */
	uint32_t n_groups;

	bool whole; /* all of them were read */

	/* Of the parts. */
	bool all_bound;
	struct idset bound_users, bound_groups; /* when not all_bound */
	struct idset sent_users, sent_groups;
	struct idset told; /* ids given twice, reported once */
	struct scan_at element; /* being read */
	uint32_t n_reports;
	struct buf packed;
	struct user_reader user;
};

/* Each reads its part with a scanner of its own. FD holds the document. Errors as document_read(). */
int part_policy(struct document *d, int fd) MUST_CHECK;
int part_removed(struct document *d, int fd) MUST_CHECK;
int part_bindings(struct document *d, int fd) MUST_CHECK;
int part_users(struct document *d, int fd) MUST_CHECK;
int part_groups(struct document *d, int fd) MUST_CHECK;
/* The members of bound groups: given to the sink, or, when BIND, only put into bound_users. */
int part_members(struct document *d, int fd, bool bind) MUST_CHECK;

/* Feeds HANDLER the part that begins at AT. Handlers put what is wrong into d->result->text. */
int part_scan(struct document *d, int fd, const struct scan_at *at, const struct scan_handler *handler) MUST_CHECK;
int leave_nothing(void *context, unsigned depth); /* for handlers */

/* Tell the sink what was left out of d->element; the context is a struct document. Foreign text is escaped here. */
int document_report(void *context, const struct reject *reject) MUST_CHECK;
/* The same with the reason in d->fault. */
int document_report_fault(struct document *d, const char *kind, const char *id, const char *name) MUST_CHECK;
/* An id that more than one element has: none of them is taken, and one report is enough. */
int document_report_twice(struct document *d, const char *kind, const char *id, const char *name) MUST_CHECK;

/* An item of a list of ids, good until the next parse; NULL when it is no id, for document_report_member(). */
int document_id_take(struct document *d, const struct scan_at *at, const struct scan_value *value,
		     const char **ret) MUST_CHECK;
int document_report_member(struct document *d, const char *group_id) MUST_CHECK;

#endif
