/* CSV as RFC 4180 has it; lines may also end in LF alone, a byte order mark is skipped, empty lines are too. */
#ifndef CTL_DIRECTORY_CSV_H
#define CTL_DIRECTORY_CSV_H

#include <stddef.h>

#include "common/macros.h"

#define CSV_CELLS_MAX 128

struct csv {
	char *at, *end;  /* what is left; a NUL is at END */
	unsigned line;   /* of AT, from 1 */
	const char *why; /* after -EBADMSG: what is wrong in line error_line */
	unsigned error_line;
};

struct csv_row {
	char *cells[CSV_CELLS_MAX]; /* point into the text */
	unsigned n_cells;
	unsigned line; /* where the row begins */
};

/* TEXT of LEN bytes, no NUL among them and one behind them, is cut up in place; it stays the caller's. */
void csv_init(struct csv *c, char *text, size_t len);
/* 1: a row; 0: no more; -EBADMSG: an open quote, text behind a closing one, a quote in a bare cell, too many cells */
int csv_next(struct csv *c, struct csv_row *ret) MUST_CHECK;

#endif
