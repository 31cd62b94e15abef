/* The scanner: RFC 8259 and no more, whatever the pieces in which a document comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "agentd/fetch/scanner.h"

/* Everything a scan says, as text. Arrays and objects above ENTER_DEPTH are entered, the rest taken; keys "skip…" skipped. */
struct scan_log {
	struct buf text;
	unsigned enter_depth;
	struct scanner scanner;
};

static void say(struct scan_log *l, const void *data, size_t len)
{
	assert_int_equal(buf_add(&l->text, data, len), 0);
}

static int log_begin(void *context, const struct scan_at *at)
{
	struct scan_log *l = context;
	char head[400];
	int n = snprintf(head, sizeof(head), "%u %c [%s] %u:%u@%u\n", at->depth, at->type, at->key, at->line,
			 (unsigned)(at->offset - at->line_offset), (unsigned)at->offset);

	say(l, head, (size_t)n);
	if (strncmp(at->key, "skip", 4) == 0)
		return SCAN_SKIP;
	return at->depth < l->enter_depth && strchr("[{", at->type) ? SCAN_ENTER : SCAN_TAKE;
}

static int log_take(void *context, const struct scan_at *at, const struct scan_value *v)
{
	struct scan_log *l = context;
	char head[400];
	int n = snprintf(head, sizeof(head), "= [%s] %zu %u %d ", at->key, v->data ? v->len : 0, v->n_keys,
			 v->bad_unicode);

	say(l, head, (size_t)n);
	if (v->data)
		say(l, v->data, v->len);
	say(l, "\n", 1);
	return 0;
}

static int log_leave(void *context, unsigned depth)
{
	char tail[16];

	say(context, tail, (size_t)snprintf(tail, sizeof(tail), "/%u\n", depth));
	return 0;
}

/* Scans TEXT cut at FIRST and then every STEP bytes. */
static int scan(struct scan_log *l, const char *text, size_t len, size_t first, size_t step)
{
	const struct scan_handler h = { log_begin, log_take, log_leave, l, 64, NULL };
	size_t done = 0;
	int r = 0;

	scanner_init(&l->scanner, &h);
	while (r == 0 && done < len) {
		size_t n = done == 0 && first ? first : step;

		n = n > len - done ? len - done : n;
		/* Its own memory, so that a sanitizer sees every step beyond the piece. */
		char *piece = malloc(n);

		memcpy(piece, text + done, n);
		r = scanner_feed(&l->scanner, piece, n);
		free(piece);
		done += n;
	}
	if (r == 0)
		r = scanner_finish(&l->scanner);
	scanner_done(&l->scanner);
	say(l, scanner_text(&l->scanner), strlen(scanner_text(&l->scanner)) + 1);
	return r;
}

static const char sample[] =
	"{ \"format\" : \"muster-directory\\/1\",\r\n\"a\":[1,-0.5e+10,[true,false,null],{\"x\":{\"y\":\"z\"}}, \"\\ud83d\\ude00\"],\n"
	"\t\"skip\": [{\"deep\": [[[[\"\\\"}]\"]]]]}, 0, 1E5], \"\\u0061\\n\":{},\"b\":[ ],\n\n \"half\":\"\\ud800\","
	"\"long\":\"0123456789012345678901234567890123456789012345678901234567890123456789\",\"ü\":\"\\u0000\"}\n";

/* The same events for every cut into two, and for pieces of every size. */
static void test_splits(void **state)
{
	size_t len = sizeof(sample) - 1;

	(void)state;
	for (unsigned depth = 0; depth < 4; depth++) {
		struct scan_log whole = { .enter_depth = depth };

		assert_int_equal(scan(&whole, sample, len, 0, len), 0);
		for (size_t i = 1; i < 2 * len; i++) {
			struct scan_log split = { .enter_depth = depth };
			size_t first = i < len ? i : 0, step = i < len ? len : i - len + 1;

			assert_int_equal(scan(&split, sample, len, first, step), 0);
			assert_string_equal((char *)split.text.data, (char *)whole.text.data);
			buf_done(&split.text);
		}
		buf_done(&whole.text);
	}
}

static void test_events(void **state)
{
	static const char text[] = "{\"a\": [1,\n {\"b\":{\"c\":\"\\ud800\"}}],\n\"skip\":[2],\"\":null}";
	struct scan_log l = { .enter_depth = 2 };

	(void)state;
	assert_int_equal(scan(&l, text, strlen(text), 0, 1000), 0);
	assert_string_equal((char *)l.text.data, "0 { [] 1:0@0\n"
						 "1 [ [a] 1:6@6\n"
						 "2 0 [] 1:7@7\n"
						 "= [] 1 0 0 1\n"
						 "2 { [] 2:1@11\n"
						 "= [] 20 2 1 {\"b\":{\"c\":\"\\ud800\"}}\n"
						 "/1\n"
						 "1 [ [skip] 3:7@41\n"
						 "1 n [] 3:14@48\n"
						 "= [] 4 0 0 null\n"
						 "/0\n");
	buf_done(&l.text);
}

