/* From a record to glibc's structs, all strings and arrays inside the caller's buffer. */
#ifndef NSS_PACK_H
#define NSS_PACK_H

#include <grp.h>
#include <pwd.h>

#include "common/snapshot_find.h"

/* 0; -ENOBUFS when BUFFER is too small. RET is written last, and only on success. */
int pack_passwd(const struct snapshot_user_view *u, struct passwd *ret, char *buffer, size_t buflen) MUST_CHECK;
/* The same; -EBADMSG when the members are not what the record says. G's strings may lie in BUFFER. */
int pack_group(const struct snapshot_group *g, struct group *ret, char *buffer, size_t buflen) MUST_CHECK;

#endif
