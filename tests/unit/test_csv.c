/* CSV: cells and lines as RFC 4180 has them, what is no CSV, and the header's names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/directory/columns.h"
#include "ctl/directory/csv.h"

/* All rows of TEXT as "line:cell|cell;…", freed by the caller; the last csv_next() and the faulty line in RET. */
static char *parse(const char *text, int *ret, unsigned *ret_line)
{
	/* On the heap without a byte to spare, so that AddressSanitizer sees a step too far. */
	char *copy = strdup(text), *out = NULL;
	size_t size;
	FILE *f = open_memstream(&out, &size);
	struct csv_row row;
	struct csv csv;

	assert_non_null(copy);
	assert_non_null(f);
	csv_init(&csv, copy, strlen(text));
	while ((*ret = csv_next(&csv, &row)) == 1) {
		fprintf(f, "%u:", row.line);
		for (unsigned i = 0; i < row.n_cells; i++)
			fprintf(f, "%s%s", i ? "|" : "", row.cells[i]);
		fputc(';', f);
	}
	*ret_line = csv.error_line;
	fclose(f);
	free(copy);
	return out;
}

static void test_rows(void **state)
{
	static const struct {
		const char *text, *rows;
	} cases[] = {
		{"", ""},
		{"\n\r\n", ""},
		{"a", "1:a;"},
		{"a,b\n", "1:a|b;"},
		{"a,b\r\nc,d", "1:a|b;2:c|d;"},
		{",", "1:|;"},
		{"a,\nb,", "1:a|;2:b|;"},
		{"\xef\xbb\xbf"
		 "a,b\n",
		 "1:a|b;"},
		{"\"a,b\",c\n", "1:a,b|c;"},
		{"\"say \"\"hi\"\"\"\n", "1:say \"hi\";"},
		{"\"\"\n", "1:;"},
		{"\"\",\"\"", "1:|;"},
		{"\"\"\"\"", "1:\";"},
		{"\"two\nlines\",x\ny,z\n", "1:two\nlines|x;3:y|z;"},
		{"\"two\r\nlines\"\r\ny", "1:two\r\nlines;3:y;"},
		{"a\n\n\nb", "1:a;4:b;"},
		{" a , b ", "1: a | b ;"},
		{"a\rb\n", "1:a\rb;"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned line;
		int r;
		char *rows = parse(cases[i].text, &r, &line);

		assert_string_equal(rows, cases[i].rows);
		assert_int_equal(r, 0);
		free(rows);
	}
}

static void test_no_csv(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
	} cases[] = {
		{"\"", 1},          {"a\nb,\"c\nd\n", 2}, {"\"a\"b\n", 1},  {"x\na\"b\n", 2},
		{"\"a\n\"\" b", 1}, {"\"a\" ,b\n", 1},    {"\"a\nb\"c", 2}, {"\"a\"\"", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned line;
		int r;

		free(parse(cases[i].text, &r, &line));
		assert_int_equal(r, -EBADMSG);
		assert_int_equal(line, cases[i].line);
	}
}

static void test_too_many_cells(void **state)
{
	char text[CSV_CELLS_MAX + 1];
	unsigned line;
	int r;

	(void)state;
	memset(text, ',', sizeof(text));
	text[CSV_CELLS_MAX - 1] = '\0';
	free(parse(text, &r, &line));
	assert_int_equal(r, 0);
	text[CSV_CELLS_MAX - 1] = ',';
	text[CSV_CELLS_MAX] = '\0';
	free(parse(text, &r, &line));
	assert_int_equal(r, -EBADMSG);
}

static void test_header(void **state)
{
	static const struct {
		const char *header, *name;
	} cases[] = {
		{"FirstName", "firstname"},
		{"First Name", "firstname"},
		{"USERNAME", "username"},
		{"unix_uid", "unix_uid"},
		{"Unix UID", "unix_uid"},
		{"uid", "unix_uid"},
		{"preferredName", "displayname"},
		{"Group1", "groups"},
		{"group12", "groups"},
		{"_id", "id"},
		{"home", "home"},
		{"home_streetAddress", "home_streetAddress"},
		{"passwordless-sudo", "passwordless_sudo"},
	};
	static const char *const unknown[] = {"",       "usernam", "usernames", "Group",
					      "Groupx", "Group1x", "user,name"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct column *c = column_find(cases[i].header);

		assert_non_null(c);
		assert_string_equal(c->name, cases[i].name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		assert_null(column_find(unknown[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_no_csv),
		cmocka_unit_test(test_too_many_cells),
		cmocka_unit_test(test_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
