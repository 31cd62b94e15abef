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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, remove_file);
}
