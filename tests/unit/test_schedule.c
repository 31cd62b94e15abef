/* When the next sync begins: intervals, jitter, back-off, Retry-After, edits. */
#include "unit.h"

#include "agentd/schedule.h"
#include "common/macros.h"

#define MINUTE	60000
#define LOWEST	0u
#define HIGHEST UINT32_MAX
#define NOW	1000000000

static void test_first(void **state)
{
	struct schedule s = {.interval_ms = MINUTE, .failures = 3, .not_before_ms = NOW + 5};

	(void)state;
	schedule_start(&s, NOW, HIGHEST);
	assert_int_equal(s.next_ms, NOW);
	assert_int_equal(s.failures, 0);
	assert_int_equal(s.not_before_ms, 0);
	s.remote = true;
	schedule_start(&s, NOW, LOWEST);
	assert_int_equal(s.next_ms, NOW);
	schedule_start(&s, NOW, HIGHEST);
	assert_int_equal(s.next_ms, NOW + MINUTE);
	schedule_start(&s, NOW, HIGHEST / 2);
	assert_in_range(s.next_ms, NOW + MINUTE / 2 - 1, NOW + MINUTE / 2);
}

static void test_interval(void **state)
{
	const int64_t intervals[] = {1000, MINUTE, 86400000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
		struct schedule s = {.interval_ms = intervals[i], .failures = 9};

		schedule_done(&s, true, 0, NOW, LOWEST);
		assert_int_equal(s.next_ms, NOW + intervals[i] * 9 / 10);
		schedule_done(&s, true, 0, NOW, HIGHEST);
		assert_int_equal(s.next_ms, NOW + intervals[i] * 11 / 10);
		assert_int_equal(s.failures, 0);
	}
}

static void test_backoff(void **state)
{
	const int64_t longest[] = {5000, 10000, 20000, 40000, 80000, 160000, 320000, 640000, 900000, 900000};
	struct schedule low = {.interval_ms = MINUTE}, high = {.interval_ms = MINUTE};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(longest); i++) {
		schedule_done(&low, false, 0, NOW, LOWEST);
		schedule_done(&high, false, 0, NOW, HIGHEST);
		assert_int_equal(low.next_ms, NOW + longest[i] / 2);
		assert_int_equal(high.next_ms, NOW + longest[i]);
	}
	high.failures = UINT32_MAX - 1;
	schedule_done(&high, false, 0, NOW, HIGHEST);
	assert_int_equal(high.next_ms, NOW + 900000);
	schedule_done(&high, true, 0, NOW, LOWEST);
	schedule_done(&high, false, 0, NOW, HIGHEST);
	assert_int_equal(high.next_ms, NOW + 5000);
}

/* A short interval is not made longer by the first failure, a long one does not outlast the cap. */
static void test_backoff_and_interval(void **state)
{
	struct schedule s = {.interval_ms = 1000}, day = {.interval_ms = 86400000, .failures = 50};

	(void)state;
	schedule_done(&s, false, 0, NOW, HIGHEST);
	assert_int_equal(s.next_ms, NOW + 1000);
	schedule_done(&day, false, 0, NOW, HIGHEST);
	assert_int_equal(day.next_ms, NOW + 900000);
}

static void test_retry_after(void **state)
{
	struct schedule s = {.interval_ms = MINUTE, .remote = true};

	(void)state;
	schedule_done(&s, false, 120, NOW, LOWEST);
	assert_int_equal(s.next_ms, NOW + 120000);
	schedule_hurry(&s, NOW + 1000, 0);
	assert_int_equal(s.next_ms, NOW + 120000);
	schedule_done(&s, false, 1, NOW, HIGHEST); /* shorter than the back-off of two failures */
	assert_int_equal(s.next_ms, NOW + 10000);
	schedule_done(&s, true, 90, NOW, LOWEST);
	assert_int_equal(s.next_ms, NOW + 90000);
	schedule_done(&s, false, UINT32_MAX, NOW, LOWEST);
	assert_int_equal(s.next_ms, NOW + 3600000);
	schedule_done(&s, true, 0, NOW, LOWEST);
	schedule_hurry(&s, NOW, 100);
	assert_int_equal(s.next_ms, NOW + 100);
}

static void test_hurry(void **state)
{
	struct schedule s = {.interval_ms = MINUTE};

	(void)state;
	schedule_done(&s, false, 0, NOW, HIGHEST);
	schedule_hurry(&s, NOW, 100);
	assert_int_equal(s.next_ms, NOW + 100);
	schedule_hurry(&s, NOW + 50, 100); /* never later than it was: a storm of edits cannot put it off */
	assert_int_equal(s.next_ms, NOW + 100);
}

/* Other settings: what the server of the old ones asked for, and how often it failed, is over; that it failed is remembered. */
static void test_renew(void **state)
{
	struct schedule s = {.interval_ms = MINUTE, .remote = true, .failures = 7};

	(void)state;
	schedule_done(&s, false, 3600, NOW, HIGHEST);
	schedule_renew(&s);
	assert_int_equal(s.failures, 8);
	schedule_hurry(&s, NOW, 100);
	assert_int_equal(s.next_ms, NOW + 100);
	schedule_done(&s, false, 0, NOW, HIGHEST);
	assert_int_equal(s.next_ms, NOW + 5000);
	schedule_done(&s, false, 0, NOW, HIGHEST);
	assert_int_equal(s.next_ms, NOW + 10000);
	schedule_done(&s, true, 0, NOW, HIGHEST);
	schedule_done(&s, false, 0, NOW, HIGHEST);
	schedule_done(&s, false, 0, NOW, HIGHEST);
	assert_int_equal(s.next_ms, NOW + 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),	     cmocka_unit_test(test_interval),
		cmocka_unit_test(test_backoff),	     cmocka_unit_test(test_backoff_and_interval),
		cmocka_unit_test(test_retry_after),  cmocka_unit_test(test_hurry),
		cmocka_unit_test(test_renew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
