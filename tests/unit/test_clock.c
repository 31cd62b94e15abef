/* common/clock: a wall clock set back opens nothing, one set ahead poisons nothing (K5, R11). */
#include "tests/unit/unit.h"

#include <time.h>
#include <unistd.h>

#include "common/clock.h"

#define T    1700000000
#define YEAR (365 * INT64_C(86400))

#define BOOT_A "aaaaaaaa-d9f6-473e-87b4-a3e64dab95b4"
#define BOOT_B "bbbbbbbb-d9f6-473e-87b4-a3e64dab95b4"

static const struct clock_mark mark = {BOOT_A, 50000, T};
static const struct clock_mark none;

static struct clock_reading reading(const char *boot, int64_t boottime_ms, int64_t wall_s)
{
	struct clock_reading r = {.boottime_ms = boottime_ms, .wall_s = wall_s};

	memcpy(r.boot_id, boot, BOOT_ID_SIZE);
	return r;
}

static void test_read(void **state)
{
	struct clock_reading a, b;

	(void)state;
	assert_int_equal(clock_read(&a), 0);
	usleep(20000);
	assert_int_equal(clock_read(&b), 0);
	assert_int_equal(strlen(a.boot_id), BOOT_ID_SIZE - 1);
	assert_null(strchr(a.boot_id, '\n'));
	assert_string_equal(a.boot_id, b.boot_id);
	assert_true(b.boottime_ms - a.boottime_ms >= 20 && b.boottime_ms - a.boottime_ms < 10000);
	assert_true(llabs(a.wall_s - time(NULL)) <= 2);
}

