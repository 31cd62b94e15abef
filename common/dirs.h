/* Directories that modules make where nobody else has. */
#ifndef COMMON_DIRS_H
#define COMMON_DIRS_H

#include <sys/types.h>

#include "common/macros.h"

/* Make PATH with MODE, whatever the umask of the host; one that is there is left as it is. 0; -errno. */
int dir_make(const char *path, mode_t mode) MUST_CHECK;

#endif
