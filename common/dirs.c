#include "common/dirs.h"

#include <errno.h>
#include <sys/stat.h>

int dir_make(const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(path, mode) < 0 ? -errno : 0;
}

void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}
