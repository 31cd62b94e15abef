/* musterctl directory: the embedded directory, edited. One table, one file a family of actions. */
#include "ctl/directory/actions.h"

#include "ctl/commands.h"

static const struct command *const actions[] = {
	&action_add,      &action_set,    &action_activate, &action_suspend,
	&action_schedule, &action_expire, &action_unlock,   &action_passwd,
	&action_mfa,      &action_delete, &action_bind,     &action_unbind,
	&action_group,    &action_import, &action_export,   NULL,
};

const struct command command_directory = {
	.name = "directory",
	.summary = "Edits the directory that is kept in a file: this computer's own, or another "
		   "document.",
	.details = "The file is that of '[directory] url' in muster.conf, or the one given with "
		   "--file. Changes are\n"
		   "checked, saved as a whole, and published at once by 'musterd --once'. Users "
		   "are named by their\n"
		   "name or id, one or several.",
	.sub = actions,
};
