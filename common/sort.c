#include "common/sort.h"

#include <stdlib.h>

void sort_unsorted(void *base, size_t n, size_t size, int (*compare)(const void *a, const void *b, void *context),
		   void *context)
{
	const char *p = base;

	for (size_t i = 1; i < n; i++, p += size)
		if (compare(p, p + size, context) > 0) {
			qsort_r(base, n, size, compare, context);
			return;
		}
}
