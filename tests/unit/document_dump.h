/*
 * A document as text: one line for each thing that document_read() says, so that tests compare strings. Only what is not
 * the default is printed.
 */
#ifndef TESTS_UNIT_DOCUMENT_DUMP_H
#define TESTS_UNIT_DOCUMENT_DUMP_H

#include "agentd/fetch/document.h"
#include "common/str.h"

struct dump {
	struct buf text;
	struct document_options options;
	struct document_result result;
};

/* Writes what it is told to D. */
struct document_sink dump_sink(struct dump *d);
/* For options.packed. */
int dump_packed(void *context, const void *record, size_t len);

/* Reads LEN bytes of TEXT as document_read() does. The dump ends with a NUL; buf_done(&d->text) by the caller. */
int dump_document(struct dump *d, const char *text, size_t len);
/* The same, fed in pieces of FIRST, then STEP bytes. */
int dump_pieces(struct dump *d, const char *text, size_t len, size_t first, size_t step);

#endif
