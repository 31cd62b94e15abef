/* Local time by a file, whatever the environment says. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <time.h>

#include "agentd/file.h"
#include "agentd/zone.h"

#define NOW INT64_C(1700000000) /* 2023-11-14, in winter */

static char dir[] = "/tmp/test_zone.XXXXXX";
static char path[64];

/* {0, 0, 0, transitions, types, bytes of abbreviations} in big-endian. */
#define HEAD(transitions)                                                               \
	"TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" transitions \
	"\0\0\0\1\0\0\0\4"
/* One hour ahead since 1970; then as the line at the end says. */
#define FILE_HEAD          \
	HEAD("\0")         \
	"\0\0\x0e\x10\0\0" \
	"CET\0" HEAD("\1") "\0\0\0\0\0\0\0\0\0\0\0\x0e\x10\0\0CET\0"

static void put(const char *bytes, size_t len)
{
	assert_int_equal(file_replace(dir, "zone", 0644, bytes, len), 0);
}

static void put_rule(const char *rule)
{
	static const char head[] = FILE_HEAD;
	CLEANUP(buf_done) struct buf b = {0};

	assert_int_equal(buf_add(&b, head, sizeof(head) - 1), 0);
	assert_int_equal(buf_add(&b, rule, strlen(rule)), 0);
	put((const char *)b.data, b.len);
}

static void test_shifts(void **state)
{
	static const int64_t at[] = {INT64_MIN, 1711846800, 1729990800, 1743296400, 1761440400};
	struct access_zone z, again;

	(void)state;
	put_rule("\nCET-1CEST,M3.5.0,M10.5.0/3\n");
	assert_int_equal(setenv("TZ", "America/New_York", 1), 0);
	assert_int_equal(zone_read(path, NOW, &z), 0);
	assert_int_equal(z.n, ACCESS_SHIFTS_MAX);
	for (uint32_t i = 0; i < ARRAY_SIZE(at); i++) {
		assert_true(z.shift[i].at == at[i]);
		assert_int_equal(z.shift[i].offset_s, i % 2 ? 7200 : 3600);
	}
	assert_string_equal(getenv("TZ"), "America/New_York");
	/* the same until the next one has come */
	assert_int_equal(unsetenv("TZ"), 0);
	assert_int_equal(zone_read(path, at[1] - 1, &again), 0);
	assert_memory_equal(&again.shift[1], &z.shift[1], sizeof(z.shift[1]));
	assert_true(again.shift[8].at == z.shift[8].at);
	assert_int_equal(zone_read(path, at[1], &again), 0);
	assert_int_equal(again.shift[0].offset_s, 7200);
	assert_true(again.shift[1].at == at[2]);
	assert_null(getenv("TZ"));
}

static void test_one_offset(void **state)
{
	struct access_zone z;

	(void)state;
	put_rule("\nIST-5:30\n");
	assert_int_equal(zone_read(path, NOW, &z), 0);
	assert_int_equal(z.n, 1);
	assert_int_equal(z.shift[0].offset_s, 19800);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(zone_read(path, NOW, &z), 0); /* UTC, for everybody */
	assert_int_equal(z.n, 1);
	assert_int_equal(z.shift[0].offset_s, 0);
}

static void test_damage(void **state)
{
	static const char whole[] = FILE_HEAD "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
	struct access_zone z;

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 2; len++) {
		put(whole, len);
		/* cut behind an empty line at its end it is whole, too */
		if (whole[len - (len > 0)] != '\n')
			assert_int_equal(zone_read(path, NOW, &z), -EBADMSG);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(dir, path), 0);
	assert_true(zone_read(path, NOW, &z) < 0);
	assert_int_equal(unlink(path), 0);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) ? str_print(path, sizeof(path), "%s/zone", dir) : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shifts),
		cmocka_unit_test(test_one_offset),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
