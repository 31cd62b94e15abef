/* common/access: which rule decides, for whom, for which service, at what local time. */
#include "tests/unit/unit.h"

#include "common/access.h"
#include "common/account.h"
#include "common/macros.h"

#define ALL_DAYS 0x7f
#define WORKDAYS 0x1f

#define MONDAY    INT64_C(1795392000) /* 2026-11-23T00:00:00Z */
#define HOUR      3600
#define DAY       (24 * HOUR)
#define TO_SUMMER INT64_C(1774746000) /* 2026-03-29T01:00:00Z: from 02:00 to 03:00 in Berlin */
#define TO_WINTER INT64_C(1792890000) /* 2026-10-25T01:00:00Z: from 03:00 to 02:00 */

static const struct access_zone utc = {.shift = {{0, 0}}, .n = 1};
static const struct access_zone berlin = {
	.shift = {{TO_SUMMER - 1000000, HOUR}, {TO_SUMMER, 2 * HOUR}, {TO_WINTER, HOUR}}, .n = 3};
static const struct access_zone unknown = {.n = 0};

/* All rules fit everybody, unless a test says otherwise. */
static struct access decide_as(const struct account *a, const struct access_rules *rules,
			       const struct access_zone *zone, const char *service, int64_t now)
{
	const struct access_query q = {rules, zone, a, service, now};

	return access_decide(&q);
}

static struct access decide(const struct access_rules *rules, const struct access_zone *zone,
			    const char *service, int64_t now)
{
	const struct account everybody = {.access_allow = UINT64_MAX, .access_deny = UINT64_MAX};

	return decide_as(&everybody, rules, zone, service, now);
}

static void test_nothing_said(void **state)
{
	const struct access_rules none = {.n = 0};
	struct access a = decide(&none, &unknown, "sshd", MONDAY);

	(void)state;
	assert_int_equal(a.reason, REASON_OK);
	assert_null(a.rule);
}

/* The first one that fits decides, whatever the others say. */
static void test_order(void **state)
{
	const struct access_rules rules = {
		.rule = {{.allow = true, .name = "ssh", .services = STRLIST("sshd\0cron\0", 2)},
			 {.name = "no cron", .services = STRLIST("cron\0", 1)},
			 {.name = "others"},
			 {.allow = true, .name = "too late"}},
		.n = 4};
	struct account a = {.access_allow = UINT64_MAX, .access_deny = UINT64_MAX};

	(void)state;
	assert_int_equal(decide_as(&a, &rules, &utc, "sshd", MONDAY).reason, REASON_OK);
	assert_string_equal(decide_as(&a, &rules, &utc, "cron", MONDAY).rule->name, "ssh");
	assert_int_equal(decide_as(&a, &rules, &utc, "sudo", MONDAY).reason, REASON_SERVICE);
	assert_string_equal(decide_as(&a, &rules, &utc, "sudo", MONDAY).rule->name, "others");
	assert_int_equal(decide_as(&a, &rules, &utc, "", MONDAY).reason, REASON_SERVICE);
	a.access_allow = ~UINT64_C(1); /* the first is for others */
	assert_string_equal(decide_as(&a, &rules, &utc, "cron", MONDAY).rule->name, "no cron");
	a.access_deny = ~UINT64_C(6);
	assert_string_equal(decide_as(&a, &rules, &utc, "cron", MONDAY).rule->name, "too late");
	a.access_allow = 6; /* a bit counts for what its rule says alone */
	a.access_deny = 9;
	assert_null(decide_as(&a, &rules, &utc, "sshd", MONDAY).rule);
}

static void test_services(void **state)
{
	const struct access_rules admin = {
		.rule = {{.name = "x", .services = STRLIST("su\0sudo\0", 2)}}, .n = 1};
	const struct access_rules login = {
		.rule = {{.name = "x", .services = STRLIST("sudo-i\0", 1)}}, .n = 1};
	const struct access_rules all = {.rule = {{.name = "x"}}, .n = 1};
	const struct access_rules user = {
		.rule = {{.name = "x", .services = STRLIST("systemd-user\0", 1)}}, .n = 1};

	(void)state;
	assert_int_equal(decide(&admin, &utc, "su-l", MONDAY).reason, REASON_SERVICE);
	assert_int_equal(decide(&admin, &utc, "sudo-i", MONDAY).reason, REASON_SERVICE);
	assert_int_equal(decide(&admin, &utc, "sudoku", MONDAY).reason, REASON_OK);
	assert_int_equal(decide(&admin, &utc, "s", MONDAY).reason, REASON_OK);
	assert_int_equal(decide(&login, &utc, "sudo", MONDAY).reason, REASON_OK);
	assert_int_equal(decide(&all, &utc, "systemd-user", MONDAY).reason, REASON_OK);
	assert_int_equal(decide(&all, &utc, "systemd-users", MONDAY).reason, REASON_SERVICE);
	assert_int_equal(decide(&user, &utc, "systemd-user", MONDAY).reason, REASON_SERVICE);
}

