/* common/str: text, numbers, times and buffers. */
#include "tests/unit/unit.h"

#include <time.h>

#include "common/str.h"
#include "tests/unit/fail_malloc.h"

static void test_print(void **state)
{
	char out[6];

	(void)state;
	assert_int_equal(str_print(out, sizeof(out), "%s", "12345"), 0);
	assert_string_equal(out, "12345");
	assert_int_equal(str_print(out, sizeof(out), "%s", "123456"), -ENAMETOOLONG);
	assert_string_equal(out, "");
	assert_int_equal(str_print(out, 0, "%s", ""), -ENAMETOOLONG);
	AUTO_FREE char *s = str_format("%s/%d", "a", 7);
	assert_string_equal(s, "a/7");
}

static void test_parse_number(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint32_t value;
	} t[] = {
		{"10", 0, 10},
		{"0010", 0, 10},
		{"4294967295", -ERANGE, 0},
		{"9", -ERANGE, 0},
		{"4000000000", 0, 4000000000u},
		{"4000000001", -ERANGE, 0},
		{"4294967306", -ERANGE, 0},
		{"18446744073709551626", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+10", -EINVAL, 0},
		{" 10", -EINVAL, 0},
		{"10 ", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
		{"1e1", -EINVAL, 0},
		{"10.0", -EINVAL, 0},
		{"99999999999999999999x", -EINVAL, 0},
	};
	uint64_t big = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint32_t v = 77;

		print_message("%s\n", t[i].text);
		assert_int_equal(parse_u32(t[i].text, 10, 4000000000u, &v), t[i].result);
		assert_int_equal(v, t[i].result == 0 ? t[i].value : 77);
	}
	assert_int_equal(parse_u64("18446744073709551615", 0, UINT64_MAX, &big), 0);
	assert_true(big == UINT64_MAX);
	assert_int_equal(parse_u64("18446744073709551616", 0, UINT64_MAX, &big), -ERANGE);
	assert_true(big == UINT64_MAX);
}

