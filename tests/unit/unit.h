/* What cmocka wants included before itself, and what several unit tests share. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A strlist of a literal "a\0b\0" with N strings. */
#define STRLIST(literal, n)                                                 \
	{                                                                   \
		.data = (literal), .len = sizeof(literal) - 1, .count = (n) \
	}

#endif
