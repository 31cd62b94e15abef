/* Directories: making those that nobody else has, and closing what was read. */
#ifndef COMMON_DIRS_H
#define COMMON_DIRS_H

#include <dirent.h>
#include <sys/types.h>

#include "common/macros.h"

/* For CLEANUP(): closes *D, unless it is NULL. */
void closedirp(DIR **d);

/* Make PATH with MODE, whatever the umask of the host; one that is there is left as it is. 0; -errno. */
int dir_make(const char *path, mode_t mode) MUST_CHECK;

#endif
