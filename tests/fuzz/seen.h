/*
 * Takes what a directory's JSON became, requires that it passes the rules (D1, D4, D5), and keeps it, packed, for comparison.
 */
#ifndef TESTS_FUZZ_SEEN_H
#define TESTS_FUZZ_SEEN_H

#include "agentd/fetch/document.h"

struct seen {
	struct buf records; /* all that was said, in order */
	struct buf users, groups;
	struct strlist user_list, group_list;
	bool strangers; /* groups may name users who were not told */
};

struct document_sink seen_sink(struct seen *s);
/* For options.packed. */
int seen_packed(void *context, const void *record, size_t len);
void seen_done(struct seen *s);

#endif
