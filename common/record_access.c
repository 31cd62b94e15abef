/*
 * Access rules as stored: each rule {u8 flags, u32 line, name NUL, u8 number of spans, {u8 days, u16 from, u16 length}…,
 * u8 number of services, {name NUL}…}, little-endian.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/record_codec.h"

#define FLAG_ALLOW         1
#define FLAG_GROUP_UNKNOWN 2

#define SPAN_SIZE  5
#define SHIFT_SIZE 12

struct cursor {
	const uint8_t *p, *end;
};

/* The next LEN bytes; NULL when there are not so many. */
static const uint8_t *take(struct cursor *c, size_t len)
{
	const uint8_t *p = c->p;

	if ((size_t)(c->end - p) < len)
		return NULL;
	c->p += len;
	return p;
}

static const char *take_string(struct cursor *c)
{
	const uint8_t *nul = memchr(c->p, '\0', (size_t)(c->end - c->p));

	return nul ? (const char *)take(c, (size_t)(nul + 1 - c->p)) : NULL;
}

static int put_span(const struct access_span *s, struct buf *out)
{
	uint8_t bytes[SPAN_SIZE] = {s->days};
	uint16_t from = htole16(s->from), length = htole16(s->length);

	if (!access_span_valid(s))
		return -EINVAL;
	memcpy(bytes + 1, &from, sizeof(from));
	memcpy(bytes + 3, &length, sizeof(length));
	return buf_add(out, bytes, sizeof(bytes));
}

static int put_count(uint32_t n, struct buf *out)
{
	uint8_t byte = (uint8_t)n;

	return n > UINT8_MAX ? -E2BIG : buf_add(out, &byte, sizeof(byte));
}

static int put_rule(const struct access_rule *rule, struct buf *out)
{
	uint8_t flags = (rule->allow ? FLAG_ALLOW : 0) | (rule->group_unknown ? FLAG_GROUP_UNKNOWN : 0);
	uint32_t line = htole32(rule->line);
	int r;

	if (rule->n_spans > ACCESS_SPANS_MAX || !strlist_valid(&rule->services))
		return -EINVAL;
	r = buf_add(out, &flags, sizeof(flags));
	if (r == 0)
		r = buf_add(out, &line, sizeof(line));
	if (r == 0)
		r = buf_add(out, rule->name, strlen(rule->name) + 1);
	if (r == 0)
		r = put_count(rule->n_spans, out);
	for (uint32_t i = 0; r == 0 && i < rule->n_spans; i++)
		r = put_span(&rule->spans[i], out);
	if (r == 0)
		r = put_count(rule->services.count, out);
	return r < 0 ? r : buf_add(out, rule->services.data, rule->services.len);
}

int record_access_pack(const struct access_rules *a, struct buf *out)
{
	int r = a->n > ACCESS_RULES_MAX ? -E2BIG : 0;

	for (uint32_t i = 0; r == 0 && i < a->n; i++)
		r = put_rule(&a->rule[i], out);
	return r;
}

static int take_spans(struct cursor *c, struct access_rule *ret)
{
	const uint8_t *n = take(c, 1);

	if (!n || *n > ACCESS_SPANS_MAX)
		return -EBADMSG;
	for (ret->n_spans = 0; ret->n_spans < *n; ret->n_spans++) {
		struct access_span *s = &ret->spans[ret->n_spans];
		const uint8_t *p = take(c, SPAN_SIZE);

		if (!p)
			return -EBADMSG;
		*s = (struct access_span){p[0], (uint16_t)(p[1] | p[2] << 8),
					  (uint16_t)(p[3] | p[4] << 8)};
		if (!access_span_valid(s))
			return -EBADMSG;
	}
	return 0;
}

static int take_services(struct cursor *c, struct strlist *ret)
{
	const uint8_t *n = take(c, 1), *start = c->p;

	if (!n)
		return -EBADMSG;
	for (uint32_t i = 0; i < *n; i++)
		if (!take_string(c))
			return -EBADMSG;
	*ret = (struct strlist){(const char *)start, (uint32_t)(c->p - start), *n};
	return 0;
}

static int take_rule(struct cursor *c, struct access_rule *ret)
{
	const uint8_t *head = take(c, 5);
	uint32_t line;
	int r;

	if (!head || *head > (FLAG_ALLOW | FLAG_GROUP_UNKNOWN))
		return -EBADMSG;
	memcpy(&line, head + 1, sizeof(line));
	*ret = (struct access_rule){
		.allow = *head & FLAG_ALLOW,
		.group_unknown = *head & FLAG_GROUP_UNKNOWN,
		.line = le32toh(line),
		.name = take_string(c),
	};
	r = ret->name ? take_spans(c, ret) : -EBADMSG;
	return r < 0 ? r : take_services(c, &ret->services);
}

int record_access_unpack(const uint8_t *p, size_t len, struct access_rules *ret)
{
	struct cursor c = {p, p + len};
	int r = 0;

	while (r == 0 && c.p < c.end)
		r = ret->n < ACCESS_RULES_MAX ? take_rule(&c, &ret->rule[ret->n++]) : -EBADMSG;
	return r;
}

int record_zone_pack(const struct access_zone *z, struct buf *out)
{
	int r = z->n > ACCESS_SHIFTS_MAX ? -E2BIG : 0;

	for (uint32_t i = 0; r == 0 && i < z->n; i++) {
		uint64_t at = htole64((uint64_t)z->shift[i].at);
		uint32_t offset = htole32((uint32_t)z->shift[i].offset_s);

		r = buf_add(out, &at, sizeof(at));
		if (r == 0)
			r = buf_add(out, &offset, sizeof(offset));
	}
	return r;
}

int record_zone_unpack(const uint8_t *p, size_t len, struct access_zone *ret)
{
	if (len % SHIFT_SIZE != 0 || len / SHIFT_SIZE > ACCESS_SHIFTS_MAX)
		return -EBADMSG;
	for (; ret->n < len / SHIFT_SIZE; p += SHIFT_SIZE) {
		struct access_shift *s = &ret->shift[ret->n];
		uint64_t at;
		uint32_t offset;

		memcpy(&at, p, sizeof(at));
		memcpy(&offset, p + sizeof(at), sizeof(offset));
		*s = (struct access_shift){(int64_t)le64toh(at), (int32_t)le32toh(offset)};
		if (!access_shift_valid(s) || (ret->n && s->at <= s[-1].at))
			return -EBADMSG;
		ret->n++;
	}
	return 0;
}
