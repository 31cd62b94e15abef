/* The pure half of common/tally.h: events as stored, and what they mean. */
#ifndef COMMON_TALLY_JUDGE_H
#define COMMON_TALLY_JUDGE_H

#include "common/tally.h"

#define TALLY_EVENT_SIZE 16
/* Of one file its end is read: more than a full one holds, for when a rename was late. */
#define TALLY_READ_MAX	 (2 * TALLY_FILE_RECORDS * TALLY_EVENT_SIZE)
#define TALLY_EVENTS_MAX (2 * TALLY_READ_MAX / TALLY_EVENT_SIZE)

enum tally_event_kind {
	EVENT_FAILURE = 'F',
	EVENT_SUCCESS = 'S',
	EVENT_CANCEL = 'C', /* takes the failure of the same time and rhost back */
};

/* As stored, little-endian: {u32 check of the rest, u32 rhost, u64 time << 8 | kind}. */
struct tally_event {
	int64_t at_ms;
	uint32_t rhost; /* tally_rhost() */
	enum tally_event_kind kind;
};

/* For whoever tries from RHOST. All zero, but that, is an empty one. */
struct tally_history {
	uint32_t rhost;
	struct tally_event failures[TALLY_EVENTS_MAX]; /* oldest first */
	uint32_t n;
	uint32_t first;	      /* since the last success */
	uint32_t rhost_first; /* since the last success from RHOST */
};

/* A remote host, or an IPv6 network of 64 bits, as a number; 0 is the console. */
uint32_t tally_rhost(const char *rhost);

void tally_event_pack(const struct tally_event *e, uint8_t out[static TALLY_EVENT_SIZE]);

/*
 * Add the events that DATA holds. Damage is skipped byte by byte, since after a torn write events
 * no longer start at multiples of their size; so is what lies more than a minute ahead of NOW_MS.
 */
void tally_history_add(struct tally_history *h, const uint8_t *data, size_t len, int64_t now_ms);

struct tally tally_judge(const struct tally_history *h, const struct tally_policy *p, int64_t now_ms);

#endif
