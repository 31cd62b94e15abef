/* common/totp: RFC 6238's own values, edges of the window, secrets that are none. */
#include "common/totp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define SECRET "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" /* "12345678901234567890" */
#define T      INT64_C(1111111111)
#define CODE   "050471"

static int match(const char *code, int64_t now)
{
	uint32_t step = 7;
	int r = totp_match(SECRET, code, now, &step);

	if (r < 0)
		assert_int_equal(step, 7);
	return r;
}

/* RFC 6238, appendix B, the last six of eight digits. */
static void test_vectors(void **state)
{
	static const struct {
		int64_t now;
		const char *code;
	} vectors[] = {
		{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
		{1234567890, "005924"}, {2000000000, "279037"}, {INT64_C(20000000000), "353130"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint32_t step;

		assert_int_equal(totp_match(SECRET, vectors[i].code, vectors[i].now, &step), 0);
		assert_int_equal(step, vectors[i].now / 30);
	}
}

static void test_window(void **state)
{
	const int64_t begin = T / 30 * 30;
	uint32_t step;

	(void)state;
	for (int64_t now = begin - 30; now < begin + 60; now++) {
		assert_int_equal(totp_match(SECRET, CODE, now, &step), 0);
		assert_int_equal(step, T / 30); /* whose code it is, not when it came */
	}
	assert_int_equal(match(CODE, begin - 31), -EKEYREJECTED);
	assert_int_equal(match(CODE, begin + 60), -EKEYREJECTED);
}

static void test_times(void **state)
{
	static const int64_t none[] = {INT64_MIN, -1, 0, 29, INT64_MAX, INT64_C(30) * UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_int_equal(match(CODE, none[i]), -EINVAL);
	assert_int_equal(match("287082", 30), 0); /* the next step's */
}

static void test_codes(void **state)
{
	static const char *const wrong[] = {"",
					    "0",
					    "50471",
					    "0504710",
					    " 50471",
					    "050471 ",
					    "050472",
					    "a50471",
					    "-50471",
					    "000000",
					    "??????",
					    ("\xd9\xa0" "50471")}; /* a digit of another script */

	(void)state;
	assert_int_equal(match(CODE, T), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(match(wrong[i], T), -EKEYREJECTED);
}

static void test_secrets(void **state)
{
	static const char *const none[] = {
		"", "=", "====", " ", "-", "1", "G1ZDGNBVGY3TQOJQ", "GEZDGNBV\xff", "GEZDGNBV\n"};
	char longest[4097];
	uint32_t step = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_int_equal(totp_match(none[i], CODE, T, &step), -EINVAL);
	memset(longest, 'A', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(totp_match(longest, CODE, T, &step), -EINVAL);
	assert_int_equal(step, 7);
	assert_int_equal(totp_match("AA======", CODE, T, &step),
			 -EKEYREJECTED); /* one byte: bad, but a secret */
	assert_int_equal(totp_match("gezd gnbv gy3t qojq gezd gnbv gy3t qojq", CODE, T, &step), 0);
}

static void test_joined(void **state)
{
	static const struct {
		const char *password;
		size_t len;
	} joined[] = {
		{"password,123456", 8},
		{"a,b,000000", 3},
		{"p,123456,654321", 8},
		{",,123456", 1},
		{"", 0},
		{",123456", 0},
		{"password", 0},
		{"password,12345", 0},
		{"password,1234567", 0},
		{"password, 123456", 0},
		{"password,12345a", 0},
		{"password,123456,", 0},
		{"password123456", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(joined); i++)
		assert_int_equal(totp_joined(joined[i].password), joined[i].len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_window),
		cmocka_unit_test(test_times),   cmocka_unit_test(test_codes),
		cmocka_unit_test(test_secrets), cmocka_unit_test(test_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
