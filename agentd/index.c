#include "agentd/index.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/names.h"

#define FIRST_SIZE 64u

static void insert(struct index *x, uint32_t hash, uint32_t place)
{
	uint32_t i = hash & (x->size - 1);

	while (x->slots[i].place)
		i = (i + 1) & (x->size - 1);
	x->slots[i] = (struct index_slot){hash, place + 1};
	x->used++;
}

static int resize(struct index *x, uint32_t size)
{
	struct index bigger = {.size = size};

	if (size == 0) /* past 2^31 */
		return -ENOMEM;
	bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < x->size; i++)
		if (x->slots[i].place)
			insert(&bigger, x->slots[i].hash, x->slots[i].place - 1);
	free(x->slots);
	*x = bigger;
	return 0;
}

static bool is_full(uint32_t size, uint32_t used)
{
	return used >= size - size / 8;
}

int index_reserve(struct index *x, uint32_t n)
{
	uint32_t size = FIRST_SIZE;

	while (size && is_full(size, n))
		size *= 2;
	return size > x->size || !size ? resize(x, size) : 0;
}

int index_add(struct index *x, uint32_t hash, uint32_t place)
{
	int r = is_full(x->size, x->used) ? resize(x, x->size ? x->size * 2 : FIRST_SIZE) : 0;

	if (r == 0)
		insert(x, hash, place);
	return r;
}

void index_done(struct index *x)
{
	free(x->slots);
	*x = (struct index){0};
}

uint32_t index_next(const struct index *x, uint32_t hash, uint32_t *step)
{
	while (x->size) {
		const struct index_slot *s = &x->slots[(hash + (*step)++) & (x->size - 1)];

		if (!s->place)
			break;
		if (s->hash == hash)
			return s->place - 1;
	}
	return INDEX_NONE;
}

uint32_t hash_string(const char *s)
{
	return (uint32_t)XXH3_64bits(s, strlen(s));
}

uint32_t hash_name(const char *name)
{
	char folded[NAME_MAX_LEN + 1] = "";

	for (size_t i = 0; i < NAME_MAX_LEN && name[i]; i++)
		folded[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
	return hash_string(folded);
}

uint32_t hash_number(uint32_t n)
{
	return (uint32_t)XXH3_64bits(&n, sizeof(n));
}
