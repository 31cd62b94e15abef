/* sudoers as sudo itself reads them, all files together: cvtsudoers gives them as JSON. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/names.h"
#include "ctl/doctor/doctor.h"
#include "ctl/program.h"

#define SUDO       "/usr/bin/sudo"
#define CVTSUDOERS "/usr/bin/cvtsudoers"
#define SUDOERS    MUSTER_ETC "/sudoers"
#define OURS       MUSTER_ETC "/sudoers.d/muster"
#define PLUGIN     "system_group.so"

/* The last one said, NULL: none. It leads into ROOT. */
static const char *group_plugin(struct json_object *root)
{
	struct json_object *all = json_object_object_get(root, "Defaults"), *options, *value;
	const char *plugin = NULL;

	for (size_t i = 0; all && i < json_object_array_length(all); i++) {
		options = json_object_object_get(json_object_array_get_idx(all, i), "Options");
		for (size_t k = 0; options && k < json_object_array_length(options); k++) {
			value = json_object_object_get(json_object_array_get_idx(options, k), "group_plugin");
			if (value)
				plugin = json_object_get_string(value);
		}
	}
	return plugin;
}

/* Is there a rule for the members of GROUP, looked up by the plug-in? */
static bool has_rule(struct json_object *root, const char *group)
{
	struct json_object *specs = json_object_object_get(root, "User_Specs"), *users, *name;

	for (size_t i = 0; specs && i < json_object_array_length(specs); i++) {
		users = json_object_object_get(json_object_array_get_idx(specs, i), "User_List");
		for (size_t k = 0; users && k < json_object_array_length(users); k++) {
			name = json_object_object_get(json_object_array_get_idx(users, k), "nonunixgroup");
			if (name && strcmp(json_object_get_string(name), group) == 0)
				return true;
		}
	}
	return false;
}

static void judge_rules(struct doctor *d, struct json_object *root)
{
	const char *plugin = group_plugin(root);
	struct finding f = {FINDING_FAULT, "sudo.plugin", .file = OURS,
			    .remedy = "see that this file is as installed and read, and takes no second "
				      "place to another group_plugin"};

	if (!plugin || strncmp(plugin, PLUGIN, strlen(PLUGIN)) != 0) {
		doctor_tell(d, &f, "group_plugin is %s: what the directory says of sudo does not count",
			    plugin ? plugin : "not set");
		return;
	}
	doctor_ok(d, "sudo.plugin", NULL, "group_plugin is " PLUGIN);
	f = (struct finding){FINDING_FAULT, "sudo.rules", .file = OURS, .remedy = "install the file again"};
	if (!has_rule(root, GROUP_SUDO) || !has_rule(root, GROUP_SUDO_NOPASSWD)) {
		doctor_tell(d, &f, "no rule for %%:" GROUP_SUDO " and %%:" GROUP_SUDO_NOPASSWD);
		return;
	}
	doctor_ok(d, "sudo.rules", NULL, "%s",
		  d->conf.allow_sudo || d->conf_error[0]
			  ? "members of " GROUP_SUDO " and " GROUP_SUDO_NOPASSWD " may use it"
			  : "allow_sudo is no: nobody gets it from the directory");
}

static void read_rules(struct doctor *d)
{
	static const char *const argv[] = {CVTSUDOERS, "-f", "json", SUDOERS, NULL};
	CLEANUP(buf_done) struct buf out = {0};
	int r = program_run(argv, DOCTOR_RUN_MS, &out);
	const char *text = out.data ? (const char *)out.data : "";
	struct json_object *root = r == 0 ? json_tokener_parse(text) : NULL;
	char line[FIRST_LINE_SIZE];
	struct finding f = {FINDING_WARNING, "sudo", .file = SUDOERS,
			    .remedy = "run 'visudo -c' and mend what it says"};

	if (root) {
		judge_rules(d, root);
		json_object_put(root);
	} else {
		doctor_tell(d, &f, "%s", r < 0 ? strerror(-r) : first_line(text, line));
	}
}

void doctor_sudo(struct doctor *d)
{
	const struct finding f = {FINDING_NOTE, "sudo", .remedy = "see that it is Todd Miller's sudo, 1.8.23 or later"};

	if (access(SUDO, X_OK) < 0)
		doctor_ok(d, "sudo", NULL, "no " SUDO " here");
	else if (access(CVTSUDOERS, X_OK) < 0) /* also sudo-rs, which has no group_plugin */
		doctor_tell(d, &f, "there is no " CVTSUDOERS ": what " SUDO " goes by is not seen");
	else if (!d->root)
		doctor_unseen(d, "sudo", "sudoers");
	else
		read_rules(d);
}
