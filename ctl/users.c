/* musterctl users: everybody the directory lets onto this computer, what a login would say now, and queries over that. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/paths.h"
#include "ctl/commands.h"
#include "ctl/query.h"
#include "ctl/query_value.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "ctl/user_row.h"

struct users_options {
	bool json, csv;
	const char *where, *columns;
};

static const struct option_spec options[] = {
	{"where", OPTION_TEXT, offsetof(struct users_options, where), "QUERY",
	 "those alone of whom it is true: 'state = SUSPENDED'"},
	{"columns", OPTION_TEXT, offsetof(struct users_options, columns), "FIELD,...",
	 "these fields, in this order"},
	{"json", OPTION_FLAG, offsetof(struct users_options, json), NULL, "print JSON, all fields"},
	{"csv", OPTION_FLAG, offsetof(struct users_options, csv), NULL, "print CSV"},
	{0},
};

#define DEFAULT_COLUMNS "name,uid,state,verdict,groups,sudo"

struct listing {
	const struct users_options *options;
	struct query query; /* with options->where */
	const struct user_field *columns[TABLE_COLUMNS_MAX];
	unsigned n_columns;
	struct table table;
	unsigned n_rows, n_unknown;
};

static int read_columns(struct listing *l, const char *names, struct fault *f)
{
	for (const char *end;; names = end + 1) {
		const struct user_field *field;

		end = strchrnul(names, ',');
		field = user_field_find(names, (size_t)(end - names));
		if (!field) {
			fault_set(f, -EINVAL, "--columns: '%.*s': no such field",
				  end - names < 64 ? (int)(end - names) : 64, names);
			query_hint_fields(f);
			return -EINVAL;
		}
		if (l->n_columns == TABLE_COLUMNS_MAX)
			return fault_set(f, -EINVAL, "--columns: more than %d", TABLE_COLUMNS_MAX);
		l->columns[l->n_columns++] = field;
		if (!*end)
			return 0;
	}
}

/* What was asked for by name is not silently left out. */
static int check_rights(const struct listing *l, const struct view *v, struct fault *f)
{
	const struct user_field *field = l->options->where ? l->query.for_root : NULL;

	for (unsigned i = 0; l->options->columns && i < l->n_columns; i++)
		if (l->columns[i]->for_root)
			field = l->columns[i];
	if (!field || v->pam)
		return 0;
	fault_set(f, -EACCES, "'%s' is shown to root only", field->name);
	return -EACCES;
}

static int read_options(struct listing *l, const struct view *v, struct fault *f)
{
	const struct users_options *o = l->options;
	int r;

	if (o->json && (o->csv || o->columns))
		return fault_set(f, -EINVAL, "users: --json has all fields; it goes with no %s",
				 o->csv ? "--csv" : "--columns");
	r = read_columns(l, o->columns ? o->columns : DEFAULT_COLUMNS, f);
	if (r == 0 && o->where)
		r = query_parse(o->where, v->now, &l->query, f);
	return r < 0 ? r : check_rights(l, v, f);
}

static void list_cell(struct table *t, const struct strlist *list)
{
	AUTO_FREE char *text = calloc(1, list->len + 1);

	if (!text) {
		t->error = -ENOMEM;
		return;
	}
	for (uint32_t i = 0; i + 1 < list->len; i++)
		text[i] = list->data[i] ? list->data[i] : ' ';
	table_cell(t, text);
}

static void date_cell(struct table *t, int64_t at, bool csv)
{
	char text[TIME_TEXT_SIZE];

	if (at != 0)
		format_time(at, text);
	table_cell(t, at != 0 ? text : csv ? "" : "never");
}

static void field_cell(struct listing *l, const struct user_field *f, const struct user_row *row)
{
	const void *at = user_field_at(f, row);
	struct table *t = &l->table;

	if (f->for_root && !row->known) {
		table_cell(t, l->options->csv ? "" : "-");
		return;
	}
	switch (f->kind) {
	case USER_TEXT:
	case USER_STATE:
	case USER_REASON:
	case USER_SUDO:
		table_cell(t, *(const char *const *)at);
		return;
	case USER_NUMBER:
		table_cell_u32(t, *(const uint32_t *)at);
		return;
	case USER_BOOL:
		table_cell(t, *(const bool *)at ? "yes" : "no");
		return;
	case USER_DATE:
		date_cell(t, *(const int64_t *)at, l->options->csv);
		return;
	case USER_LIST:
		list_cell(t, at);
		return;
	}
}

