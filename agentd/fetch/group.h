/*
 * What hangs on directory groups and on the organisation, in JumpCloud's words, to the structs of
 * common/account.h.
 */
#ifndef AGENTD_FETCH_GROUP_H
#define AGENTD_FETCH_GROUP_H

#include "agentd/fetch/json.h"
#include "common/account.h"

#define GROUP_NAME_MAX 255

/*
 * A group's `attributes`: posixGroups and sudo, into RET, whose id and name are set and whose
 * posix names will point into N's tree. A POSIX group with a name or gid that no local group may
 * have is left out alone: DROP is called for it (kind "posix_group", the group's id, the POSIX
 * group's name); it returns 0 or -errno, which ends the reading. Returns 0; -EINVAL the whole
 * group must be left out, N's fault says why; what DROP returned.
 */
int group_attributes_read(const struct json_node *n, int (*drop)(void *context, const struct reject *reject),
			  void *context, struct dir_group *ret) MUST_CHECK;

/*
 * The lockout policy: a document's `policy`, JumpCloud's settings.passwordPolicy. Where
 * JumpCloud's enable* is false, the directory says: never lock (max_attempts 0), no end
 * (lock_time_s 0), all failures count (window_s 0). 0, or -EINVAL and N's fault says why.
 */
int lockout_read(const struct json_node *n, struct lockout_policy *ret) MUST_CHECK;

#endif
