/* Sorting what mostly is in order already. */
#ifndef COMMON_SORT_H
#define COMMON_SORT_H

#include <stddef.h>

/* qsort_r() of N elements of SIZE at BASE, unless a walk over them shows that there is nothing to do. BASE may be NULL when N is 0. */
void sort_unsorted(void *base, size_t n, size_t size, int (*compare)(const void *a, const void *b, void *context),
		   void *context);

#endif
