/* The actions of musterctl directory. */
#ifndef CTL_DIRECTORY_ACTIONS_H
#define CTL_DIRECTORY_ACTIONS_H

#include "ctl/command.h"

/* users.c */
extern const struct command action_add;
extern const struct command action_set;
extern const struct command action_delete;
/* states.c */
extern const struct command action_activate;
extern const struct command action_suspend;
extern const struct command action_schedule;
extern const struct command action_expire;
extern const struct command action_unlock;
/* mfa.c */
extern const struct command action_mfa;
/* passwd.c */
extern const struct command action_passwd;
/* bind.c */
extern const struct command action_bind;
extern const struct command action_unbind;
/* groups.c */
extern const struct command action_group;
/* import.c, export.c */
extern const struct command action_import;
extern const struct command action_export;

#endif
