/*
 * musterctl export: one trusted host asks the directory for many endpoints, and serves each a document of
 * its own. So only this host holds the key of the organisation.
 */
#include "ctl/export/export.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "common/names.h"
#include "ctl/commands.h"
#include "ctl/text.h"

#define EXPORT_CONF MUSTER_ETC "/muster/export.conf"
#define LOCK_NAME   ".lock"

struct export_arguments {
	const char *config, *output, *group;
	struct option_list systems;
	bool all, accept_removals, json;
};

#define AT(field) offsetof(struct export_arguments, field)
static const struct option_spec options[] = {
	{"config", OPTION_TEXT, AT(config), "FILE", "how to ask: as muster.conf (" EXPORT_CONF ")"},
	{"output", OPTION_TEXT, AT(output), "FOLDER", "where the documents go; needed"},
	{"system", OPTION_LIST, AT(systems), "ID", "for this system; may be repeated (system_id)"},
	{"all", OPTION_FLAG, AT(all), NULL, "for all systems of the organisation (driver jumpcloud)"},
	{"group", OPTION_TEXT, AT(group), "NAME", "of the web server: it may read them (mode 0640)"},
	{"accept-removals", OPTION_FLAG, AT(accept_removals), NULL,
	 "write it also when many users are missing, or all"},
	{"json", OPTION_FLAG, AT(json), NULL, "print JSON"},
	{0},
};

static const char *const outcome_words[] = {
	[EXPORT_FAILED] = "failed",
	[EXPORT_WRITTEN] = "written",
	[EXPORT_UNCHANGED] = "unchanged",
	[EXPORT_HELD] = "held",
};

static void print_left_out(const struct json_object *list)
{
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		static const char *const keys[] = {"kind", "name", "id", "reason", "detail"};
		struct json_object *item = json_object_array_get_idx(list, i);
		char text[ARRAY_SIZE(keys)][256];

		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			text_show(json_object_get_string(json_object_object_get(item, keys[k])), text[k],
				  sizeof(text[k]));
		message_warning("left out: %s %s: %s%s%s", text[0], text[1][0] ? text[1] : text[2], text[3],
				text[4][0] ? ": " : "", text[4]);
	}
}

static void print_result(const char *system, const struct export_result *r)
{
	switch (r->outcome) {
	case EXPORT_FAILED:
		message_error("%s: %s", system, r->fault.text);
		if (r->fault.hint[0])
			message_hint("%s", r->fault.hint);
		return;
	case EXPORT_HELD:
		message_error("%s: %" PRIu32 " users are bound, and %" PRIu32
			      " of before are missing: nothing was written",
			      system, r->users, r->missing);
		message_hint("when that is right: --accept-removals");
		break;
	case EXPORT_WRITTEN:
	case EXPORT_UNCHANGED:
		printf("%s: %s, serial %" PRId64 ", %" PRIu32 " users, %" PRIu32 " groups\n", system,
		       outcome_words[r->outcome], r->serial, r->users, r->groups);
		break;
	}
	print_left_out(r->left_out);
}

static void add_result(struct json_object *list, const char *system, const struct export_result *r)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "system", text_to_json(system));
	json_object_object_add(o, "file", text_to_json(r->name));
	json_object_object_add(o, "result", text_to_json(outcome_words[r->outcome]));
	json_object_object_add(o, "serial", json_object_new_int64(r->serial));
	json_object_object_add(o, "users", json_object_new_int64(r->users));
	json_object_object_add(o, "groups", json_object_new_int64(r->groups));
	json_object_object_add(o, "missing", json_object_new_int64(r->missing));
	json_object_object_add(o, "left_out", json_object_get(r->left_out));
	json_object_object_add(o, "error", text_to_json(r->fault.text));
	json_object_array_add(list, o);
}

static enum exit_code worse(enum exit_code code, enum export_outcome outcome)
{
	enum exit_code new = outcome == EXPORT_FAILED ? EXIT_ERROR
			     : outcome == EXPORT_HELD ? EXIT_REFUSED
						      : EXIT_OK;

	return new > code ? new : code;
}

/* SYSTEM's id stands in for the one of the configuration, which stays as it was. */
static enum exit_code export_one(const struct conf *c, const char *system, const struct export_options *o,
				 struct json_object *list)
{
	CLEANUP(export_result_done) struct export_result r = {0};
	AUTO_FREE char *id = strdup(system);
	struct conf own = *c;

	if (!id)
		return message_out_of_memory();
	own.system_id = id;
	export_system(&own, o, &r);
	if (list)
		add_result(list, system, &r);
	else
		print_result(system, &r);
	return worse(EXIT_OK, r.outcome);
}