static void test_trusted(void **state)
{
	const struct {
		struct clock_reading r;
		int64_t want;
	} t[] = {
		{reading(BOOT_A, 60000, T + 10), T + 10},
		{reading(BOOT_A, 60000, T + 9), T + 10}, /* set back a little */
		{reading(BOOT_A, 60000, T - 10 * YEAR), T + 10},
		{reading(BOOT_A, 60000, 0), T + 10}, /* 1970 */
		{reading(BOOT_A, 60000, -5), T + 10},
		{reading(BOOT_A, 60000, T + 10 * YEAR),
		 T + 10 * YEAR},                     /* ahead counts while it lasts */
		{reading(BOOT_A, 60999, 0), T + 10}, /* whole seconds */
		{reading(BOOT_A, 40000, 0), T},      /* never below the mark */
		{reading(BOOT_B, 90000000, 0), T + 90000}, /* all of another boot came later */
		{reading(BOOT_B, 100, T + 5), T + 5},
		{reading(BOOT_A, INT64_MAX, 0), T + (INT64_MAX - 50000) / 1000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_true(clock_trusted(&t[i].r, &mark) == t[i].want);
	struct clock_reading r = reading(BOOT_A, 60000, T);
	assert_true(clock_trusted(&r, &none) == T);
	/* A mark without a boot id belongs to no boot, also not to one without. */
	const struct clock_mark odd = {"", 50000, T};
	r = (struct clock_reading){"", 60000, 0};
	assert_true(clock_trusted(&r, &odd) == T);
	/* Absurd marks do not overflow. */
	const struct clock_mark late = {BOOT_A, 0, INT64_MAX - 1}, early = {BOOT_A, INT64_MIN, T};
	r = reading(BOOT_A, 60000, 0);
	assert_true(clock_trusted(&r, &late) == INT64_MAX);
	assert_true(clock_trusted(&r, &early) == T);
}

static void test_advance(void **state)
{
	struct clock_reading r = reading(BOOT_A, 60000, T + 10 * YEAR);
	struct clock_mark m;

	(void)state;
	m = clock_advance(&mark, &r, 0); /* a jump ahead is not stored */
	assert_true(m.wall_s == T + 10 && m.boottime_ms == 60000);
	assert_string_equal(m.boot_id, BOOT_A);
	m = clock_advance(&mark, &r, T + 500); /* what a server said is */
	assert_true(m.wall_s == T + 500);
	m = clock_advance(&mark, &r, T - 500); /* a server alone cannot lower it */
	assert_true(m.wall_s == T + 10);
	r = reading(BOOT_A, 60000, T - YEAR);
	m = clock_advance(&mark, &r, 0);
	assert_true(m.wall_s == T + 10);
	r = reading(BOOT_B, 700, T + YEAR);
	m = clock_advance(&mark, &r, 0);
	assert_true(m.wall_s == T && m.boottime_ms == 700);
	assert_string_equal(m.boot_id, BOOT_B);
	m = clock_advance(&none, &r, 0); /* the first takes the wall clock */
	assert_true(m.wall_s == T + YEAR);
	m = clock_advance(&none, &r, T); /* or better a server's, also where it is earlier */
	assert_true(m.wall_s == T);
}

/* What one wrong server did is undone when a server and our own clock agree; by neither of them alone. */
static void test_heal(void **state)
{
	const struct clock_mark ahead = {BOOT_A, 50000, T + 70 * YEAR};
	const struct {
		int64_t wall_s, server_s, want;
	} t[] = {
		{T, T + 20, T + 20},
		{T + 20, T, T},
		{T, T + CLOCK_AGREE_S, T + CLOCK_AGREE_S},
		{T, T + CLOCK_AGREE_S + 1, T + 70 * YEAR + 10},
		{T, T - CLOCK_AGREE_S - 1, T + 70 * YEAR + 10},
		{T, 0, T + 70 * YEAR + 10},
		{T + 71 * YEAR, T, T + 70 * YEAR + 10}, /* our clock is as wrong as the mark */
		{T + 70 * YEAR, T + 70 * YEAR - CLOCK_AGREE_S + 10, T + 70 * YEAR + 10}, /* no more than a cached answer */
		{T, INT64_MIN, T + 70 * YEAR + 10},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const struct clock_reading r = reading(BOOT_A, 60000, t[i].wall_s);

		assert_true(clock_advance(&ahead, &r, t[i].server_s).wall_s == t[i].want);
	}
}

/* A server's clock comes before ours, ahead or behind; but never behind the mark. */
static void test_now(void **state)
{
	const struct clock_reading ahead = reading(BOOT_A, 60000, T + 70 * YEAR), back = reading(BOOT_A, 60000, 0);

	(void)state;
	assert_true(clock_now(&ahead, &mark, T + 500) == T + 500);
	assert_true(clock_now(&ahead, &mark, T - 500) == T + 10);
	assert_true(clock_now(&ahead, &mark, 0) == T + 70 * YEAR);
	assert_true(clock_now(&back, &mark, T + 500) == T + 500);
	assert_true(clock_now(&back, &mark, 0) == T + 10);
	assert_true(clock_now(&ahead, &none, 0) == T + 70 * YEAR);
}

/* Whatever the wall clock does, trusted time never goes back across marks and boots. */
static void test_never_back(void **state)
{
	struct clock_mark m = {BOOT_A, 1000, T};
	int64_t boottime = 1000, last = T;
	uint32_t random = 1;
	bool boot_b = false;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		random = random * 1103515245 + 12345;
		boottime += random % 5000;
		if (random % 97 == 0) {
			boot_b = !boot_b;
			boottime = random % 1000;
		}
		struct clock_reading r =
			reading(boot_b ? BOOT_B : BOOT_A, boottime, (int64_t)random);
		struct clock_mark next =
			clock_advance(&m, &r, random % 13 == 0 ? last + random % 100 : 0);

		assert_true(next.wall_s >= m.wall_s);
		assert_true(clock_trusted(&r, &next) >= clock_trusted(&r, &m));
		r.wall_s = 0;
		assert_true(clock_trusted(&r, &next) >= last);
		last = clock_trusted(&r, &next);
		m = next;
	}
	assert_true(last > T + 86400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_trusted),
		cmocka_unit_test(test_advance),
		cmocka_unit_test(test_heal),
		cmocka_unit_test(test_now),
		cmocka_unit_test(test_never_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
