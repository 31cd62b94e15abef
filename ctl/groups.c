/* musterctl groups: the groups that the directory makes here, and those of /etc/group that it fills, with their members. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/paths.h"
#include "ctl/commands.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "ctl/view.h"

struct groups_options {
	bool json, csv;
};

static const struct option_spec options[] = {
	{"json", OPTION_FLAG, offsetof(struct groups_options, json), NULL, "print JSON"},
	{"csv", OPTION_FLAG, offsetof(struct groups_options, csv), NULL, "print CSV"},
	{0},
};

static const char *const columns[] = {"name", "gid", "members", NULL};

static int table_row(struct table *t, const struct snapshot_group *g)
{
	AUTO_FREE char *members = calloc(1, g->members.len + 1);

	if (!members)
		return -ENOMEM;
	memcpy(members, g->members.data, g->members.len);
	for (uint32_t i = 0; i + 1 < g->members.len; i++)
		if (!members[i])
			members[i] = ' ';
	table_cell(t, g->name);
	table_cell_u32(t, g->gid);
	table_cell(t, members);
	return 0;
}

static void json_row(struct json_object *list, const struct snapshot_group *g, bool local)
{
	struct json_object *o = json_object_new_object();
	struct json_object *members = json_object_new_array();

	for (const char *m = NULL; (m = strlist_next(&g->members, m));)
		json_object_array_add(members, text_to_json(m));
	json_object_object_add(o, "name", text_to_json(g->name));
	json_object_object_add(o, "gid", json_object_new_uint64(g->gid));
	json_object_object_add(o, "members", members);
	if (local)
		json_object_object_add(o, "local", json_object_new_boolean(true));
	json_object_array_add(list, o);
}

struct listing {
	struct table *table;
	struct json_object *list; /* or NULL */
};

static int row(void *context, const struct snapshot_group *g, bool local)
{
	const struct listing *l = context;

	if (!l->list)
		return table_row(l->table, g);
	json_row(l->list, g, local);
	return 0;
}

static int list_groups(struct snapshot *nss, const struct groups_options *o)
{
	CLEANUP(table_done) struct table table;
	struct json_object *list = o->json ? json_object_new_array() : NULL;
	int r;

	table_init(&table, columns);
	r = snapshot_load(nss);
	if (r == 0)
		r = view_each_group(nss, row, &(struct listing){&table, list});
	if (r < 0) {
		json_object_put(list);
		return r;
	}
	if (o->json)
		return json_print(list) == EXIT_OK ? 0 : -ENOMEM;
	return o->csv ? table_print_csv(&table, stdout) : table_print(&table, stdout);
}

static enum exit_code run(const struct invocation *in)
{
	AUTO_VIEW struct view v;
	struct fault f = {0};
	int r = view_open(&v, &f);

	if (r == 0 && !v.nss)
		r = snapshot_fault(&f, v.nss_error, NSS_SNAPSHOT);
	if (r == 0)
		r = list_groups(v.nss, in->options);
	return r < 0 ? fault_print(&f, r) : EXIT_OK;
}

const struct command command_groups = {
	.name = "groups",
	.summary = "Lists the local groups that come from the directory or have members from it, with these.",
	.options = options,
	.options_size = sizeof(struct groups_options),
	.run = run,
};
