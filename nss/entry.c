#include "nss/entry.h"

#include <errno.h>

enum nss_status nss_result(int r, int saved_errno, int *errnop)
{
	errno = saved_errno;
	if (r == 0)
		return NSS_STATUS_SUCCESS;
	if (r == -ESRCH) {
		*errnop = ENOENT; /* what getpwent(3) ends with in nss_files too */
		return NSS_STATUS_NOTFOUND;
	}
	if (r == -ENOBUFS) {
		*errnop = ERANGE;
		return NSS_STATUS_TRYAGAIN;
	}
	*errnop = r == -ERANGE ? EIO : -r;
	return NSS_STATUS_UNAVAIL;
}
