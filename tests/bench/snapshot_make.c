/*
 * snapshot_make PATH USERS SHARED BIG GENERATION [LAST]: publish a snapshot of tests/unit/sample.h under PATH; all generations
 * up to LAST, one after another.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/sample.h"

int main(int argc, char *argv[])
{
	struct sample s = {0};
	uint64_t last;
	int r = 0;

	if (argc < 6 || argc > 7 || parse_u32(argv[2], 0, 1000000, &s.n_users) < 0 ||
	    parse_u32(argv[3], 0, 100000, &s.n_shared) < 0 ||
	    parse_u32(argv[4], 0, 1000000, &s.n_big) < 0 ||
	    parse_u64(argv[5], 1, UINT32_MAX, &s.generation) < 0 ||
	    parse_u64(argv[argc - 1], s.generation, UINT32_MAX, &last) < 0)
		return 2;
	for (; r == 0 && s.generation <= last; s.generation++)
		r = sample_publish(&s, argv[1]);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-r));
	return r < 0;
}
