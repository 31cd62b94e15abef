#include "tests/unit/fail_malloc.h"

#include <stdlib.h>

static unsigned int countdown;
static int happened;
void (*fail_malloc_on_free)(const void *block);

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
char *__real_strdup(const char *s);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__wrap_strdup(const char *s);
void __wrap_free(void *block);

void fail_malloc_at(unsigned int n)
{
	countdown = n;
	happened = 0;
}

int fail_malloc_happened(void)
{
	return happened;
}

static int fails_now(void)
{
	if (countdown == 0 || --countdown > 0)
		return 0;
	happened = 1;
	return 1;
}

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : __real_calloc(n, size);
}

char *__wrap_strdup(const char *s)
{
	return fails_now() ? NULL : __real_strdup(s);
}

void __wrap_free(void *block)
{
	if (fail_malloc_on_free && block)
		fail_malloc_on_free(block);
	__real_free(block);
}
