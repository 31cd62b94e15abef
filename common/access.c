#include "common/access.h"

#include <string.h>

#include "common/account.h"
#include "common/macros.h"

#define EPOCH_MINUTE (3 * ACCESS_DAY) /* 1970 began on a Thursday */
#define OFFSET_MAX_S (26 * 3600)

/*
 * What is part of a session that was let in by another service, which has been judged: user@.service of systemd. A rule that shuts
 * everything else must not shut it by accident; one that names it counts.
 */
static bool within_session(const char *service)
{
	return !strcmp(service, "systemd-user");
}

const char *access_plain_service(const char *service)
{
	if (!strcmp(service, "sudo-i"))
		return "sudo";
	return !strcmp(service, "su-l") ? "su" : service;
}

static bool service_fits(const struct access_rule *r, const char *service)
{
	if (!r->services.count)
		return !within_session(service);
	return strlist_has(&r->services, service) ||
	       strlist_has(&r->services, access_plain_service(service));
}

static bool span_has(const struct access_span *s, int minute)
{
	for (int day = 0; day < 7; day++) {
		int begin = day * ACCESS_DAY + s->from;

		if (s->days >> day & 1 && (minute + ACCESS_WEEK - begin) % ACCESS_WEEK < s->length)
			return true;
	}
	return false;
}

static bool hours_fit(const struct access_rule *r, int minute)
{
	if (!r->n_spans)
		return true;
	if (minute < 0)
		return !r->allow;
	for (uint32_t i = 0; i < r->n_spans; i++)
		if (span_has(&r->spans[i], minute))
			return true;
	return false;
}

/* Whoever it is that asks: by service, user and group. */
static bool rule_concerns(const struct access_query *q, uint32_t place)
{
	const struct access_rule *r = &q->rules->rule[place];
	uint64_t mask = r->allow ? q->account->access_allow : q->account->access_deny;

	return mask >> place & 1 && service_fits(r, q->service);
}

static const struct access_rule *first_rule(const struct access_query *q, int minute)
{
	for (uint32_t i = 0; i < q->rules->n; i++)
		if (rule_concerns(q, i) && hours_fit(&q->rules->rule[i], minute))
			return &q->rules->rule[i];
	return NULL;
}

static bool allowed_at(const struct access_query *q, int minute)
{
	const struct access_rule *r = first_rule(q, minute % ACCESS_WEEK);

	return !r || r->allow;
}

/* In a week the answer changes where one of the spans begins or ends, and nowhere else. */
static bool allowed_ever(const struct access_query *q)
{
	for (uint32_t i = 0; i < q->rules->n; i++) {
		const struct access_rule *r = &q->rules->rule[i];

		for (uint32_t j = 0; j < r->n_spans && rule_concerns(q, i); j++) {
			const struct access_span *s = &r->spans[j];

			for (int day = 0; day < 7; day++) {
				int begin = day * ACCESS_DAY + s->from;

				if (s->days >> day & 1 &&
				    (allowed_at(q, begin) || allowed_at(q, begin + s->length)))
					return true;
			}
		}
	}
	return false;
}

struct access access_decide(const struct access_query *q)
{
	struct access a = {.reason = REASON_SERVICE};

	if (q->rules->n > ACCESS_RULES_MAX)
		return a;
	a.rule = first_rule(q, access_minute(q->zone, q->now));
	if (!a.rule || a.rule->allow)
		a.reason = REASON_OK;
	else if (allowed_ever(q))
		a.reason = REASON_HOURS;
	return a;
}

int access_minute(const struct access_zone *z, int64_t now)
{
	int64_t local, minute;
	uint32_t i = 0;

	if (!z->n || z->n > ACCESS_SHIFTS_MAX)
		return -1;
	while (i + 1 < z->n && z->shift[i + 1].at <= now)
		i++;
	if (__builtin_add_overflow(now, z->shift[i].offset_s, &local))
		return -1;
	minute = local / 60 - (local % 60 < 0) + EPOCH_MINUTE;
	return (int)((minute % ACCESS_WEEK + ACCESS_WEEK) % ACCESS_WEEK);
}

bool access_span_valid(const struct access_span *s)
{
	return s->days && s->days < 1 << 7 && s->from < ACCESS_DAY && s->length &&
	       s->length <= ACCESS_WEEK;
}

bool access_shift_valid(const struct access_shift *s)
{
	return s->offset_s >= -OFFSET_MAX_S && s->offset_s <= OFFSET_MAX_S;
}