static enum reason at(const struct access_span *s, const struct access_zone *zone, int64_t now)
{
	const struct access_rules rules = {
		.rule = {{.allow = true, .name = "hours", .spans = {*s}, .n_spans = 1},
			 {.name = "else"}},
		.n = 2};

	return decide(&rules, zone, "sshd", now).reason;
}

static void test_hours(void **state)
{
	const struct access_span office = {WORKDAYS, 8 * 60, 10 * 60},
				 night = {WORKDAYS, 22 * 60, 8 * 60};

	(void)state;
	assert_int_equal(at(&office, &utc, MONDAY + 8 * HOUR - 1), REASON_HOURS);
	assert_int_equal(at(&office, &utc, MONDAY + 8 * HOUR), REASON_OK);
	assert_int_equal(at(&office, &utc, MONDAY + 18 * HOUR - 1), REASON_OK);
	assert_int_equal(at(&office, &utc, MONDAY + 18 * HOUR), REASON_HOURS);
	assert_int_equal(at(&office, &utc, MONDAY + 4 * DAY + 9 * HOUR), REASON_OK);
	assert_int_equal(at(&office, &utc, MONDAY + 5 * DAY + 9 * HOUR), REASON_HOURS);
	/* the night of Friday ends on Saturday; that of Sunday is none */
	assert_int_equal(at(&night, &utc, MONDAY + 5 * DAY + 6 * HOUR - 1), REASON_OK);
	assert_int_equal(at(&night, &utc, MONDAY + 5 * DAY + 6 * HOUR), REASON_HOURS);
	assert_int_equal(at(&night, &utc, MONDAY + 6 * DAY + 23 * HOUR), REASON_HOURS);
	assert_int_equal(at(&night, &utc, MONDAY + HOUR), REASON_HOURS);
	assert_int_equal(at(&night, &utc, MONDAY + DAY + HOUR), REASON_OK);
}

/* Fr 22:00-Mo 06:00: over the end of the week. */
static void test_weekend(void **state)
{
	const struct access_span weekend = {1 << 4, 22 * 60, 56 * 60},
				 always = {1 << 2, 0, ACCESS_WEEK};

	(void)state;
	assert_int_equal(at(&weekend, &utc, MONDAY + 4 * DAY + 22 * HOUR - 1), REASON_HOURS);
	assert_int_equal(at(&weekend, &utc, MONDAY + 4 * DAY + 22 * HOUR), REASON_OK);
	assert_int_equal(at(&weekend, &utc, MONDAY + 7 * DAY - 1), REASON_OK);
	assert_int_equal(at(&weekend, &utc, MONDAY), REASON_OK);
	assert_int_equal(at(&weekend, &utc, MONDAY + 6 * HOUR - 1), REASON_OK);
	assert_int_equal(at(&weekend, &utc, MONDAY + 6 * HOUR), REASON_HOURS);
	for (int64_t t = MONDAY; t < MONDAY + 7 * DAY; t += 1799)
		assert_int_equal(at(&always, &utc, t), REASON_OK);
}

static void test_local_time(void **state)
{
	const struct access_zone west = {.shift = {{0, -5 * HOUR}}, .n = 1};

	(void)state;
	assert_int_equal(access_minute(&utc, 0), 3 * ACCESS_DAY);
	assert_int_equal(access_minute(&utc, MONDAY), 0);
	assert_int_equal(access_minute(&utc, MONDAY - 1), ACCESS_WEEK - 1);
	assert_int_equal(access_minute(&utc, -1), 3 * ACCESS_DAY - 1);
	assert_int_equal(access_minute(&utc, INT64_MIN + DAY) / ACCESS_WEEK, 0);
	assert_int_equal(access_minute(&west, MONDAY), ACCESS_WEEK - 300);
	assert_int_equal(access_minute(&unknown, MONDAY), -1);
	assert_int_equal(access_minute(&west, INT64_MIN), -1);
	assert_int_equal(access_minute(&berlin, INT64_MAX), -1);
}

