/* Typed reading: absent, null, wrong and right are four things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "agentd/fetch/json.h"

static struct json_parser parser;
static struct json_fault fault;

static int take_begin(void *context, const struct scan_at *at)
{
	(void)context;
	(void)at;
	return SCAN_TAKE;
}

struct parsed {
	int result;
	struct json_node node;
};

static int take(void *context, const struct scan_at *at, const struct scan_value *value)
{
	struct parsed *p = context;

	(void)at;
	p->result = json_parse(&parser, value, &fault, &p->node);
	return 0;
}

/* As documents are read: through the scanner. */
static struct parsed parse(const char *text)
{
	struct parsed p = { .result = -EINVAL };
	const struct scan_handler h = { take_begin, take, NULL, &p, 4096, NULL };
	struct scanner s;

	memset(&fault, 0, sizeof(fault));
	scanner_init(&s, &h);
	assert_int_equal(scanner_feed(&s, text, strlen(text)), 0);
	assert_int_equal(scanner_finish(&s), 0);
	scanner_done(&s);
	return p;
}

static const struct json_field field = { "k", "word" };

static void expect_fault(const char *reason, const char *detail)
{
	assert_string_equal(fault.reason, reason);
	assert_string_equal(fault.detail, detail);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text, *reason; /* NULL: right */
		uint32_t value;
	} numbers[] = {
		{ "{\"k\":5}", NULL, 5 },
		{ "{\"k\":10}", NULL, 10 },
		{ "{\"k\":4}", "word_range", 0 },
		{ "{\"k\":11}", "word_range", 0 },
		{ "{\"k\":-5}", "word_range", 0 },
		{ "{\"k\":4294967301}", "word_range", 0 },
		{ "{\"k\":9223372036854775808}", "word_range", 0 },
		{ "{\"k\":36893488147419103237}", "word_range", 0 },
		{ "{\"k\":-36893488147419103237}", "word_range", 0 },
		{ "{\"k\":5.0}", "word_type", 0 },
		{ "{\"k\":5e0}", "word_type", 0 },
		{ "{\"k\":1e999}", "word_type", 0 },
		{ "{\"k\":\"5\"}", "word_type", 0 },
		{ "{\"k\":true}", "word_type", 0 },
		{ "{\"k\":[5]}", "word_type", 0 },
		{ "{\"k\":{\"k\":5}}", "word_type", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct parsed p = parse(numbers[i].text);
		uint32_t value = 77;
		int r = json_get_u32(&p.node, field, 5, 10, &value);

		assert_int_equal(p.result, 0);
		assert_int_equal(r, numbers[i].reason ? -EINVAL : 1);
		assert_int_equal(value, numbers[i].reason ? 77 : numbers[i].value);
		assert_string_equal(fault.reason, numbers[i].reason ? numbers[i].reason : "");
	}
}

static void test_big_numbers(void **state)
{
	struct parsed p = parse("{\"k\":9007199254740991,\"l\":9007199254740992}");
	uint64_t value = 0;

	(void)state;
	assert_int_equal(json_get_u53(&p.node, field, &value), 1);
	assert_true(value == UINT64_C(9007199254740991));
	assert_int_equal(json_get_u53(&p.node, (struct json_field){ "l", "l" }, &value), -EINVAL);
	expect_fault("l_range", "l: 9007199254740992 is out of range");
}

/* Nothing is there: every getter says so and changes nothing. */
static void test_absent(void **state)
{
	static const char *const texts[] = { "{}", "{\"k\":null}", "{\"K\":1,\"\":2}", "[]", "\"k\"", "7", "null" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct parsed p = parse(texts[i]);
		uint32_t number = 7;
		bool yes = true;
		const char *text = "kept";
		int64_t time = 8;
		struct json_node node = { NULL, NULL };

		assert_int_equal(p.result, 0);
		assert_int_equal(json_get_u32(&p.node, field, 0, 9, &number), 0);
		assert_int_equal(json_get_bool(&p.node, field, &yes), 0);
		assert_int_equal(json_get_text(&p.node, field, 9, &text), 0);
		assert_int_equal(json_get_raw(&p.node, field, 9, &text), 0);
		assert_int_equal(json_get_time(&p.node, field, &time), 0);
		assert_int_equal(json_get_object(&p.node, field, &node), 0);
		assert_int_equal(json_get_array(&p.node, field, &node), 0);
		assert_false(json_present(&p.node, "k"));
		assert_true(number == 7 && yes && time == 8 && !node.fault && strcmp(text, "kept") == 0);
		expect_fault("", "");
	}
}

