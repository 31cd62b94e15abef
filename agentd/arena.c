#include "agentd/arena.h"

#include <string.h>

#define CHUNK_SIZE 65536u

struct arena_chunk {
	struct arena_chunk *before;
	size_t size;
	char data[];
};

static int chunk_add(struct arena *a, size_t len)
{
	size_t size = len > CHUNK_SIZE ? len : CHUNK_SIZE;
	struct arena_chunk *c = malloc(sizeof(*c) + size);

	if (!c)
		return -1;
	c->before = a->last;
	c->size = size;
	a->last = c;
	a->used = 0;
	return 0;
}

const char *arena_string(struct arena *a, const char *s)
{
	size_t len = strlen(s) + 1;
	char *copy;

	if ((!a->last || a->last->size - a->used < len) && chunk_add(a, len) < 0)
		return NULL;
	copy = a->last->data + a->used;
	memcpy(copy, s, len);
	a->used += len;
	return copy;
}

void arena_done(struct arena *a)
{
	while (a->last) {
		struct arena_chunk *c = a->last;

		a->last = c->before;
		free(c);
	}
	a->used = 0;
}
