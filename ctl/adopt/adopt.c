/* musterctl adopt: local users whom the directory takes over, and how they are given back. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/names.h"
#include "ctl/adopt/apply.h"
#include "ctl/adopt/host.h"
#include "ctl/commands.h"
#include "ctl/musterd.h"
#include "ctl/table.h"
#include "ctl/text.h"

struct adopt_options {
	bool apply, restore, json;
};

static const struct option_spec options[] = {
	{"apply", OPTION_FLAG, offsetof(struct adopt_options, apply), NULL, "do what is shown"},
	{"restore", OPTION_FLAG, offsetof(struct adopt_options, restore), NULL,
	 "give everybody back at once, whatever is configured"},
	{"json", OPTION_FLAG, offsetof(struct adopt_options, json), NULL, "print JSON"},
	{0},
};

static const char *const columns[] = {"name",      "uid",   "home",    "groups", "password",
				      "directory", "login", "adopted", "change", NULL};

static const char *directory_state(const struct adopt_user *u)
{
	return u->known ? user_state_name(u->state) : "-";
}

static void table_row(struct table *t, const struct adopt_user *u)
{
	table_cell(t, u->name);
	if (u->local)
		table_cell_u32(t, u->uid);
	else
		table_cell(t, "-");
	table_cell(t, u->home ? u->home : "-");
	table_cell(t, u->groups ? u->groups : "-");
	table_cell(t, u->local ? adopt_password_name(u->password) : "-");
	table_cell(t, directory_state(u));
	table_cell(t, u->known ? reason_name(u->reason) : "-");
	table_cell(t, u->listed ? "yes" : "no");
	table_cell(t, adopt_action_name(u->action));
}

static void print_notes(const struct adopt_plan *p)
{
	char text[768];

	for (size_t i = 0; i < adopt_plan_count(p); i++) {
		const struct adopt_user *u = adopt_plan_user(p, i);

		if (!u->why)
			continue;
		name_escape(u->why, text, sizeof(text));
		printf("%s: %s\n", u->name, text);
	}
}

static int print_text(const struct adopt_plan *p)
{
	CLEANUP(table_done) struct table table;
	int r;

	table_init(&table, columns);
	for (size_t i = 0; i < adopt_plan_count(p); i++)
		table_row(&table, adopt_plan_user(p, i));
	r = adopt_plan_count(p) ? table_print(&table, stdout) : 0;
	if (r < 0)
		return r;
	print_notes(p);
	if (adopt_plan_needs_profile(p) != p->profile)
		printf("the PAM profile muster-adopt is turned %s\n", p->profile ? "off" : "on");
	return 0;
}

static struct json_object *json_user(const struct adopt_user *u)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", text_to_json(u->name));
	json_object_object_add(o, "uid", u->local ? json_object_new_uint64(u->uid) : NULL);
	json_object_object_add(o, "gid", u->local ? json_object_new_uint64(u->gid) : NULL);
	json_object_object_add(o, "home", text_to_json(u->home));
	json_object_object_add(o, "groups", text_to_json(u->groups));
	json_object_object_add(o, "password", text_to_json(adopt_password_name(u->password)));
	json_object_object_add(o, "state", u->known ? text_to_json(directory_state(u)) : NULL);
	json_object_object_add(o, "verdict",
			       u->known ? text_to_json(reason_name(u->reason)) : NULL);
	json_object_object_add(o, "adopted", json_object_new_boolean(u->listed));
	json_object_object_add(o, "change", text_to_json(adopt_action_name(u->action)));
	json_object_object_add(o, "why", text_to_json(u->why));
	return o;
}

static int print_json(const struct adopt_plan *p)
{
	struct json_object *o = json_object_new_object(), *users = json_object_new_array();

	for (size_t i = 0; i < adopt_plan_count(p); i++)
		json_object_array_add(users, json_user(adopt_plan_user(p, i)));
	json_object_object_add(o, "users", users);
	json_object_object_add(o, "profile", json_object_new_boolean(p->profile));
	json_object_object_add(o, "profile_needed",
			       json_object_new_boolean(adopt_plan_needs_profile(p)));
	json_object_object_add(o, "changes", json_object_new_uint64(adopt_plan_changes(p)));
	return json_print(o) == EXIT_OK ? 0 : -ENOMEM;
}

/* What is configured has to be published before it is applied, and what was applied after. Without the directory that may fail. */
static void sync_now(void)
{
	AUTO_CLOSE int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t pid;

	if (null < 0 || musterd_start(NULL, 0, null, &pid) < 0 || musterd_wait(pid) != 0)
		message_warning("the directory could not be asked, or not all be published: what "
				"is known counts; see 'musterctl status'");
}

static enum exit_code show(const struct adopt_options *o)
{
	CLEANUP(adopt_plan_done) struct adopt_plan p;
	struct fault f = {0};
	bool changes;
	int r = adopt_plan_make(&p, false, &f);

	if (r == 0)
		r = o->json ? print_json(&p) : print_text(&p);
	if (r < 0) {
		fault_print(&f, r);
		return EXIT_ERROR;
	}
	changes = adopt_plan_changes(&p) || adopt_plan_needs_profile(&p) != p.profile;
	if (!o->json)
		puts(changes ? "nothing is done yet: 'musterctl adopt --apply' does it"
		     : adopt_plan_blocked(&p) ? "nothing to change, but for who is blocked"
					      : "nothing to change");
	return changes || adopt_plan_blocked(&p) ? EXIT_REFUSED : EXIT_OK;
}

static enum exit_code apply(const struct adopt_options *o)
{
	CLEANUP(adopt_plan_done) struct adopt_plan p = {0};
	struct fault f = {0};
	unsigned blocked;
	AUTO_CLOSE int lock = adopt_host_lock_out_others(&f);
	int r = lock < 0 ? lock : 0;

	if (r == 0 && !o->restore)
		sync_now();
	if (r == 0)
		r = adopt_plan_make(&p, o->restore, &f);
	if (r == 0)
		r = o->json ? print_json(&p) : print_text(&p);
	blocked = adopt_plan_blocked(&p);
	if (r == 0)
		r = adopt_apply(&p, &f);
	if (r == 0 && !o->restore)
		sync_now();
	if (r < 0) {
		fault_print(&f, r);
		return EXIT_ERROR;
	}
	if (!o->json)
		puts("done");
	return blocked ? EXIT_REFUSED : EXIT_OK;
}

static enum exit_code run(const struct invocation *in)
{
	const struct adopt_options *o = in->options;

	if (o->apply || o->restore)
		return apply(o);
	return show(o);
}

const struct command command_adopt = {
	.name = "adopt",
	.summary = "Shows which local users the directory takes over, and does it.",
	.details =
		"Whom [accounts] adopt in muster.conf names, and the directory has too, keeps "
		"passwd entry, uid,\n"
		"home and groups; state and password are the directory's from then on. --apply "
		"locks the local\n"
		"password, and unlocks it when the name is taken out of muster.conf. Needs root.\n"
		"Exit codes: 0 nothing to change, or done; 1 something is to be changed, or is in "
		"the way; 2 error.",
	.options = options,
	.options_size = sizeof(struct adopt_options),
	.run = run,
};