static void test_parse_duration(void **state)
{
	static const struct {
		const char *text;
		int result;
		int64_t ms;
	} t[] = {
		{"90", 0, 90000},
		{"1500ms", 0, 1500},
		{"30s", 0, 30000},
		{"5m", 0, 300000},
		{"2h", 0, 7200000},
		{"14d", 0, 1209600000},
		{"0", 0, 0},
		{"", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"5 m", -EINVAL, 0},
		{"5M", -EINVAL, 0},
		{"5mm", -EINVAL, 0},
		{"-5m", -EINVAL, 0},
		{"1.5s", -EINVAL, 0},
		{"36500d", 0, 3153600000000},
		{"36501d", -ERANGE, 0},
		{"18446744073709551615d", -ERANGE, 0},
		{"99999999999999999999", -ERANGE, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		int64_t ms = -7;

		print_message("%s\n", t[i].text);
		assert_int_equal(parse_duration_ms(t[i].text, &ms), t[i].result);
		assert_true(ms == (t[i].result == 0 ? t[i].ms : -7));
	}
}

static void test_parse_time(void **state)
{
	static const struct {
		const char *text;
		int64_t t; /* 0: -EINVAL */
	} t[] = {
		{"2021-02-12T17:45:42.369Z", 1613151942},
		{"2021-02-12T17:45:42Z", 1613151942},
		{"2021-02-12T18:45:42+01:00", 1613151942},
		{"2021-02-12T12:15:42.000001-05:30", 1613151942},
		{"2021-02-12", 1613088000},
		{"2024-02-29", 1709164800},
		{"2016-12-31T23:59:60Z", 1483228800},
		{"9999-12-31T23:59:59Z", 253402300799},
		{"1970-01-01T00:00:01Z", 1},
		{"1970-01-01", 1}, /* 0 would read as "never" */
		{"1970-01-01T00:00:00+00:01", 0},
		{"9999-12-31T23:59:59-00:01", 0},
		{"1969-12-31", 0},
		{"2023-02-29", 0},
		{"2100-02-29", 0},
		{"2021-00-10", 0},
		{"2021-13-10", 0},
		{"2021-04-31", 0},
		{"2021-04-00", 0},
		{"2021-2-12", 0},
		{"2021-02-12T24:00:00Z", 0},
		{"2021-02-12T17:60:00Z", 0},
		{"2021-02-12T17:45:61Z", 0},
		{"2021-02-12T17:45:42", 0},
		{"2021-02-12T17:45:42.Z", 0},
		{"2021-02-12T17:45:42Zx", 0},
		{"2021-02-12 17:45:42Z", 0},
		{"2021-02-12T17:45:42+24:00", 0},
		{"2021-02-12T17:45:42+01:60", 0},
		{"2021-02-12T17:45:42+0100", 0},
		{"2021-02-12x", 0},
		{" 2021-02-12", 0},
		{"", 0},
		{"2021", 0},
		{"null", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		int64_t v = -7;
		int r = parse_time(t[i].text, &v);

		print_message("%s\n", t[i].text);
		assert_int_equal(r, t[i].t ? 0 : -EINVAL);
		assert_true(v == (t[i].t ? t[i].t : -7));
	}
}

/* Against the C library, over all years. */
static void test_format_time(void **state)
{
	char out[TIME_TEXT_SIZE], want[64];
	int64_t back = 0;

	(void)state;
	for (int64_t t = 1; t < 253402300800; t += 86400 * 5 + 4099) {
		time_t tt = t;
		struct tm tm;

		assert_non_null(gmtime_r(&tt, &tm));
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
		format_time(t, out);
		assert_string_equal(out, want);
		assert_int_equal(parse_time(out, &back), 0);
		assert_true(back == t);
	}
	format_time(0, out);
	assert_string_equal(out, "1970-01-01T00:00:00Z");
	format_time(253402300799, out);
	assert_string_equal(out, "9999-12-31T23:59:59Z");
	format_time(253402300800, out);
	assert_string_equal(out, "@253402300800");
	format_time(INT64_MIN, out);
	assert_string_equal(out, "@-9223372036854775808");
}

static size_t utf8_encode(uint32_t c, size_t n, char out[static 4])
{
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	if (n == 1) {
		out[0] = (char)c;
		return 1;
	}
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[n] | c);
	return n;
}

/* Every code point in its shortest form, in every longer one, and cut. */
static void test_utf8(void **state)
{
	static const uint32_t limit[] = {0, 0x80, 0x800, 0x10000, 0x200000};
	char s[4];

	(void)state;
	for (uint32_t c = 0; c < 0x120000; c++) {
		bool good = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
		size_t shortest = 1;

		while (c >= limit[shortest])
			shortest++;
		for (size_t n = shortest; n <= 4; n++) {
			uint32_t got = 0;
			size_t want = good && n == shortest ? n : 0;

			utf8_encode(c, n, s);
			assert_int_equal(utf8_decode(s, n, &got), want);
			assert_int_equal(got, want ? c : 0);
			assert_int_equal(utf8_valid(s, n), want > 0 && c != 0);
			if (n > 1)
				assert_false(utf8_valid(s, n - 1));
		}
	}
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("a\xc3\xa9z", 4));
	assert_false(utf8_valid("a\xc3z", 3));
	assert_false(utf8_valid("a\0z", 3));
	assert_false(utf8_valid("\x80", 1));
	assert_false(utf8_valid("\xff", 1));
}

static void test_buf(void **state)
{
	struct buf b = {0};
	uint8_t byte = 0;

	(void)state;
	assert_int_equal(buf_add(&b, NULL, 0), 0);
	for (unsigned int i = 0; i < 1000; i++, byte++)
		assert_int_equal(buf_add(&b, &byte, 1), 0);
	assert_int_equal(b.len, 1000);
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(b.data[i], (uint8_t)i);
	const struct buf before = b;
	assert_int_equal(buf_reserve(&b, ((size_t)1 << 30) - 999), -E2BIG);
	assert_int_equal(buf_add(&b, &byte, SIZE_MAX), -E2BIG);
	assert_memory_equal(&b, &before, sizeof(b));
	assert_int_equal(buf_reserve(&b, 5000), 0);
	assert_true(b.size >= 6000);
	assert_int_equal(b.len, 1000);
	buf_done(&b);
	assert_null(b.data);
	buf_done(&b);
	buf_done(NULL);
	buf_wipe(NULL);
}

