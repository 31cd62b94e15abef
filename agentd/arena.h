/* Many short strings in few allocations; freed all at once. */
#ifndef AGENTD_ARENA_H
#define AGENTD_ARENA_H

#include <stddef.h>

#include "common/macros.h"

struct arena_chunk;

/* All zero is an empty one. */
struct arena {
	struct arena_chunk *last;
	size_t used; /* of the last chunk */
};

/* A copy of S that lives as long as the arena; NULL alone means out of memory. */
const char *arena_string(struct arena *a, const char *s) MUST_CHECK;
void arena_done(struct arena *a);

#endif
