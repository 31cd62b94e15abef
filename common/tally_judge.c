#include "common/tally_judge.h"

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define AHEAD_MS          60000
#define BACKOFF_FREE      2 /* failures without any delay */
#define BACKOFF_FIRST_MS  2000
#define BACKOFF_MAX_MS    (15 * 60 * 1000)
#define BACKOFF_QUIET_MS  (24 * 60 * 60 * 1000)
#define IPV6_NETWORK      8 /* bytes */

/* Is it an IPv6 address, alone or with the link it is on? */
static bool ipv6(const char *rhost, struct in6_addr *ret)
{
	char address[INET6_ADDRSTRLEN] = "";
	size_t len = strcspn(rhost, "%");

	if (len >= sizeof(address))
		return false;
	memcpy(address, rhost, len);
	return inet_pton(AF_INET6, address, ret) == 1 && !IN6_IS_ADDR_V4MAPPED(ret);
}

uint32_t tally_rhost(const char *rhost)
{
	struct in6_addr a;
	uint64_t h;

	if (!rhost || !*rhost)
		return 0; /* console */
	h = ipv6(rhost, &a) ? XXH3_64bits(&a, IPV6_NETWORK) : XXH3_64bits(rhost, strlen(rhost));
	return (uint32_t)h != 0 ? (uint32_t)h : 1;
}

void tally_event_pack(const struct tally_event *e, uint8_t out[static TALLY_EVENT_SIZE])
{
	uint64_t word = htole64((uint64_t)e->at_ms << 8 | (uint8_t)e->kind);
	uint32_t rhost = htole32(e->rhost);

	memcpy(out + 4, &rhost, sizeof(rhost));
	memcpy(out + 8, &word, sizeof(word));
	uint32_t check = htole32(XXH32(out + 4, TALLY_EVENT_SIZE - 4, TALLY_EVENT_SIZE));
	memcpy(out, &check, sizeof(check));
}

static bool event_unpack(const uint8_t in[static TALLY_EVENT_SIZE], struct tally_event *ret)
{
	uint32_t check, rhost;
	uint64_t word;

	memcpy(&check, in, sizeof(check));
	memcpy(&rhost, in + 4, sizeof(rhost));
	memcpy(&word, in + 8, sizeof(word));
	if (le32toh(check) != XXH32(in + 4, TALLY_EVENT_SIZE - 4, TALLY_EVENT_SIZE))
		return false;
	word = le64toh(word);
	*ret = (struct tally_event){
		.at_ms = (int64_t)(word >> 8),
		.rhost = le32toh(rhost),
		.kind = (enum tally_event_kind)(word & 0xff),
	};
	return true;
}

/* The failure that CANCEL takes back: one of that time from there is as good as another. */
static void drop_failure(struct tally_history *h, const struct tally_event *cancel)
{
	uint32_t i = h->n;

	while (i > 0 && (h->failures[i - 1].at_ms != cancel->at_ms || h->failures[i - 1].rhost != cancel->rhost))
		i--;
	if (i == 0)
		return;
	memmove(&h->failures[i - 1], &h->failures[i], (h->n - i) * sizeof(h->failures[0]));
	h->n--;
	h->first -= h->first >= i;
	h->rhost_first -= h->rhost_first >= i;
}

static void add_event(struct tally_history *h, const struct tally_event *e, int64_t now_ms)
{
	if (e->at_ms > now_ms + AHEAD_MS)
		return;
	if (e->kind == EVENT_SUCCESS) {
		h->first = h->n;
		if (e->rhost == h->rhost)
			h->rhost_first = h->n;
	} else if (e->kind == EVENT_CANCEL) {
		drop_failure(h, e);
	} else if (e->kind == EVENT_FAILURE && h->n < TALLY_EVENTS_MAX) {
		h->failures[h->n++] = *e;
	}
}

void tally_history_add(struct tally_history *h, const uint8_t *data, size_t len, int64_t now_ms)
{
	struct tally_event e;

	for (size_t i = 0; i + TALLY_EVENT_SIZE <= len;) {
		bool good = event_unpack(data + i, &e);

		if (good)
			add_event(h, &e, now_ms);
		i += good ? TALLY_EVENT_SIZE : 1;
	}
}

/* After the N-th failure of one host, DELAY after the one before it. MAX: as many lock. */
static int64_t next_delay(uint32_t n, uint32_t max, int64_t delay)
{
	if (max > 0 && n >= max)
		return BACKOFF_MAX_MS;
	if (n <= BACKOFF_FREE)
		return 0;
	delay = delay == 0 ? BACKOFF_FIRST_MS : delay * 2;
	return delay < BACKOFF_MAX_MS ? delay : BACKOFF_MAX_MS;
}

static int64_t backoff_until(const struct tally_history *h, uint32_t max, int64_t now_ms)
{
	int64_t delay = 0, last = 0;
	uint32_t n = 0;

	for (uint32_t i = h->rhost_first; h->rhost != 0 && i < h->n; i++) {
		const struct tally_event *e = &h->failures[i];

		if (e->rhost != h->rhost)
			continue;
		if (e->at_ms - last >= BACKOFF_QUIET_MS)
			n = 0;
		delay = next_delay(++n, max, delay);
		last = e->at_ms;
	}
	return delay > 0 && last + delay > now_ms ? last + delay : 0;
}

/*
 * Failures count inside a window that slides with them. A lock lasts from the failure that reached
 * the limit to lock_time after the last one; what follows it starts from nothing.
 */
struct tally tally_judge(const struct tally_history *h, const struct tally_policy *p, int64_t now_ms)
{
	uint32_t max = p->max_attempts < TALLY_FILE_RECORDS ? p->max_attempts : TALLY_FILE_RECORDS;
	int64_t window_ms = (int64_t)p->window_s * 1000, lock_ms = (int64_t)p->lock_time_s * 1000;
	struct tally t = {.backoff_until_ms = backoff_until(h, max, now_ms)};
	uint32_t first = h->first;

	for (uint32_t i = h->first; i <= h->n; i++) {
		int64_t at = i < h->n ? h->failures[i].at_ms : now_ms;

		if (t.locked && lock_ms > 0 && at >= t.locked_until_ms) {
			t.locked = false;
			t.locked_until_ms = 0;
			first = i;
		}
		while (window_ms > 0 && first < i && h->failures[first].at_ms < at - window_ms)
			first++;
		if (i == h->n)
			break;
		if (t.locked || (max > 0 && i - first + 1 >= max)) {
			t.locked_at_ms = t.locked ? t.locked_at_ms : at;
			t.locked = true;
			t.locked_until_ms = lock_ms > 0 ? at + lock_ms : 0;
		}
	}
	t.failures = h->n - first;
	return t;
}
