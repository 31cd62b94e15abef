/* The subcommands: one file each. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl/command.h"

extern const struct command command_status;
extern const struct command command_users;
extern const struct command command_groups;
extern const struct command command_explain;
extern const struct command command_ssh_keys;
extern const struct command command_sync;
extern const struct command command_unlock;
extern const struct command command_accept;
extern const struct command command_forget;
extern const struct command command_adopt;
extern const struct command command_doctor;
extern const struct command command_setup;
extern const struct command command_export;
extern const struct command command_directory;

#endif
