/*
 * F9: whatever happens to our clocks, the mark never gets ahead of the truth, and what was confirmed ages by all the time that
 * was measured since: no lease and no off-line password outlives its span. Servers tell the truth here.
 * Input: events of 5 bytes, one for the kind and a little-endian number of seconds.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "common/clock.h"

#define EVENT_SIZE 5
#define BEGIN	   INT64_C(1795309323)

enum event {
	TIME_PASSES,
	CLOCK_IS_SET,
	MACHINE_BOOTS, /* after so many seconds without power */
	MARK_IS_KEPT,
	SERVER_ANSWERS, /* and confirms what is known */
	EVENTS,
};

struct machine {
	int64_t truth_s, wall_off_s;
	struct clock_reading now;
	struct clock_mark mark;
	int64_t confirmed_at, measured_s, unkept_s; /* since then, by machines that ran; of that, since the mark was kept */
};

static void set_clocks(struct machine *m)
{
	m->now.wall_s = m->truth_s + m->wall_off_s;
}

static void boot(struct machine *m, uint32_t number)
{
	snprintf(m->now.boot_id, sizeof(m->now.boot_id), "%u", number);
	m->now.boottime_ms = 0;
	m->measured_s -= m->unkept_s; /* that is lost, and only that */
	m->unkept_s = 0;
}

static void keep(struct machine *m, int64_t server_s)
{
	m->mark = clock_advance(&m->mark, &m->now, server_s);
	m->unkept_s = 0;
}

static void confirm(struct machine *m)
{
	m->confirmed_at = clock_now(&m->now, &m->mark, m->truth_s);
	keep(m, m->truth_s);
	m->measured_s = 0;
	REQUIRE(m->confirmed_at == m->truth_s);
}

static void happen(struct machine *m, enum event event, uint32_t seconds, uint32_t number)
{
	switch (event) {
	case TIME_PASSES:
		m->truth_s += seconds;
		m->now.boottime_ms += INT64_C(1000) * seconds;
		m->measured_s += seconds;
		m->unkept_s += seconds;
		break;
	case CLOCK_IS_SET:
		m->wall_off_s = (int64_t)(int32_t)seconds * 3;
		break;
	case MACHINE_BOOTS:
		m->truth_s += seconds;
		boot(m, number);
		break;
	case MARK_IS_KEPT:
		keep(m, 0);
		break;
	case SERVER_ANSWERS:
		confirm(m);
		break;
	case EVENTS:
		break;
	}
	set_clocks(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine m = {.truth_s = BEGIN};

	boot(&m, 0);
	set_clocks(&m);
	confirm(&m);
	for (uint32_t i = 1; size >= EVENT_SIZE; i++, data += EVENT_SIZE, size -= EVENT_SIZE) {
		uint32_t seconds = data[1] | data[2] << 8 | data[3] << 16 | (uint32_t)data[4] << 24;
		const struct clock_reading set_back = {.boottime_ms = m.now.boottime_ms};

		happen(&m, data[0] % EVENTS, seconds, i);
		REQUIRE(m.mark.wall_s <= m.truth_s);
		REQUIRE(clock_trusted(&m.now, &m.mark) - m.confirmed_at >= m.measured_s);
		REQUIRE(clock_trusted(&set_back, &m.mark) >= m.mark.wall_s);
	}
	return 0;
}
