/* musterctl users: everybody the directory lets onto this computer, and what a login would say now. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/names.h"
#include "common/paths.h"
#include "ctl/commands.h"
#include "ctl/judge.h"
#include "ctl/table.h"
#include "ctl/text.h"

struct users_options {
	bool json, csv;
};

static const struct option_spec options[] = {
	{"json", OPTION_FLAG, offsetof(struct users_options, json), NULL, "print JSON"},
	{"csv", OPTION_FLAG, offsetof(struct users_options, csv), NULL, "print CSV"},
	{0},
};

static const char *const columns[] = {"name", "uid", "state", "verdict", "groups", "sudo", NULL};

/* One line of the list. Without pam.snapshot there are no state and verdict. */
struct user_row {
	struct snapshot_user user;
	const char *state, *verdict, *sudo;
	struct buf groups; /* names, NUL after each */
	uint32_t n_groups;
};

/* All local groups by gid, read once: one with 100,000 members is not read again for each of them. */
struct group_names {
	struct buf groups; /* struct group_name, in order of gid */
	struct buf names;
};
struct group_name {
	uint32_t gid;
	uint32_t name_at; /* in names */
};

static void group_names_done(struct group_names *n)
{
	buf_done(&n->groups);
	buf_done(&n->names);
}

static int group_names_load(struct group_names *n, struct snapshot *nss)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct snapshot_group g;
	int r;

	for (uint32_t after = 0; (r = snapshot_group_next(nss, after, &buf, &g)) == 0;
	     after = g.gid) {
		const struct group_name entry = {.gid = g.gid, .name_at = n->names.len};

		r = buf_add(&n->names, g.name, strlen(g.name) + 1);
		if (r == 0)
			r = buf_add(&n->groups, &entry, sizeof(entry));
		if (r < 0)
			return r;
	}
	return r == -ESRCH ? 0 : r;
}

static int compare_gid(const void *gid, const void *entry)
{
	uint32_t a = *(const uint32_t *)gid, b = ((const struct group_name *)entry)->gid;

	return (a > b) - (a < b);
}

/* NULL when there is none. */
static const char *group_name_of(const struct group_names *n, uint32_t gid)
{
	const struct group_name *g = (const void *)n->groups.data;
	size_t count = n->groups.len / sizeof(*g);

	g = count ? bsearch(&gid, g, count, sizeof(*g), compare_gid) : NULL;
	return g ? (const char *)n->names.data + g->name_at : NULL;
}

/* The local groups and what sudo there really is: as NSS answers. */
static int fill_groups(struct view *v, const struct group_names *names, struct user_row *row)
{
	CLEANUP(buf_done) struct buf gids = {0};
	uint32_t n = 0;
	int r = snapshot_gids(v->nss, row->user.name, &gids, &n);

	for (uint32_t i = 0; r == 0 && i < n; i++) {
		const char *name;
		uint32_t gid;

		memcpy(&gid, gids.data + i * sizeof(gid), sizeof(gid));
		name = group_name_of(names, gid);
		if (gid == GID_SUDO)
			row->sudo = "yes";
		else if (gid == GID_SUDO_NOPASSWD)
			row->sudo = "nopasswd";
		else if (name &&
			 strcmp(name, row->user.name) != 0) { /* the private one says nothing */
			r = buf_add(&row->groups, name, strlen(name) + 1);
			row->n_groups += r == 0;
		}
	}
	return r;
}

static int fill_state(struct view *v, struct user_row *row)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct judgement j;
	struct account a;
	int r = view_account(v, row->user.name, &buf, &a);

	if (r == -ESRCH) /* the two files are of different generations just now */
		return 0;
	if (r < 0)
		return r;
	judge(v, &a, &(struct judge_question){NULL, v->now, view_info(v)->confirmed_at}, &j);
	row->state = user_state_name(verdict_state_at(&a, v->now));
	row->verdict = reason_name(j.password.reason);
	return 0;
}

static void table_row(struct table *t, const struct user_row *row)
{
	char *groups = (char *)row->groups.data;

	for (size_t i = 0; i + 1 < row->groups.len; i++)
		if (!groups[i])
			groups[i] = ' ';
	table_cell(t, row->user.name);
	table_cell_u32(t, row->user.uid);
	table_cell(t, row->state ? row->state : "-");
	table_cell(t, row->verdict ? row->verdict : "-");
	table_cell(t, groups ? groups : "");
	table_cell(t, row->sudo);
}

static void json_row(struct json_object *list, const struct user_row *row)
{
	const struct strlist names = {.data = (const char *)row->groups.data,
				      .len = row->groups.len,
				      .count = row->n_groups};
	struct json_object *o = json_object_new_object();
	struct json_object *groups = json_object_new_array();

	for (const char *g = NULL; (g = strlist_next(&names, g));)
		json_object_array_add(groups, text_to_json(g));
	json_object_object_add(o, "name", text_to_json(row->user.name));
	json_object_object_add(o, "uid", json_object_new_uint64(row->user.uid));
	json_object_object_add(o, "gid", json_object_new_uint64(row->user.gid));
	json_object_object_add(o, "displayname", text_to_json(row->user.gecos));
	json_object_object_add(o, "state", text_to_json(row->state));
	json_object_object_add(o, "verdict", text_to_json(row->verdict));
	json_object_object_add(o, "groups", groups);
	json_object_object_add(o, "sudo", text_to_json(row->sudo));
	json_object_array_add(list, o);
}

/* Every user in order of uid, into TABLE or, when it is not NULL, LIST. */
static int walk(struct view *v, struct table *table, struct json_object *list)
{
	CLEANUP(group_names_done) struct group_names names = {0};
	CLEANUP(buf_done) struct buf buf = {0};
	uint32_t after = 0;
	int r = snapshot_load(v->nss);

	if (r == 0 && v->pam)
		r = snapshot_load(v->pam);
	if (r == 0)
		r = group_names_load(&names, v->nss);
	while (r == 0) {
		struct user_row row = {.sudo = "no"};

		r = snapshot_user_next(v->nss, after, &buf, &row.user);
		if (r < 0)
			return r == -ESRCH ? 0 : r;
		after = row.user.uid;
		r = fill_groups(v, &names, &row);
		if (r == 0 && v->pam)
			r = fill_state(v, &row);
		if (r == 0 && list)
			json_row(list, &row);
		else if (r == 0)
			table_row(table, &row);
		buf_done(&row.groups);
	}
	return r;
}

static int list_users(struct view *v, const struct users_options *o)
{
	CLEANUP(table_done) struct table table;
	struct json_object *list = o->json ? json_object_new_array() : NULL;
	int r;

	table_init(&table, columns);
	r = walk(v, &table, list);
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
	const struct users_options *o = in->options;
	AUTO_VIEW struct view v;
	struct fault f = {0};
	int r = view_open(&v, &f);

	if (r == 0 && !v.nss)
		r = snapshot_fault(&f, v.nss_error, NSS_SNAPSHOT);
	if (r < 0)
		return fault_print(&f, r);
	r = list_users(&v, o);
	if (r < 0)
		return fault_print(&f, r);
	if (view_limited(&v))
		message_hint("states and verdicts are shown to root only");
	return EXIT_OK;
}

const struct command command_users = {
	.name = "users",
	.summary = "Lists the users of this computer that come from the directory.",
	.details = "The verdict is what a password login would meet now; 'musterctl explain NAME' "
		   "says why.",
	.options = options,
	.options_size = sizeof(struct users_options),
	.run = run,
};