/* NULL: JSON null, which is "not set" or "not known". */
static struct json_object *field_json(const struct user_field *f, const struct user_row *row)
{
	const void *at = user_field_at(f, row);
	struct json_object *list;

	if (f->for_root && !row->known)
		return NULL;
	switch (f->kind) {
	case USER_TEXT:
	case USER_STATE:
	case USER_REASON:
	case USER_SUDO:
		return text_to_json(*(const char *const *)at);
	case USER_NUMBER:
		return json_object_new_uint64(*(const uint32_t *)at);
	case USER_BOOL:
		return json_object_new_boolean(*(const bool *)at);
	case USER_DATE:
		return time_to_json(*(const int64_t *)at);
	case USER_LIST:
		list = json_object_new_array();
		for (const char *s = NULL; (s = strlist_next(at, s));)
			json_object_array_add(list, text_to_json(s));
		return list;
	}
	return NULL;
}

/* One user a line, as soon as it is read: a list that ends in an error has no "]". */
static int print_json(struct listing *l, const struct user_row *row)
{
	struct json_object *o = json_object_new_object();
	const char *text;

	if (!o)
		return -ENOMEM;
	for (size_t i = 0; i < USER_FIELDS; i++)
		json_object_object_add_ex(o, user_fields[i].name, field_json(&user_fields[i], row),
					  JSON_C_OBJECT_ADD_KEY_IS_NEW |
						  JSON_C_OBJECT_ADD_CONSTANT_KEY);
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text) {
		puts(l->n_rows ? "," : "");
		json_text_print(text);
	}
	json_object_put(o);
	return text ? 0 : -ENOMEM;
}

static int list_row(void *ctx, const struct user_row *row)
{
	struct listing *l = ctx;
	int r = 0;

	if (l->options->where && l->query.for_root && !row->known)
		l->n_unknown++;
	if (l->options->where && !query_match(&l->query, row))
		return 0;
	if (l->options->json)
		r = print_json(l, row);
	for (unsigned i = 0; !l->options->json && i < l->n_columns; i++)
		field_cell(l, l->columns[i], row);
	l->n_rows++;
	return r;
}

static int list_users(struct listing *l, struct view *v)
{
	const char *header[TABLE_COLUMNS_MAX + 1] = {NULL};
	int r;

	for (unsigned i = 0; i < l->n_columns; i++)
		header[i] = l->columns[i]->name;
	table_init(&l->table, header);
	if (l->options->json)
		putchar('[');
	r = user_rows_walk(v, list_row, l);
	if (r < 0)
		return r;
	if (l->options->json)
		return puts("\n]") < 0 ? -EIO : 0;
	return l->options->csv ? table_print_csv(&l->table, stdout)
			       : table_print(&l->table, stdout);
}

static enum exit_code run(const struct invocation *in)
{
	AUTO_FREE struct listing *l = calloc(1, sizeof(*l));
	AUTO_VIEW struct view v;
	struct fault f = {0};
	int r = view_open(&v, &f);

	if (!l)
		return message_out_of_memory();
	l->options = in->options;
	if (r == 0 && !v.nss)
		r = snapshot_fault(&f, v.nss_error, NSS_SNAPSHOT);
	if (r == 0)
		r = read_options(l, &v, &f);
	if (r == 0)
		r = list_users(l, &v);
	table_done(&l->table);
	if (r < 0)
		return fault_print(&f, r);
	if (view_limited(&v))
		message_hint("states and verdicts are shown to root only");
	if (l->n_unknown)
		message_hint("%u users are being published just now: ask again", l->n_unknown);
	return EXIT_OK;
}

const struct command command_users = {
	.name = "users",
	.summary = "Lists the users of this computer that come from the directory.",
	.details = "The verdict is what a password login would meet now; 'musterctl explain NAME' "
		   "says why.\nmusterctl(1) has the fields and the language of queries.",
	.options = options,
	.options_size = sizeof(struct users_options),
	.run = run,
};