/* Which ones: those that are named, all there are, or the one of the configuration. NUL after each. */
static int list_systems(const struct conf *c, const struct export_arguments *a,
			const struct export_options *o, struct buf *ids, struct fault *f)
{
	int r = 0;

	if (a->all)
		return export_systems(c, o, ids, f);
	if (!a->systems.count)
		return buf_add(ids, c->system_id, strlen(c->system_id) + 1);
	for (unsigned i = 0; r == 0 && i < a->systems.count; i++)
		r = buf_add(ids, a->systems.items[i], strlen(a->systems.items[i]) + 1);
	return r;
}

static enum exit_code export_all(const struct conf *c, const struct export_arguments *a,
				 const struct export_options *o)
{
	CLEANUP(buf_done) struct buf ids = {0};
	struct json_object *list = a->json ? json_object_new_array() : NULL;
	struct fault f = {0};
	int r = list_systems(c, a, o, &ids, &f);
	enum exit_code code = EXIT_OK;

	if (r < 0) {
		fault_print(&f, r);
		code = EXIT_ERROR;
	}
	for (const char *id = (const char *)ids.data; r == 0 && id < (const char *)ids.data + ids.len;
	     id += strlen(id) + 1) {
		enum exit_code one = export_one(c, id, o, list);

		code = one > code ? one : code;
	}
	if (a->json && json_print(list) != EXIT_OK)
		return EXIT_ERROR;
	return code;
}

/* The folder, and its lock: two at once would take each other's files for old ones. */
static int open_folder(const char *path, int *ret_dir, int *ret_lock, struct fault *f)
{
	AUTO_CLOSE int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_CLOSE int lock = -1;

	if (dir < 0)
		return fault_set(f, -errno, "cannot open the folder %s: %s", path, strerror(errno));
	lock = openat(dir, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock < 0)
		return fault_set(f, -errno, "cannot lock the folder %s: %s", path, strerror(errno));
	if (flock(lock, LOCK_EX | LOCK_NB) < 0)
		return fault_set(f, -errno, "another export into %s is under way", path);
	*ret_dir = TAKE_FD(dir);
	*ret_lock = TAKE_FD(lock);
	return 0;
}

static int find_group(const char *name, gid_t *ret, struct fault *f)
{
	const struct group *g = name ? getgrnam(name) : NULL;

	if (name && !g)
		return fault_set(f, -ENOENT, "there is no group '%s'", name);
	*ret = g ? g->gr_gid : (gid_t)-1;
	return 0;
}

static int check_arguments(const struct export_arguments *a, const struct conf *c, struct fault *f)
{
	if (!a->output)
		return fault_set(f, -EINVAL, "--output is needed: the folder for the documents");
	if (a->all && a->systems.count)
		return fault_set(f, -EINVAL, "--all or --system, not both");
	if (!a->all && !a->systems.count && !*c->system_id)
		return fault_set(f, -EINVAL,
				 "which system? --system, --all, or system_id in the configuration");
	for (unsigned i = 0; i < a->systems.count; i++)
		if (!object_id_valid(a->systems.items[i]))
			return fault_set(f, -EINVAL, "'%s' is no id of a system", a->systems.items[i]);
	return 0;
}

static enum exit_code run_with(const struct conf *c, const struct export_arguments *a)
{
	CLEANUP(local_freep) struct local *local = NULL;
	AUTO_CLOSE int dir = -1;
	AUTO_CLOSE int lock = -1;
	struct export_options o = {.accept_removals = a->accept_removals, .now = time(NULL)};
	char error[LOCAL_ERROR_SIZE];
	struct fault f = {0};
	int r = check_arguments(a, c, &f);

	if (r == 0)
		r = find_group(a->group, &o.group, &f);
	if (r == 0)
		r = open_folder(a->output, &dir, &lock, &f);
	if (r == 0 && local_load(MUSTER_ETC, &local, error) < 0)
		r = fault_set(&f, -EIO, "%s", error);
	if (r < 0) {
		fault_print(&f, r);
		return EXIT_ERROR;
	}
	o.dir_fd = dir;
	o.local = local;
	return export_all(c, a, &o);
}

static enum exit_code run(const struct invocation *in)
{
	const struct export_arguments *a = in->options;
	CLEANUP(conf_done) struct conf c = {0};
	char error[CONF_ERROR_SIZE];

	if (conf_load(a->config ? a->config : EXPORT_CONF, &c, error) < 0) {
		message_error("%s", error);
		return EXIT_ERROR;
	}
	return run_with(&c, a);
}

const struct command command_export = {
	.name = "export",
	.summary = "Writes the documents of systems, for a web server that endpoints ask instead of the "
		   "directory.",
	.details = "So that one trusted host alone holds the organisation's key. Files that would say the "
		   "same stay as they\n"
		   "are; one that would lack many users, or all, is held. docs/jumpcloud.md shows the whole "
		   "of it.\n"
		   "Exit code 0: all written or unchanged, 1: something is held, 2: something failed.",
	.options = options,
	.options_size = sizeof(struct export_arguments),
	.run = run,
};
