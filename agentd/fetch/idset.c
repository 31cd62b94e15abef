#include "agentd/fetch/idset.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define SLOTS_MIN 256

uint64_t idset_hash(const char *id)
{
	uint64_t key, hash;

	memcpy(&key, (const void *)getauxval(AT_RANDOM),
	       sizeof(key)); /* 16 bytes from the kernel */
	hash = XXH3_64bits_withSeed(id, strlen(id), key);
	return hash ? hash : 1;
}

/* Where HASH is, or the free slot where it belongs. */
static size_t find(const struct idset *s, uint64_t hash)
{
	size_t i = hash & (s->n_slots - 1);

	while (s->slots[i] && s->slots[i] != hash)
		i = (i + 1) & (s->n_slots - 1);
	return i;
}

static int grow(struct idset *s)
{
	struct idset larger = { .n_slots = s->n_slots ? 2 * s->n_slots : SLOTS_MIN,
				.count = s->count };

	larger.slots = calloc(larger.n_slots, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_slots; i++)
		if (s->slots[i])
			larger.slots[find(&larger, s->slots[i])] = s->slots[i];
	free(s->slots);
	*s = larger;
	return 0;
}

int idset_add_hash(struct idset *s, uint64_t hash)
{
	size_t i;
	int r;

	if (s->count >= s->n_slots / 2) {
		r = grow(s);
		if (r < 0)
			return r;
	}
	i = find(s, hash);
	if (s->slots[i])
		return 0;
	if (s->count == IDSET_MAX)
		return -EFBIG;
	s->slots[i] = hash;
	s->count++;
	return 1;
}

bool idset_has_hash(const struct idset *s, uint64_t hash)
{
	return s->count && s->slots[find(s, hash)] == hash;
}

int idset_add(struct idset *s, const char *id)
{
	return idset_add_hash(s, idset_hash(id));
}

bool idset_has(const struct idset *s, const char *id)
{
	return idset_has_hash(s, idset_hash(id));
}

void idset_done(struct idset *s)
{
	free(s->slots);
	*s = (struct idset){ 0 };
}
