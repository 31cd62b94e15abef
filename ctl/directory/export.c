/* musterctl directory export: JSON and CSV, without secrets unless told. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/names.h"
#include "ctl/directory/actions.h"
#include "ctl/directory/columns.h"
#include "ctl/directory/session.h"
#include "ctl/directory/state.h"
#include "ctl/directory/user.h"
#include "ctl/table.h"
#include "ctl/text.h"

struct export_options {
	const char *file; /* as in struct directory_options: nothing is published here */
	bool csv, users, with_secrets;
};

static const struct option_spec options[] = {
	{"file", OPTION_TEXT, offsetof(struct export_options, file), "FILE",
	 "read FILE instead of this computer's own directory"},
	{"csv", OPTION_FLAG, offsetof(struct export_options, csv), NULL, "print the users as CSV"},
	{"users", OPTION_FLAG, offsetof(struct export_options, users), NULL,
	 "print the users alone, as a JSON list"},
	{"with-secrets", OPTION_FLAG, offsetof(struct export_options, with_secrets), NULL,
	 "also password hashes and TOTP secrets"},
	{0},
};

static void drop_secrets(struct json_object *doc)
{
	struct json_object *users = tree_array(doc, "users");

	for (size_t i = 0, n = json_object_array_length(users); i < n; i++) {
		struct json_object *user = json_object_array_get_idx(users, i);

		if (!json_object_is_type(user, json_type_object))
			continue;
		for (unsigned j = 0; j < n_columns; j++)
			if (columns[j].kind == COLUMN_SECRET)
				json_object_object_del(user, columns[j].name);
	}
}

/* Items of a cell with several values, a line each. */
static void print_list(FILE *f, bool *first, const char *text)
{
	fprintf(f, "%s%s", *first ? "" : "\n", text);
	*first = false;
}

/* A key has one line in its cell; those that were pasted may end in another. */
static void print_line(FILE *f, const char *text)
{
	text += strspn(text, " \t\r\n");
	fprintf(f, "%.*s", (int)strcspn(text, "\r\n"), text);
}

static void print_keys(FILE *f, const struct json_object *user)
{
	struct json_object *keys = tree_array(user, "ssh_keys");
	bool first = true;

	for (size_t i = 0, n = keys ? json_object_array_length(keys) : 0; i < n; i++) {
		const struct json_object *key = json_object_array_get_idx(keys, i);

		print_list(f, &first, "");
		print_line(f, tree_text_or_empty(key, "public_key"));
		putc(' ', f);
		print_line(f, tree_text_or_empty(key, "name"));
	}
}

/* User id -> names of groups: made once, since 100,000 users are looked up. NULL: out of memory. */
static struct json_object *map_groups(const struct json_object *doc)
{
	struct json_object *groups = tree_array(doc, "groups"), *map = json_object_new_object();

	for (size_t i = 0, n = groups ? json_object_array_length(groups) : 0; map && i < n; i++) {
		const struct json_object *group = json_object_array_get_idx(groups, i);
		struct json_object *members = tree_array(group, "members");

		for (size_t j = 0, n_members = members ? json_object_array_length(members) : 0;
		     j < n_members; j++) {
			const char *id =
				json_object_get_string(json_object_array_get_idx(members, j));
			struct json_object *names = NULL;

			if (id && !json_object_object_get_ex(map, id, &names))
				json_object_object_add(map, id, names = json_object_new_array());
			if (names)
				json_object_array_add(
					names,
					json_object_new_string(tree_text_or_empty(group, "name")));
		}
	}
	return map;
}

static void print_groups(FILE *f, const struct json_object *groups_of,
			 const struct json_object *user)
{
	struct json_object *names = user_id(user) ? tree_array(groups_of, user_id(user)) : NULL;
	bool first = true;

	for (size_t i = 0, n = names ? json_object_array_length(names) : 0; i < n; i++)
		print_list(f, &first, json_object_get_string(json_object_array_get_idx(names, i)));
}

