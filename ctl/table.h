/*
 * Rows of text, printed as an aligned table or as CSV (RFC 4180). Cells are foreign text: control and
 * non-UTF-8 bytes are escaped on the way in.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stdio.h>

#include "common/str.h"

#define TABLE_COLUMNS_MAX 32

struct table {
	unsigned n_columns;
	struct buf cells; /* cell NUL cell NUL …, row after row; the first row is the header */
	unsigned n_cells;
	int error; /* the first failure: -ENOMEM */
};

/* HEADER: NULL-terminated names of the columns. */
void table_init(struct table *t, const char *const *header);
/* The next cell, NULL is "". Failures are kept until the table is printed. */
void table_cell(struct table *t, const char *text);
void table_cell_u32(struct table *t, uint32_t n);
/* Columns two blanks apart, header in capitals. 0 or the kept error. */
int table_print(const struct table *t, FILE *out) MUST_CHECK;
int table_print_csv(const struct table *t, FILE *out) MUST_CHECK;
void table_done(struct table *t);

/* One CSV field, quoted when it must be. A field that a spreadsheet would take for a formula stays as it is. */
void csv_print_field(FILE *out, const char *text);

#endif