/* The hour that is left out, and the one that comes twice. */
static void test_daylight_saving(void **state)
{
	const struct access_span early = {1 << 6, 60, 90}, late = {1 << 6, 150, 60};

	(void)state;
	assert_int_equal(access_minute(&berlin, TO_SUMMER - 1), 6 * ACCESS_DAY + 119);
	assert_int_equal(access_minute(&berlin, TO_SUMMER), 6 * ACCESS_DAY + 180);
	assert_int_equal(access_minute(&berlin, TO_WINTER - 1), 6 * ACCESS_DAY + 179);
	assert_int_equal(access_minute(&berlin, TO_WINTER), 6 * ACCESS_DAY + 120);
	assert_int_equal(access_minute(&berlin, TO_SUMMER - 2000000),
			 access_minute(&utc, TO_SUMMER - 2000000 + HOUR));
	/* 01:00-02:30: it ends with the hour that 02:30 is missing from; 02:30-03:30 begins after it */
	assert_int_equal(at(&early, &berlin, TO_SUMMER - 1), REASON_OK);
	assert_int_equal(at(&early, &berlin, TO_SUMMER), REASON_HOURS);
	assert_int_equal(at(&late, &berlin, TO_SUMMER - 1), REASON_HOURS);
	assert_int_equal(at(&late, &berlin, TO_SUMMER), REASON_OK);
	assert_int_equal(at(&late, &berlin, TO_SUMMER + HOUR / 2), REASON_HOURS);
	/* 01:00-02:30 comes a second time, for half an hour */
	assert_int_equal(at(&early, &berlin, TO_WINTER - HOUR / 2 - 1), REASON_OK);
	assert_int_equal(at(&early, &berlin, TO_WINTER - HOUR / 2), REASON_HOURS);
	assert_int_equal(at(&early, &berlin, TO_WINTER), REASON_OK);
	assert_int_equal(at(&early, &berlin, TO_WINTER + HOUR / 2), REASON_HOURS);
}

/* Nobody can say what time it is: nobody is let in for it, and who is shut out stays out. */
static void test_unknown_zone(void **state)
{
	const struct access_span always = {ALL_DAYS, 0, ACCESS_DAY};
	const struct access_rules deny = {
		.rule = {{.name = "x", .spans = {{1, 0, 1}}, .n_spans = 1}}, .n = 1};

	(void)state;
	assert_int_equal(at(&always, &unknown, MONDAY), REASON_HOURS);
	assert_int_equal(decide(&deny, &unknown, "sshd", MONDAY + DAY).reason, REASON_HOURS);
	assert_int_equal(decide(&deny, &utc, "sshd", MONDAY + DAY).reason, REASON_OK);
}

/* "At this time" is said only where another time would do. */
static void test_reason(void **state)
{
	struct access_rules rules = {
		.rule = {{.allow = true,
			  .name = "a",
			  .spans = {{WORKDAYS, 480, 600}},
			  .n_spans = 1},
			 {.name = "b", .spans = {{ALL_DAYS, 600, ACCESS_DAY}}, .n_spans = 1}},
		.n = 2};
	struct account a = {.access_allow = 1, .access_deny = 2};

	(void)state;
	assert_int_equal(decide_as(&a, &rules, &utc, "sshd", MONDAY).reason, REASON_HOURS);
	a.access_allow = 0;
	assert_int_equal(decide_as(&a, &rules, &utc, "sshd", MONDAY).reason, REASON_SERVICE);
	rules.rule[1].spans[0].length = 1439; /* a minute a day is left */
	assert_int_equal(decide_as(&a, &rules, &utc, "sshd", MONDAY).reason, REASON_HOURS);
	rules.rule[0].services = (struct strlist)STRLIST("cron\0", 1);
	rules.rule[1].n_spans = 0;
	a.access_allow = 1;
	assert_int_equal(decide_as(&a, &rules, &utc, "sshd", MONDAY).reason, REASON_SERVICE);
	assert_int_equal(decide_as(&a, &rules, &utc, "cron", MONDAY).reason, REASON_HOURS);
	rules.n = ACCESS_RULES_MAX + 1;
	assert_int_equal(decide_as(&a, &rules, &utc, "cron", MONDAY + 9 * HOUR).reason,
			 REASON_SERVICE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_said),    cmocka_unit_test(test_order),
		cmocka_unit_test(test_services),        cmocka_unit_test(test_hours),
		cmocka_unit_test(test_weekend),         cmocka_unit_test(test_local_time),
		cmocka_unit_test(test_daylight_saving), cmocka_unit_test(test_unknown_zone),
		cmocka_unit_test(test_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