static void print_cell(FILE *f, const struct column *c, const struct json_object *groups_of,
		       const struct json_object *user)
{
	struct json_object *value = NULL;
	int64_t number;

	switch (c->kind) {
	case COLUMN_BOOL:
		if (json_object_object_get_ex(user, c->name, &value) && value)
			fputs(tree_true(user, c->name) ? "true" : "false", f);
		return;
	case COLUMN_INT:
		if (tree_int(user, c->name, &number))
			fprintf(f, "%" PRId64, number);
		return;
	case COLUMN_KEYS:
		print_keys(f, user);
		return;
	case COLUMN_GROUPS:
		print_groups(f, groups_of, user);
		return;
	case COLUMN_TEXT:
	case COLUMN_TIME:
	case COLUMN_SECRET:
		fputs(tree_text_or_empty(user, c->name), f);
		return;
	case COLUMN_PASSWORD:
	case COLUMN_DROPPED:
		return;
	}
}

static bool exported(const struct column *c, bool with_secrets)
{
	return c->kind != COLUMN_PASSWORD && c->kind != COLUMN_DROPPED &&
	       (c->kind != COLUMN_SECRET || with_secrets);
}

/* A terminal obeys control characters, but for those that part the lines of a cell. NULL: out of memory. */
static char *escape_lines(char *text)
{
	size_t size = 4 * strlen(text) + 1;
	char *safe = malloc(size), *at = safe;

	for (char *line; safe && (line = strsep(&text, "\n"));) {
		name_escape(line, at, size - (at - safe));
		at += strlen(at);
		if (text)
			*at++ = '\n';
	}
	return safe;
}

static int print_field(char *text)
{
	AUTO_FREE char *safe = isatty(STDOUT_FILENO) ? escape_lines(text) : strdup(text);

	if (!safe)
		return -ENOMEM;
	csv_print_field(stdout, safe);
	return 0;
}

static int print_user(const struct json_object *groups_of, const struct json_object *user,
		      bool with_secrets)
{
	for (unsigned i = 0; i < n_columns; i++) {
		char *text = NULL;
		size_t size = 0;
		FILE *f;
		int r;

		if (!exported(&columns[i], with_secrets))
			continue;
		f = open_memstream(&text, &size);
		if (!f)
			return -ENOMEM;
		print_cell(f, &columns[i], groups_of, user);
		fclose(f);
		if (i > 0)
			putchar(',');
		r = print_field(text);
		free(text);
		if (r < 0)
			return r;
	}
	putchar('\n');
	return 0;
}

/* There is no column for scheduled changes, so the state is the one in force. */
static int print_csv(struct edit *e, bool with_secrets)
{
	struct json_object *users = tree_array(e->doc, "users"), *groups_of = map_groups(e->doc);
	int r = groups_of ? 0 : -ENOMEM;

	for (unsigned i = 0; i < n_columns; i++)
		if (exported(&columns[i], with_secrets))
			printf("%s%s", i > 0 ? "," : "", columns[i].name);
	putchar('\n');
	for (size_t i = 0, n = json_object_array_length(users); r == 0 && i < n; i++) {
		struct json_object *user = json_object_array_get_idx(users, i);

		r = user_settle(e, user);
		if (r == 0)
			r = print_user(groups_of, user, with_secrets);
	}
	json_object_put(groups_of);
	return r;
}

static enum exit_code run(const struct invocation *in)
{
	const struct export_options *o = in->options;
	const struct directory_options directory = {.file = o->file};
	AUTO_SESSION struct session s = SESSION_NONE;
	int r = o->csv && o->users ? fault_set(&s.fault, -EINVAL,
					       "--csv and --users: CSV has the users alone anyway")
				   : 0;

	if (r == 0)
		r = session_open(&s, &directory, STORE_READ);
	if (r == 0 && o->csv)
		r = print_csv(&s.edit, o->with_secrets);
	if (r < 0)
		return fault_print(&s.fault, r);
	if (o->csv)
		return EXIT_OK;
	if (!o->with_secrets)
		drop_secrets(s.store.doc);
	return json_print(
		json_object_get(o->users ? tree_array(s.store.doc, "users") : s.store.doc));
}

const struct command action_export = {
	.name = "export",
	.summary = "Prints the directory as JSON, or its users as CSV.",
	.details = "What is printed can be imported again. CSV has no scheduled changes and second "
		   "factors.",
	.options = options,
	.options_size = sizeof(struct export_options),
	.run = run,
};
