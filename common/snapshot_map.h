/*
 * nss.snapshot for one lookup in somebody else's process: the mapping of /run's file, kept between calls, or
 * a descriptor for this call alone (DESIGN.md 4, "Read"): for the first 16 of a process, and where nothing can be mapped.
 * No lock, no descriptor kept, no thread-local storage; safe in threads, after fork, and when a thread is cancelled.
 */
#ifndef COMMON_SNAPSHOT_MAP_H
#define COMMON_SNAPSHOT_MAP_H

#include "common/snapshot_source.h"

struct snapshot_access {
	struct snapshot_source source;
	struct snapshot_layout layout; /* a descriptor's; unused when mapped */
	int slot;		       /* of the mapping; -1 = none */
	int cancel_state;
};

/*
 * What is published now, at most a second old. Mapped only for who asks often, and from a tmpfs, where pages are not lost to a bad disk;
 * else, and when mmap is denied, /run's file by descriptor, else /var/lib's. Errors as snapshot_open_published().
 */
int snapshot_access_begin(struct snapshot_access *a) MUST_CHECK;
void snapshot_access_end(struct snapshot_access *a);

#endif
