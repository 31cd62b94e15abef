/* Whose tallies there are (common/tally.h): for who looks at all of them. */
#ifndef COMMON_TALLY_LIST_H
#define COMMON_TALLY_LIST_H

#include "common/str.h"

/* The uids that have a tally under RUNTIME_DIR, ascending, as uint32_t into OUT. No directory of tallies: none. -errno. */
int tallies_list(const char *runtime_dir, struct buf *out) MUST_CHECK;
/* UID among the N in UIDS, which are such a list; NULL: has none. */
uint32_t *tallies_find(uint32_t *uids, size_t n, uint32_t uid);

#endif
