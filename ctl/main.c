/* musterctl: what an administrator asks and orders. musterctl(1). */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/message.h"

static const struct command *const commands[] = {
	&command_status,
	&command_users,
	&command_groups,
	&command_explain,
	&command_ssh_keys,
	&command_sync,
	&command_unlock,
	&command_accept,
	&command_forget,
	&command_adopt,
	&command_doctor,
	&command_setup,
	&command_export,
	&command_directory,
	NULL,
};

static const struct command musterctl = {
	.name = "musterctl",
	.summary = "Shows and changes what muster knows about the users of this computer.",
	.details =
		"Exit codes: 0 done or allowed, 1 refused or not found, 2 wrong usage or error.\n"
		"'musterctl --version' shows the version. Manual: musterctl(1).",
	.sub = commands,
};

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("musterctl " PACKAGE_VERSION);
		return EXIT_OK;
	}
	enum exit_code code = command_run(&musterctl, musterctl.name, argc, argv);

	/* A full disk or a closed pipe must not pass for success. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		message_error("cannot write the output: %s", strerror(errno));
		return EXIT_ERROR;
	}
	return code;
}
