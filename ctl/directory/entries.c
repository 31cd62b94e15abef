#include "ctl/directory/entries.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agentd/fetch/protocol.h"
#include "agentd/file.h"
#include "common/verifier.h"
#include "ctl/directory/columns.h"
#include "ctl/directory/json_text.h"
#include "ctl/directory/tree.h"

static struct entry *add_entry(struct entries *e)
{
	/* Grows by halves; json-c would do the same. */
	if ((e->n & (e->n - 1)) == 0) {
		struct entry *list = reallocarray(e->list, e->n ? 2 * e->n : 1, sizeof(*list));

		if (!list)
			return NULL;
		e->list = list;
	}
	e->list[e->n] = (struct entry){0};
	return &e->list[e->n++];
}

static int load_json(struct entries *e, struct fault *f)
{
	struct json_object *list;
	int r = json_text_parse(e->path, &e->text, &e->tree, f);

	if (r < 0)
		return r;
	list = json_object_is_type(e->tree, json_type_array) ? e->tree
							     : tree_array(e->tree, "results");
	if (!list)
		list = tree_array(e->tree, "users");
	if (!list)
		return fault_set(
			f, -EBADMSG,
			"%s: neither a list of users nor an object with \"results\" or \"users\"",
			e->path);
	for (size_t i = 0, n = json_object_array_length(list); i < n; i++) {
		struct entry *entry = add_entry(e);

		if (!entry)
			return -ENOMEM;
		entry->user = json_object_get(json_object_array_get_idx(list, i));
		entry->password = tree_text(entry->user, "password");
	}
	return 0;
}

static int read_header(struct entries *e, const struct csv_row *row, const struct column **header,
		       struct fault *f)
{
	for (unsigned i = 0; i < row->n_cells; i++) {
		header[i] = column_find(row->cells[i]);
		if (!header[i]) {
			fault_set(f, -EINVAL, "%s: line %u: no column is called '%s'", e->path,
				  row->line, row->cells[i]);
			fault_hint(f, "muster-directory(5) lists the columns");
			return -EINVAL;
		}
		for (unsigned j = 0; j < i; j++)
			if (header[j] == header[i] && header[i]->kind != COLUMN_GROUPS)
				return fault_set(f, -EINVAL,
						 "%s: line %u: the column '%s' comes twice",
						 e->path, row->line, row->cells[i]);
		e->n_dropped_columns += header[i]->kind == COLUMN_DROPPED;
	}
	return 0;
}

/* Names of groups, one a line, behind those that the entry has. */
static int add_groups(struct entries *e, struct entry *entry, char *cell)
{
	for (char *name; (name = strsep(&cell, "\r\n"));) {
		if (!name[0])
			continue;
		if (buf_add(&e->groups, name, strlen(name) + 1) < 0)
			return -ENOMEM;
		entry->groups.len += strlen(name) + 1;
		entry->groups.count++;
	}
	return 0;
}

static int read_row(struct entries *e, const struct csv_row *row,
		    const struct column *const *header, struct fault *f)
{
	struct entry *entry = add_entry(e);
	int r;

	if (!entry)
		return -ENOMEM;
	entry->line = row->line;
	for (unsigned i = 0; i < row->n_cells; i++) {
		if (header[i]->kind == COLUMN_PASSWORD && row->cells[i][0])
			entry->password = row->cells[i];
		r = header[i]->kind == COLUMN_GROUPS ? add_groups(e, entry, row->cells[i]) : 0;
		if (r < 0)
			return r;
	}
	return columns_read(header, row, &entry->user, f);
}

/* json-c takes any bytes for a string, and a NUL would end the text early. */
static int check_utf8(const struct entries *e, struct fault *f)
{
	const char *text = (const char *)e->text.data, *end = text + e->text.len;

	for (unsigned line = 1; text < end; line++) {
		const char *stop = memchr(text, '\n', end - text);
		size_t len = (stop ? stop : end) - text;

		if (!utf8_valid(text, len))
			return fault_set(f, -EBADMSG, "%s: line %u: not UTF-8", e->path, line);
		text += len + 1;
	}
	return 0;
}

static int read_rows(struct entries *e, struct csv *csv, struct fault *f)
{
	const struct column *header[CSV_CELLS_MAX];
	struct fault inner = {0};
	unsigned n_header;
	struct csv_row row;
	int r = csv_next(csv, &row);

	if (r == 0)
		return fault_set(f, -EBADMSG, "%s: the file is empty", e->path);
	if (r == 1)
		r = read_header(e, &row, header, f);
	if (r < 0)
		return r;
	n_header = row.n_cells;
	while ((r = csv_next(csv, &row)) == 1) {
		if (row.n_cells != n_header)
			return fault_set(f, -EBADMSG,
					 "%s: line %u: %u cells, but the header has %u", e->path,
					 row.line, row.n_cells, n_header);
		r = read_row(e, &row, header, &inner);
		if (r < 0)
			return fault_set(f, r, "%s: %s", e->path,
					 inner.text[0] ? inner.text : strerror(-r));
	}
	return r;
}

static int load_csv(struct entries *e, struct fault *f)
{
	struct csv csv;
	const char *groups;
	int r = check_utf8(e, f);

	if (r < 0)
		return r;
	csv_init(&csv, (char *)e->text.data, e->text.len);
	r = read_rows(e, &csv, f);
	if (csv.why)
		return fault_set(f, -EBADMSG, "%s: line %u: %s", e->path, csv.error_line, csv.why);
	/* The names lie one behind the other, now that they do not move any more. */
	groups = (const char *)e->groups.data;
	for (size_t i = 0; i < e->n; i++) {
		e->list[i].groups.data = groups;
		groups += e->list[i].groups.len;
	}
	return r;
}

int entries_load(struct entries *e, const char *path, struct fault *f)
{
	size_t blank = 0;
	int r;

	*e = (struct entries){.path = path};
	r = file_read(path, SYNC_DOCUMENT_MAX, &e->text);
	if (r < 0)
		return fault_set(f, r, "cannot read %s: %s", path, strerror(-r));
	while (blank < e->text.len && isspace(e->text.data[blank]))
		blank++;
	if (blank < e->text.len && (e->text.data[blank] == '{' || e->text.data[blank] == '['))
		return load_json(e, f);
	return load_csv(e, f);
}

int entries_hash(struct entries *e, struct fault *f)
{
	for (size_t i = 0; i < e->n; i++) {
		struct entry *entry = &e->list[i];
		int r = entry->password ? verifier_make(entry->password, &entry->password_hash) : 0;

		if (r < 0)
			return fault_set(f, r, "line %u: cannot hash the password: %s", entry->line,
					 strerror(-r));
	}
	return 0;
}

void entries_done(struct entries *e)
{
	for (size_t i = 0; i < e->n; i++) {
		json_object_put(e->list[i].user);
		free(e->list[i].password_hash);
	}
	free(e->list);
	json_object_put(e->tree);
	buf_done(&e->groups);
	buf_wipe(&e->text);
}