static void test_texts(void **state)
{
	static const struct {
		const char *text;
		bool plain, raw;
	} texts[] = {
		{ "{\"k\":\"12345678\"}", true, true },
		{ "{\"k\":\"123456789\"}", false, false }, /* longer than 8 */
		{ "{\"k\":\"\\u00e4\\u00e4\\u00e4\\u00e4\"}", true, true },
		{ "{\"k\":\"\\u00e4\\u00e4\\u00e4\\u00e4.\"}", false, false },
		{ "{\"k\":\"a\\n\"}", false, true },
		{ "{\"k\":\"a\\t\"}", false, true },
		{ "{\"k\":\"\\u001f\"}", false, true },
		{ "{\"k\":\"\\u007f\"}", false, true },
		{ "{\"k\":\"\\u0080\"}", false, true },
		{ "{\"k\":\"\\u009f\"}", false, true },
		{ "{\"k\":\"\\u00a0\"}", true, true },
		{ "{\"k\":\"\"}", true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct parsed p = parse(texts[i].text);
		const char *text = NULL;

		assert_int_equal(json_get_raw(&p.node, field, 8, &text), texts[i].raw ? 1 : -EINVAL);
		memset(&fault, 0, sizeof(fault));
		assert_int_equal(json_get_text(&p.node, field, 8, &text), texts[i].plain ? 1 : -EINVAL);
		assert_string_equal(fault.reason, texts[i].plain ? "" : "word_invalid");
	}
}

static void test_times(void **state)
{
	struct parsed p = parse("{\"a\":\"2021-02-12T17:45:42.369Z\",\"b\":\"\",\"c\":\"never\",\"d\":1613151942}");
	int64_t t = 0;

	(void)state;
	assert_int_equal(json_get_time(&p.node, (struct json_field){ "a", "a" }, &t), 1);
	assert_int_equal(t, 1613151942);
	assert_int_equal(json_get_time(&p.node, (struct json_field){ "b", "b" }, &t), 0);
	assert_int_equal(json_get_time(&p.node, (struct json_field){ "d", "d" }, &t), -EINVAL);
	expect_fault("d_type", "d: int, not string");
	memset(&fault, 0, sizeof(fault));
	assert_int_equal(json_get_time(&p.node, (struct json_field){ "c", "c" }, &t), -EINVAL);
	expect_fault("c_invalid", "c: \"never\" is not a date");
	assert_int_equal(t, 1613151942);
}

static void test_nested(void **state)
{
	struct parsed p = parse("{\"k\":{\"l\":[1,{\"m\":true},\"x\",null]}}");
	struct json_node k, l, item;
	bool m = false;

	(void)state;
	assert_int_equal(json_get_array(&p.node, field, &l), -EINVAL);
	expect_fault("word_type", "k: object, not array");
	assert_int_equal(json_get_object(&p.node, field, &k), 1);
	assert_int_equal(json_get_array(&k, (struct json_field){ "l", "l" }, &l), 1);
	assert_int_equal(json_array_len(&l), 4);
	item = json_array_item(&l, 1);
	assert_true(json_is_object(&item));
	assert_int_equal(json_get_bool(&item, (struct json_field){ "m", "m" }, &m), 1);
	assert_true(m);
	item = json_array_item(&l, 2);
	assert_string_equal(json_text(&item, 1), "x");
	assert_null(json_text(&item, 0));
	item = json_array_item(&l, 3);
	assert_false(json_is_object(&item));
	assert_null(json_text(&item, 1));
	/* A fault inside is the object's, and the first one stays. */
	assert_int_equal(json_get_bool(&k, (struct json_field){ "l", "l" }, &m), -EINVAL);
	expect_fault("word_type", "k: object, not array");
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *reason;
	} texts[] = {
		{ "{\"a\":1,\"a\":1}", "key_twice" },
		{ "{\"a\":1,\"\\u0061\":1}", "key_twice" },
		{ "[[{\"a\":{\"b\":1,\"c\":2,\"b\":3}}]]", "key_twice" },
		{ "\"\\u0000\"", "unicode" },
		{ "{\"\\u0000\":1}", "unicode" },
		{ "\"\\ud800\"", "unicode" },
		{ "\"\\udc00\"", "unicode" },
		{ "\"\\ud800\\ud800\\udc00\"", "unicode" },
		{ "\"\\ud800x\\udc00\"", "unicode" },
		{ "\"\\ud800\\n\"", "unicode" },
		{ "\"\xc3\"", "unicode" },
		{ "\"\xed\xa0\x80\"", "unicode" },
		{ "\"\xc0\x80\"", "unicode" },
		{ "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "too_deep" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct parsed p = parse(texts[i].text);

		if (p.result != -EBADMSG || strcmp(fault.reason, texts[i].reason) != 0)
			fail_msg("%s: %d %s", texts[i].text, p.result, fault.reason);
	}
	assert_int_equal(parse("{\"a\":1,\"A\":1,\"b\":{\"a\":2},\"c\":[{\"a\":1},{\"a\":1}]}").result, 0);
	assert_int_equal(parse("[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]").result, 0);
	assert_int_equal(parse("\"\\ud83d\\ude00\"").result, 0);
}

static int done(void **state)
{
	(void)state;
	json_parser_done(&parser);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_big_numbers), cmocka_unit_test(test_absent),
		cmocka_unit_test(test_texts),	cmocka_unit_test(test_times),	    cmocka_unit_test(test_nested),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
