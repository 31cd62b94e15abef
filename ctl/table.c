#include "ctl/table.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <wchar.h>

#include "common/names.h"

void table_init(struct table *t, const char *const *header)
{
	*t = (struct table){0};
	for (; header[t->n_columns]; t->n_columns++)
		table_cell(t, header[t->n_columns]);
}

void table_cell(struct table *t, const char *text)
{
	size_t size = text ? 4 * strlen(text) + 1 : 1; /* every byte may be escaped */

	if (t->error == 0)
		t->error = buf_reserve(&t->cells, size);
	if (t->error == 0) {
		char *cell = (char *)t->cells.data + t->cells.len;

		name_escape(text ? text : "", cell, size);
		t->cells.len += strlen(cell) + 1;
	}
	t->n_cells++;
}

void table_cell_u32(struct table *t, uint32_t n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	table_cell(t, text);
}

/* Columns of the terminal, near enough: characters, not bytes. */
static unsigned text_width(const char *s)
{
	unsigned n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static const char *next_cell(const char *cell)
{
	return cell + strlen(cell) + 1;
}

static void print_upper(FILE *out, const char *s)
{
	for (; *s; s++)
		putc(toupper((unsigned char)*s), out);
}

int table_print(const struct table *t, FILE *out)
{
	unsigned width[TABLE_COLUMNS_MAX] = {0};
	const char *cell = (const char *)t->cells.data;

	if (t->error != 0)
		return t->error;
	for (unsigned i = 0; i < t->n_cells; i++, cell = next_cell(cell)) {
		unsigned w = text_width(cell);

		if (w > width[i % t->n_columns])
			width[i % t->n_columns] = w;
	}
	cell = (const char *)t->cells.data;
	for (unsigned i = 0; i < t->n_cells; i++, cell = next_cell(cell)) {
		unsigned column = i % t->n_columns;
		bool last = column == t->n_columns - 1;

		if (i < t->n_columns)
			print_upper(out, cell);
		else
			fputs(cell, out);
		if (!last)
			fprintf(out, "%*s", (int)(width[column] - text_width(cell) + 2), "");
		else
			putc('\n', out);
	}
	return 0;
}

void csv_print_field(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n") && text[0] != ' ' &&
	    (!text[0] || text[strlen(text) - 1] != ' ')) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

int table_print_csv(const struct table *t, FILE *out)
{
	const char *cell = (const char *)t->cells.data;

	if (t->error != 0)
		return t->error;
	for (unsigned i = 0; i < t->n_cells; i++, cell = next_cell(cell)) {
		if (t->n_columns == 1 && !*cell)
			fputs("\"\"", out); /* an empty line would be no row */
		else
			csv_print_field(out, cell);
		putc((i + 1) % t->n_columns ? ',' : '\n', out);
	}
	return 0;
}

void table_done(struct table *t)
{
	buf_done(&t->cells);
}
