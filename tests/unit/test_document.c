/* Documents to records: the whole, its parts, and every wrong type in every field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "tests/unit/document_dump.h"

/* The document TEXT gives exactly the lines SAYS. */
static void expect(struct dump *d, const char *text, const char *says)
{
	int r;

	d->text.len = 0;
	r = dump_document(d, text, strlen(text));
	if (r < 0)
		fail_msg("%s: %s\n%s", strerror(-r), d->result.text, text);
	assert_string_equal((char *)d->text.data, says);
	buf_done(&d->text);
}

#define HEAD "{\"format\":\"muster-directory/1\","

static void test_small(void **state)
{
	struct dump d = { 0 };

	(void)state;
	expect(&d, HEAD "\"users\":[]}", "");
	assert_int_equal(d.result.users, 0);
	expect(&d, HEAD "\"serial\":17,\"other\":[{}],\"users\":[{\"id\":\"a\",\"username\":\"alice\"}]}",
	       "account a alice 0:0 ACTIVATED pending\n");
	assert_int_equal(d.result.serial, 17);
	assert_int_equal(d.result.users, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
