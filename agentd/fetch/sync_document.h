/*
 * Driver "document": answers SYNC with what the file that came along says, or a document on a web server.
 */
#ifndef AGENTD_FETCH_SYNC_DOCUMENT_H
#define AGENTD_FETCH_SYNC_DOCUMENT_H

#include "agentd/fetch/outlet.h"
#include "agentd/fetch/session.h"

/* Answers F through O. 0, also when the answer is that it failed; -errno when there is nobody to answer any more. */
int sync_document(struct session *s, struct outlet *o, const struct frame *f) MUST_CHECK;

#endif
