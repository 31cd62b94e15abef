/*
 * Access rules: section [access] of muster.conf, as pam.snapshot carries it to the modules. Which rules fit an account by user and
 * group is in the account (access_allow, access_deny); service and hours are judged here. Pure: the time zone comes with the
 * rules, so that no environment and no chroot of a caller's can move it.
 */
#ifndef COMMON_ACCESS_H
#define COMMON_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/reason.h"
#include "common/str.h"

#define ACCESS_RULES_MAX  64 /* bits of a mask */
#define ACCESS_SPANS_MAX  8
#define ACCESS_SHIFTS_MAX 9

#define ACCESS_DAY  1440 /* minutes */
#define ACCESS_WEEK (7 * ACCESS_DAY)

/* On each of DAYS from its minute FROM on, for LENGTH minutes: over midnight perhaps, a week at most. */
struct access_span {
	uint8_t days; /* bit 0: Monday */
	uint16_t from, length;
};

struct access_rule {
	bool allow; /* false: deny */
	bool group_unknown; /* it names a group that the directory does not have: of a denial, everybody is in it */
	uint32_t line; /* in muster.conf */
	const char *name;
	struct strlist
		services; /* in small letters, as libpam has them; none: all but those within a session */
	struct access_span spans[ACCESS_SPANS_MAX];
	uint32_t n_spans; /* 0: at any time */
};

struct access_rules {
	struct access_rule rule[ACCESS_RULES_MAX];
	uint32_t n;
};

/* Of local time: from AT on, seconds since 1970 UTC, it is so many seconds ahead of UTC. */
struct access_shift {
	int64_t at;
	int32_t offset_s;
};

/* In order of time; the first counts before it, too. None: local time is not known. */
struct access_zone {
	struct access_shift shift[ACCESS_SHIFTS_MAX];
	uint32_t n;
};

struct account;

struct access_query {
	const struct access_rules *rules;
	const struct access_zone *zone;
	const struct account *account;
	const char *service; /* PAM's; "": none, rules that name services do not fit */
	int64_t now;         /* trusted time */
};

struct access {
	enum reason
		reason; /* REASON_OK; REASON_SERVICE; REASON_HOURS: at another time it would be allowed */
	const struct access_rule *rule; /* that decided; NULL: none fits, which allows */
};

/*
 * The first rule that fits decides. While local time is not known, no rule with hours allows, and each denies.
 */
struct access access_decide(const struct access_query *q) MUST_CHECK;

/*
 * Debian's sudo and su ask as another service for "sudo -i" and "su -": who names the one means both. "sudo" of "sudo-i", "su"
 * of "su-l", and SERVICE itself of all others.
 */
const char *access_plain_service(const char *service);

/* Minutes since Monday 00:00 by local time; -1: not known. */
int access_minute(const struct access_zone *z, int64_t now);

/* What can have been stored: common/record.h checks with these. */
bool access_span_valid(const struct access_span *s);
bool access_shift_valid(const struct access_shift *s);

#endif
