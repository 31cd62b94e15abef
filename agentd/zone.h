/* The time zone of this host, as access rules go by it (common/access.h). */
#ifndef AGENTD_ZONE_H
#define AGENTD_ZONE_H

#include "common/access.h"
#include "common/macros.h"

/*
 * By PATH, /etc/localtime or a file like it, and nothing of the environment: the offset at NOW, and the shifts that come. Without a
 * file it is UTC, as for everybody else. The same until one of them has come.
 * Not for threads: TZ is another one meanwhile. Returns 0; -EBADMSG no time zone; -errno.
 */
int zone_read(const char *path, int64_t now, struct access_zone *ret) MUST_CHECK;

#endif
