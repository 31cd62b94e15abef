/* Who is local: read from the file, whatever stands in it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pam/local.h"

#define FILE_NAME "test_pam_local.passwd"

static void write_file(const char *text)
{
	FILE *f = fopen(FILE_NAME, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static int remove_file(void **state)
{
	(void)state;
	unlink(FILE_NAME);
	return 0;
}

static void test_names(void **state)
{
	static const char *const local[] = {"root", "first", "middle", "blank",
					    "last", "#odd",  "ALICE"};
	static const char *const others[] = {
		"",        "fir",    "firstt",  "First",   "x",           "1000",
		"/bin/sh", "alice",  "first:x", "first:",  ":",           "middle\nlast",
		"last\n",  "\nlast", " blank",  "comment", "gecos first", "nocolon"};

	(void)state;
	write_file("first:x:1000:1000:gecos first:/home/first:/bin/sh\n"
		   "\n"
		   "middle:x:1001:1001::/:/bin/sh\n"
		   "# comment:x:1:1::/:/bin/sh\n"
		   "nocolon\n"
		   ":x:0:0::/:/bin/sh\n"
		   " \t blank:x:0:0::/:/bin/sh\n"
		   "#odd:x:1:1::/:/bin/sh\n"
		   "ALICE:x:1:1::/:/bin/sh\n"
		   "+::::::\n"
		   "last:x:1002:1002::/:/bin/sh");
	for (size_t i = 0; i < sizeof(local) / sizeof(*local); i++)
		assert_int_equal(local_user(FILE_NAME, local[i]), 1);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_int_equal(local_user(FILE_NAME, others[i]), 0);
}

/* The name falls on every place of a block, behind lines longer than one. */
static void test_blocks(void **state)
{
	static char text[3 * 4096];

	(void)state;
	for (size_t n = 4096 - 12; n < 4096 + 12; n++) {
		memset(text, 'a', n);
		snprintf(text + n, sizeof(text) - n, ":x:5:5::/:/bin/sh\ntarget:x:6:6::/:\n");
		write_file(text);
		assert_int_equal(local_user(FILE_NAME, "target"), 1);
		assert_int_equal(local_user(FILE_NAME, "arget"), 0);
		assert_int_equal(local_user(FILE_NAME, "a"), 0);
		text[n + strlen(":x:5:5::/:/bin/sh")] = 'b'; /* one line now */
		write_file(text);
		assert_int_equal(local_user(FILE_NAME, "target"), 0);
	}
}

static void test_no_file(void **state)
{
	(void)state;
	unlink(FILE_NAME);
	assert_int_equal(local_user(FILE_NAME, "first"), -ENOENT);
	assert_int_equal(local_user(FILE_NAME, "root"), 1);
	assert_int_equal(local_user("/", "first"), -EISDIR);
	write_file("");
	assert_int_equal(local_user(FILE_NAME, "first"), 0);
	assert_int_equal(local_user(FILE_NAME, "root"), 1);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *name;
		unsigned int field;
		int r;
		uint32_t number;
	} cases[] = {
		{"bob", 2, 1, 1001},	    {"bob", 3, 1, 100},	      {"bob", 1, -EBADMSG, 0}, {"bob", 9, -EBADMSG, 0},
		{"twice", 2, 1, 7},	    {"top", 2, 1, UINT32_MAX}, {"over", 2, -EBADMSG, 0}, {"long", 2, -EBADMSG, 0},
		{"none", 2, -EBADMSG, 0},   {"cut", 2, -EBADMSG, 0},  {"minus", 2, -EBADMSG, 0}, {"space", 2, -EBADMSG, 0},
		{"bare", 1, 0, 0},	    {"nobody", 2, 0, 0},      {"listed", 1, 1, 1002},	 {"last", 2, 1, 42},
		{"", 2, 0, 0},		    {"bob:x", 2, 0, 0},
	};

	(void)state;
	write_file("bob:x:1001:100::/:/bin/sh\ntwice:x:7:7\ntwice:x:8:8\ntop:x:4294967295:\nover:x:4294967296:\n"
		   "long:x:00000000001:\nnone:x::\ncut:x\nminus:x:-1:\nspace:x: 1:\nbare\nlisted\nlisted:1002:kept\nlast:x:42");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t number = 0;

		assert_int_equal(local_number(FILE_NAME, cases[i].name, cases[i].field, &number), cases[i].r);
		assert_int_equal(number, cases[i].number);
	}
	unlink(FILE_NAME);
	assert_int_equal(local_number(FILE_NAME, "bob", 2, &(uint32_t){0}), -ENOENT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, remove_file);
}
