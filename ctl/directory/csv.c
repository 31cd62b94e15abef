#include "ctl/directory/csv.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

void csv_init(struct csv *c, char *text, size_t len)
{
	*c = (struct csv){.at = text, .end = text + len, .line = 1};
	if (len >= 3 && memcmp(text, BYTE_ORDER_MARK, 3) == 0)
		c->at += 3;
}

static int fail(struct csv *c, unsigned line, const char *why)
{
	c->error_line = line;
	c->why = why;
	return -EBADMSG;
}

static bool at_line_end(const struct csv *c)
{
	return c->at[0] == '\n' || (c->at[0] == '\r' && c->at[1] == '\n');
}

static void skip_line_end(struct csv *c)
{
	c->at += c->at[0] == '\r' ? 2 : 1;
	c->line++;
}

/* A quoted cell: AT is behind the opening quote, OUT where the cell is gathered. */
static int take_quoted(struct csv *c, char *out)
{
	unsigned first = c->line;

	for (;; c->at++) {
		if (c->at == c->end)
			return fail(c, first, "a quote is never closed");
		if (c->at[0] == '"' && c->at[1] != '"')
			break;
		c->at += c->at[0] == '"';
		c->line += c->at[0] == '\n';
		*out++ = c->at[0];
	}
	c->at++;
	if (c->at != c->end && c->at[0] != ',' && !at_line_end(c))
		return fail(c, c->line, "text behind a closing quote");
	*out = '\0'; /* not on the separator: OUT is behind AT by two quotes at least */
	return 0;
}

static int take_bare(struct csv *c)
{
	for (; c->at != c->end && c->at[0] != ',' && !at_line_end(c); c->at++)
		if (c->at[0] == '"')
			return fail(c, c->line,
				    "a quote inside a cell that does not begin with one");
	return 0;
}

/* One cell of ROW. Its NUL goes where the separator was: *ENDED says whether the row ended there. */
static int take_cell(struct csv *c, struct csv_row *row, bool *ended)
{
	bool quoted = c->at[0] == '"';
	char *cell = c->at, *stop;
	int r;

	if (row->n_cells == CSV_CELLS_MAX)
		return fail(c, c->line, "too many cells");
	c->at += quoted;
	r = quoted ? take_quoted(c, cell) : take_bare(c);
	if (r < 0)
		return r;
	row->cells[row->n_cells++] = cell;
	stop = c->at;
	*ended = c->at == c->end || c->at[0] != ',';
	if (c->at != c->end && *ended)
		skip_line_end(c);
	else if (c->at != c->end)
		c->at++;
	if (!quoted)
		*stop = '\0';
	return 0;
}

int csv_next(struct csv *c, struct csv_row *ret)
{
	bool ended = false;
	int r = 0;

	while (c->at != c->end && at_line_end(c))
		skip_line_end(c);
	*ret = (struct csv_row){.line = c->line};
	if (c->at == c->end)
		return 0;
	while (r == 0 && !ended)
		r = take_cell(c, ret, &ended);
	return r < 0 ? r : 1;
}
