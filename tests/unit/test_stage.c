/* Records of a stage, read in their order, against it and by chance: always the one that was asked for. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agentd/stage.h"

#define N 5000

static struct stage stage;
static struct stage_place places[N];

static void add(uint32_t i)
{
	CLEANUP(buf_done) struct buf record = {0};
	char detail[400];

	memset(detail, 'x', sizeof(detail));
	snprintf(detail, sizeof(detail), "%u", i);
	detail[strlen(detail)] = 'x';
	detail[i % (sizeof(detail) - 10) + 8] = '\0';
	assert_int_equal(record_reject_pack(&(struct reject){"user", "u", "", "r", detail}, &record), 0);
	assert_int_equal(stage_add(&stage, record.data, record.len, &places[i]), 0);
}

static void expect(uint32_t i, struct buf *record)
{
	struct reject j;

	assert_int_equal(stage_get(&stage, places[i], record), 0);
	assert_int_equal(record_reject_unpack(record->data, record->len, &j), 0);
	assert_int_equal(strtoul(j.detail, NULL, 10), i);
}

static void test_get(void **state)
{
	CLEANUP(buf_done) struct buf record = {0};
	const uint32_t half = N / 2;

	(void)state;
	assert_int_equal(stage_init(&stage), 0);
	for (uint32_t i = 0; i < half; i++)
		add(i);
	assert_int_equal(stage_flush(&stage), 0);
	for (uint32_t i = 0; i < half; i++)
		expect(i, &record);
	for (uint32_t i = half; i < N; i++) /* what comes later is behind all that was read ahead */
		add(i);
	assert_int_equal(stage_flush(&stage), 0);
	for (uint32_t i = 0; i < N; i++)
		expect(i, &record);
	for (uint32_t i = N; i > 0; i--)
		expect(i - 1, &record);
	for (uint32_t i = 0, x = 1; i < N; i++, x = x * 1103515245 + 12345)
		expect(x % N, &record);
	for (uint32_t i = 0; i < N; i += 7)
		expect(i, &record);
	assert_int_equal(stage_get(&stage, (struct stage_place){stage.len - 4, 8}, &record), -EIO);
	stage_done(&stage);
	assert_null(stage.window);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_get)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
