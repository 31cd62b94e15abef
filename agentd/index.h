/*
 * Hash index over places in an array of the caller's: who has this id, this name, this number? Holds no keys: the
 * caller compares what a walk finds. Several entries may have the same key.
 */
#ifndef AGENTD_INDEX_H
#define AGENTD_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

#define INDEX_NONE UINT32_MAX

struct index_slot {
	uint32_t hash;
	uint32_t place; /* + 1; 0 = free */
};

/* All zero is an empty one. */
struct index {
	struct index_slot *slots;
	uint32_t size, used; /* size: 0 or a power of two */
};

/* Room for N entries in all, so that it need not grow on the way. -ENOMEM. */
int index_reserve(struct index *x, uint32_t n) MUST_CHECK;
/* -ENOMEM. PLACE below INDEX_NONE. */
int index_add(struct index *x, uint32_t hash, uint32_t place) MUST_CHECK;
void index_done(struct index *x);

/*
 * Walk all places under HASH (others with the same hash among them):
 *	for (uint32_t step = 0, i; (i = index_next(x, hash, &step)) != INDEX_NONE;) …
 */
uint32_t index_next(const struct index *x, uint32_t hash, uint32_t *step);

uint32_t hash_string(const char *s);
uint32_t hash_name(const char *name); /* equal for names that differ in case only */
uint32_t hash_number(uint32_t n);

#endif