/* Two ways to write one key are one key; what is not ASCII stays as it was written. */
static void test_keys(void **state)
{
	static const char text[] = "{\"\\u0069\\u0064\":1,\"a\\/b\\\\u0063\\\"\\u00e4\":2,\"\\u0000\\u007F\":3}";

	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		struct scan_log l = { .enter_depth = 1 };

		assert_int_equal(scan(&l, text, strlen(text), 0, step), 0);
		assert_non_null(strstr((char *)l.text.data, "1 0 [id] "));
		assert_non_null(strstr((char *)l.text.data, "1 0 [a/b\\u0063\"\\u00e4] "));
		assert_non_null(strstr((char *)l.text.data, "1 0 [\\u0000\x7f] "));
		buf_done(&l.text);
	}
}

static void test_too_long(void **state)
{
	static const char fits[] = "[\"01234567890123456789012345678901234567890123456789012345678901\"]";
	static const char longer[] = "[\"012345678901234567890123456789012345678901234567890123456789012\"]";

	(void)state;
	for (size_t step = 1; step < sizeof(longer); step++) {
		struct scan_log a = { .enter_depth = 1 }, b = { .enter_depth = 1 };

		assert_int_equal(scan(&a, fits, strlen(fits), 0, step), 0);
		assert_non_null(strstr((char *)a.text.data, "= [] 64 0 0 \"0123"));
		assert_int_equal(scan(&b, longer, strlen(longer), 0, step), 0);
		assert_non_null(strstr((char *)b.text.data, "= [] 0 0 0 \n"));
		buf_done(&a.text);
		buf_done(&b.text);
	}
}

/* However long a value is, only so much of it is kept. */
static void test_memory(void **state)
{
	struct scan_log l = { .enter_depth = 1 };
	const struct scan_handler h = { log_begin, log_take, log_leave, &l, 64, NULL };
	struct scanner s;

	(void)state;
	scanner_init(&s, &h);
	assert_int_equal(scanner_feed(&s, "[\"", 2), 0);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(scanner_feed(&s, "0123456789", 10), 0);
	assert_in_range(s.taken.size, 1, 128);
	assert_int_equal(scanner_feed(&s, "\",2]", 4), 0);
	assert_int_equal(scanner_finish(&s), 0);
	scanner_done(&s);
	say(&l, "", 1);
	assert_non_null(strstr((char *)l.text.data, "= [] 0 0 0 \n"));
	assert_non_null(strstr((char *)l.text.data, "= [] 1 0 0 2\n"));
	buf_done(&l.text);
}

static const struct {
	const char *text, *says;
} bad[] = {
	{ "", "line 1, column 1: the document ends too early" },
	{ "{\n\"a\": NaN}", "line 2, column 6: expected a JSON value" },
	{ "[Infinity]", "line 1, column 2: expected a JSON value" },
	{ "[-Infinity]", "line 1, column 3: not a number" },
	{ "['a']", "line 1, column 2: expected a JSON value" },
	{ "{'a':1}", "line 1, column 2: expected a key in double quotes" },
	{ "{a:1}", "line 1, column 2: expected a key in double quotes" },
	{ "[\"a\nb\"]", "line 1, column 4: control character in a string" },
	{ "[\"a\tb\"]", "line 1, column 4: control character in a string" },
	{ "[1,]", "line 1, column 4: expected a JSON value" },
	{ "[,1]", "line 1, column 2: expected a JSON value" },
	{ "{\"a\":1,}", "line 1, column 8: expected a key in double quotes" },
	{ "{\"a\" 1}", "line 1, column 6: expected :" },
	{ "{\"a\":1 \"b\":2}", "line 1, column 8: expected , or }" },
	{ "[1 2]", "line 1, column 4: expected , or ]" },
	{ "[1}", "line 1, column 3: expected , or ]" },
	{ "{\"a\":1]", "line 1, column 7: expected , or }" },
	{ "[] []", "line 1, column 4: something follows the end of the document" },
	{ "[]x", "line 1, column 3: something follows the end of the document" },
	{ "[007]", "line 1, column 3: expected , or ]" },
	{ "[+1]", "line 1, column 2: expected a JSON value" },
	{ "[.5]", "line 1, column 2: expected a JSON value" },
	{ "[1.]", "line 1, column 4: not a number" },
	{ "[1e]", "line 1, column 4: not a number" },
	{ "[1e+]", "line 1, column 5: not a number" },
	{ "[-]", "line 1, column 3: not a number" },
	{ "[0x10]", "line 1, column 3: expected , or ]" },
	{ "[1", "line 1, column 3: the document ends too early" },
	{ "-", "line 1, column 2: the document ends too early" },
	{ "[tru]", "line 1, column 5: expected a JSON value" },
	{ "[True]", "line 1, column 2: expected a JSON value" },
	{ "[nul", "line 1, column 5: the document ends too early" },
	{ "[\"\\x\"]", "line 1, column 4: no such escape" },
	{ "[\"\\u12g4\"]", "line 1, column 7: no such escape" },
	{ "[\"a", "line 1, column 4: the document ends too early" },
	{ "[/* */]", "line 1, column 2: expected a JSON value" },
	{ "\xef\xbb\xbf[]", "line 1, column 1: expected a JSON value" },
	{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
	  "line 1, column 33: nested too deeply" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (unsigned depth = 0; depth < 3; depth++)
			for (size_t step = 1; step < 4; step++) {
				struct scan_log l = { .enter_depth = depth };

				if (scan(&l, bad[i].text, strlen(bad[i].text), 0, step) != -EBADMSG)
					fail_msg("accepted: %s", bad[i].text);
				assert_string_equal(scanner_text(&l.scanner), bad[i].says);
				buf_done(&l.text);
			}
}

/* A NUL, and whatever follows it. */
static void test_nul(void **state)
{
	static const char *const texts[] = { "[]\0x", "[\0]", "[\"\0\"]", "{\"\0\":1}", "[1\0]" };
	static const size_t lens[] = { 4, 3, 5, 7, 4 };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct scan_log l = { .enter_depth = 1 };

		assert_int_equal(scan(&l, texts[i], lens[i], 0, 100), -EBADMSG);
		buf_done(&l.text);
	}
}

