/*
 * Link with fail_malloc.c and $(fail_malloc_ldflags): the n-th allocation of the code under test
 * fails.
 */
#ifndef TESTS_UNIT_FAIL_MALLOC_H
#define TESTS_UNIT_FAIL_MALLOC_H

#include <stddef.h>

/* From now on: the N-th (from 1) malloc, calloc or strdup gives NULL, once. 0: none does. */
void fail_malloc_at(unsigned int n);
/* Did it come to that since? */
int fail_malloc_happened(void);
/* Called with every block of libcommon's before it is freed. */
extern void (*fail_malloc_on_free)(const void *block);

#endif