static void test_buf_no_memory(void **state)
{
	struct buf b = {0};

	(void)state;
	fail_malloc_at(1);
	assert_int_equal(buf_add(&b, "x", 1), -ENOMEM);
	assert_int_equal(buf_add(&b, "secret", 6), 0);
	const struct buf before = b;
	fail_malloc_at(1);
	assert_int_equal(buf_reserve(&b, 100000), -ENOMEM);
	fail_malloc_at(0);
	assert_memory_equal(&b, &before, sizeof(b));
	assert_memory_equal(b.data, "secret", 6);
	buf_done(&b);
}

static unsigned int leaks, frees;

static void look_for_secret(const void *block)
{
	frees++;
	leaks += memcmp(block, "secret", 6) == 0;
}

/* Neither growing nor buf_wipe() leaves a copy behind; buf_done() shows that the watch works. */
static void test_buf_leaves_no_copy(void **state)
{
	struct buf b = {0}, plain = {0};

	(void)state;
	assert_int_equal(buf_add(&b, "secret", 6), 0);
	assert_int_equal(buf_add(&plain, "secret", 6), 0);
	leaks = frees = 0;
	fail_malloc_on_free = look_for_secret;
	assert_int_equal(buf_reserve(&b, 1000), 0);
	buf_wipe(&b);
	assert_int_equal(frees, 2);
	assert_int_equal(leaks, 0);
	buf_done(&plain);
	assert_int_equal(leaks, 1);
	fail_malloc_on_free = NULL;
}

static void test_strlist(void **state)
{
	static const struct {
		struct strlist list;
		bool valid;
	} t[] = {
		{STRLIST("a\0bc\0", 2), true},  {{NULL, 0, 0}, true},
		{STRLIST("\0\0", 2), true},     {{NULL, 0, 1}, false},
		{{NULL, 2, 1}, false},          {STRLIST("a\0bc", 2), false},
		{STRLIST("a\0bc\0", 1), false}, {STRLIST("a\0bc\0", 3), false},
	};
	const struct strlist l = STRLIST("a\0\0bc\0", 3), none = {0};
	const char *s = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(strlist_valid(&t[i].list), t[i].valid);
	s = strlist_next(&l, s);
	assert_string_equal(s, "a");
	s = strlist_next(&l, s);
	assert_string_equal(s, "");
	s = strlist_next(&l, s);
	assert_string_equal(s, "bc");
	assert_null(strlist_next(&l, s));
	assert_null(strlist_next(&none, NULL));
	assert_true(strlist_has(&l, "bc"));
	assert_true(strlist_has(&l, ""));
	assert_false(strlist_has(&l, "b"));
	assert_false(strlist_has(&none, ""));
}

static void test_memory(void **state)
{
	char a[] = "0123456789", b[] = "0123456789";

	(void)state;
	assert_true(equal_ct(a, b, 10));
	for (unsigned int i = 0; i < 80; i++) {
		b[i / 8] ^= (char)(1 << i % 8);
		assert_false(equal_ct(a, b, 10));
		b[i / 8] ^= (char)(1 << i % 8);
	}
	assert_true(equal_ct(a, "x", 0));
	wipe(a, 10);
	assert_memory_equal(a, "\0\0\0\0\0\0\0\0\0\0", 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_parse_number),
		cmocka_unit_test(test_parse_duration),
		cmocka_unit_test(test_parse_time),
		cmocka_unit_test(test_format_time),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_buf_no_memory),
		cmocka_unit_test(test_buf_leaves_no_copy),
		cmocka_unit_test(test_strlist),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
