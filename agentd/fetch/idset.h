/*
 * A set of directory ids, 16 bytes each: keeps a keyed 64-bit hash of an id, not the id. (Two of
 * a million ids are taken for one with a chance below 1 in 10^7; nobody can choose them, since
 * the key is new in each process.)
 */
#ifndef AGENTD_FETCH_IDSET_H
#define AGENTD_FETCH_IDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

#define IDSET_MAX 1000000u

/* All zero: empty. */
struct idset {
	uint64_t *slots; /* 0 is free */
	size_t n_slots, count;
};

/* Never 0; another one in another process. */
uint64_t idset_hash(const char *id);

/* 1 when ID is new, 0 when it was there; -ENOMEM; -EFBIG at IDSET_MAX. */
int idset_add(struct idset *s, const char *id) MUST_CHECK;
bool idset_has(const struct idset *s, const char *id);
/* The same for an id of which only its idset_hash() is at hand. */
int idset_add_hash(struct idset *s, uint64_t hash) MUST_CHECK;
bool idset_has_hash(const struct idset *s, uint64_t hash);
void idset_done(struct idset *s);

#endif