static void test_good(void **state)
{
	static const char *const texts[] = { "0",  "-0", "10",	  " 1.5e-7 ", "\"\"",	"true",
					     "[]", "{}", "[[]]", "[ 1 , 2 ]", "{\"a\":{}}", "\"\xff\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t step = 1; step < 4; step++) {
			struct scan_log l = { .enter_depth = 1 };

			if (scan(&l, texts[i], strlen(texts[i]), 0, step) != 0)
				fail_msg("refused: %s: %s", texts[i], scanner_text(&l.scanner));
			buf_done(&l.text);
		}
}

static void test_size(void **state)
{
	static char spaces[1 << 20];
	struct scan_log l = { .enter_depth = 1 };
	const struct scan_handler h = { log_begin, log_take, log_leave, &l, 64, NULL };
	struct scanner s;

	(void)state;
	memset(spaces, ' ', sizeof(spaces));
	scanner_init(&s, &h);
	for (size_t i = 0; i < SCAN_SIZE_MAX / sizeof(spaces); i++)
		assert_int_equal(scanner_feed(&s, spaces, sizeof(spaces)), 0);
	assert_int_equal(scanner_feed(&s, spaces, 1), -EFBIG);
	assert_string_equal(scanner_text(&s), "larger than 256 MiB");
	scanner_done(&s);
}

/* A value inside a document: line numbers go on, what follows it does not count. */
static void test_part(void **state)
{
	struct scan_log l = { .enter_depth = 1 };
	const struct scan_handler h = { log_begin, log_take, log_leave, &l, 64, NULL };
	const struct scan_at at = { .offset = 100, .line = 7, .line_offset = 90 };
	struct scanner s;

	(void)state;
	scanner_init_part(&s, &h, &at);
	assert_int_equal(scanner_feed(&s, "[1,\n2", 5), 0);
	assert_int_equal(scanner_feed(&s, "]garbage", 8), 1);
	scanner_done(&s);
	say(&l, "", 1);
	assert_string_equal((char *)l.text.data, "0 [ [] 7:10@100\n1 0 [] 7:11@101\n= [] 1 0 0 1\n"
						 "1 0 [] 8:0@104\n= [] 1 0 0 2\n/0\n");
	l.text.len = 0;
	scanner_init_part(&s, &h, &at);
	assert_int_equal(scanner_feed(&s, "[1,\n2}", 6), -EBADMSG);
	assert_string_equal(scanner_text(&s), "line 8, column 2: expected , or ]");
	scanner_done(&s);
	buf_done(&l.text);
}

static int refuse(void *context, const struct scan_at *at)
{
	return at->type == 't' ? scan_fail(context, at, "not %s", "true") : SCAN_ENTER;
}

static void test_handler_fails(void **state)
{
	char text[SCAN_TEXT_SIZE] = "";
	const struct scan_handler h = { refuse, log_take, NULL, text, 64, NULL };
	struct scanner s;

	(void)state;
	scanner_init(&s, &h);
	assert_int_equal(scanner_feed(&s, "[\n\n true]", 9), -EBADMSG);
	assert_string_equal(text, "line 3, column 2: not true");
	scanner_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_splits), cmocka_unit_test(test_events), cmocka_unit_test(test_keys), cmocka_unit_test(test_memory), cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_bad),    cmocka_unit_test(test_nul),    cmocka_unit_test(test_good),
		cmocka_unit_test(test_size),   cmocka_unit_test(test_part),   cmocka_unit_test(test_handler_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
