/*
 * LD_PRELOAD: with MALLOC_FAIL=N the N-th allocation of the process fails, with N+ all from there on. Says so on standard
 * error, and at the end how many there were.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

static long fail_at, count;
static int all;

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("MALLOC_FAIL");

	if (!text)
		return;
	all = strchr(text, '+') != NULL;
	fail_at = strtol(text, NULL, 10);
	count = 0;
}

__attribute__((destructor)) static void end(void)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "allocations: %ld\n", count);

	if (n > 0 && write(2, text, (size_t)n) < 0)
		return;
}

static int fails(void)
{
	long now = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);

	if (!fail_at || (now != fail_at && !(all && now > fail_at)))
		return 0;
	if (now == fail_at && write(2, "allocation failed\n", 18) < 0)
		return 1;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}
