#include "common/record_codec.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define RECORD_VERSION 2
#define RECORD_HEAD    4 /* kind, version, u16 number of fields */
#define FIELD_HEAD     6 /* u16 tag, u32 length */

static uint32_t get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint16_t get_u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static uint64_t get_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static int put_u32(struct buf *out, uint32_t v)
{
	v = htole32(v);
	return buf_add(out, &v, sizeof(v));
}

static int put_u64(struct buf *out, uint64_t v)
{
	v = htole64(v);
	return buf_add(out, &v, sizeof(v));
}

static int put_u8(struct buf *out, uint8_t v)
{
	return buf_add(out, &v, sizeof(v));
}

static int put_string(struct buf *out, const char *s)
{
	return buf_add(out, s, strlen(s) + 1);
}

/* LEN bytes are one string with its NUL at the end and nowhere else. */
static bool is_string(const uint8_t *p, size_t len)
{
	return len > 0 && memchr(p, '\0', len) == p + len - 1;
}

static enum user_state get_state(uint8_t v)
{
	return v <= USER_SUSPENDED ? (enum user_state)v : USER_STATE_NONE;
}

/* Never by a cast: 0x102 is no ACTIVATED. */
static uint8_t state_byte(enum user_state s)
{
	return s <= USER_SUSPENDED ? (uint8_t)s : USER_STATE_NONE;
}

static int pack_scheduled(const struct account *a, struct buf *out)
{
	if (a->n_scheduled > ACCOUNT_SCHEDULED_MAX)
		return -E2BIG;
	for (uint32_t i = 0; i < a->n_scheduled; i++) {
		int r = put_u64(out, (uint64_t)a->scheduled[i].at);

		if (r == 0)
			r = put_u8(out, state_byte(a->scheduled[i].state));
		if (r < 0)
			return r;
	}
	return 0;
}

static int unpack_scheduled(const uint8_t *p, size_t len, struct account *ret)
{
	if (len % 9 != 0 || len / 9 > ACCOUNT_SCHEDULED_MAX)
		return -EBADMSG;
	ret->n_scheduled = (uint32_t)(len / 9);
	for (uint32_t i = 0; i < ret->n_scheduled; i++, p += 9)
		ret->scheduled[i] = (struct scheduled_change){
			.at = (int64_t)get_u64(p),
			.state = get_state(p[8]),
		};
	return 0;
}

static int pack_posix(const struct dir_group *g, struct buf *out)
{
	if (g->n_posix > GROUP_POSIX_MAX)
		return -E2BIG;
	for (uint32_t i = 0; i < g->n_posix; i++) {
		int r = put_u32(out, g->posix[i].gid);

		if (r == 0)
			r = buf_add(out, g->posix[i].name, strlen(g->posix[i].name) + 1);
		if (r < 0)
			return r;
	}
	return 0;
}

static int unpack_posix(const uint8_t *p, size_t len, struct dir_group *ret)
{
	const uint8_t *end = p + len;

	while (p < end) {
		if (ret->n_posix == GROUP_POSIX_MAX || end - p < 5)
			return -EBADMSG;
		const uint8_t *nul = memchr(p + 4, '\0', (size_t)(end - p - 4));
		if (!nul)
			return -EBADMSG;
		ret->posix[ret->n_posix++] = (struct posix_group){
			.gid = get_u32(p),
			.name = (const char *)p + 4,
		};
		p = nul + 1;
	}
	return 0;
}

/* Most members of most records are: nothing is stored of them. */
static bool is_zero(const struct field *f, const void *record)
{
	const void *member = (const char *)record + f->offset;
	const char *const *s = member;

	switch ((enum field_type)f->type) {
	case FIELD_STRING:
		return !*s || !**s;
	case FIELD_CHARS:
		return !*(const char *)member;
	case FIELD_BOOL:
		return !*(const bool *)member;
	case FIELD_U32:
		return !*(const uint32_t *)member;
	case FIELD_U64:
		return !*(const uint64_t *)member;
	case FIELD_STATE:
		return !state_byte(*(const enum user_state *)member);
	case FIELD_STRLIST:
	case FIELD_SCHEDULED:
	case FIELD_POSIX:
	case FIELD_ACCESS:
	case FIELD_ZONE:
		break;
	}
	return false;
}

/* The value alone; nothing for an empty list. */
static int pack_value(const struct field *f, const void *record, struct buf *out)
{
	const void *member = (const char *)record + f->offset;
	const struct strlist *list = member;

	switch ((enum field_type)f->type) {
	case FIELD_STRING:
		return put_string(out, *(const char *const *)member);
	case FIELD_CHARS:
		return put_string(out, member);
	case FIELD_BOOL:
		return put_u8(out, *(const bool *)member);
	case FIELD_U32:
		return put_u32(out, *(const uint32_t *)member);
	case FIELD_U64:
		return put_u64(out, *(const uint64_t *)member);
	case FIELD_STATE:
		return put_u8(out, state_byte(*(const enum user_state *)member));
	case FIELD_STRLIST:
		return strlist_valid(list) ? buf_add(out, list->data, list->len) : -EINVAL;
	case FIELD_SCHEDULED:
		return pack_scheduled(record, out);
	case FIELD_POSIX:
		return pack_posix(record, out);
	case FIELD_ACCESS:
		return record_access_pack(member, out);
	case FIELD_ZONE:
		return record_zone_pack(member, out);
	}
	return -EINVAL;
}

static int pack_field(const struct field *f, const void *record, struct buf *out)
{
	static const uint8_t room[FIELD_HEAD];
	size_t start = out->len;
	int r;

	if (is_zero(f, record))
		return 0;
	r = buf_add(out, room, sizeof(room));
	if (r == 0)
		r = pack_value(f, record, out);
	if (r < 0)
		return r;
	size_t len = out->len - start - FIELD_HEAD;
	if (len == 0) {
		out->len = start;
		return 0;
	}
	if (len > ACCOUNT_RECORD_MAX)
		return -E2BIG;
	uint16_t tag = htole16(f->tag);
	uint32_t len_le = htole32((uint32_t)len);
	memcpy(out->data + start, &tag, sizeof(tag));
	memcpy(out->data + start + sizeof(tag), &len_le, sizeof(len_le));
	return 0;
}

int record_encode(enum record_kind kind, const struct field *fields, size_t n, const void *record,
		  struct buf *out)
{
	const uint8_t head[RECORD_HEAD] = {(uint8_t)kind, RECORD_VERSION};
	size_t start = out->len;
	uint16_t count = 0;
	int r = buf_add(out, head, sizeof(head));

	for (size_t i = 0; r == 0 && i < n; i++) {
		size_t before = out->len;

		r = pack_field(&fields[i], record, out);
		count += out->len > before;
	}
	if (r == 0 && out->len - start > ACCOUNT_RECORD_MAX)
		r = -E2BIG;
	if (r < 0) {
		out->len = start;
		return r;
	}
	count = htole16(count);
	memcpy(out->data + start + 2, &count, sizeof(count));
	return 0;
}

static int unpack_number(const struct field *f, const uint8_t *p, size_t len, void *member)
{
	switch ((enum field_type)f->type) {
	case FIELD_BOOL:
		if (len != 1 || p[0] > 1)
			return -EBADMSG;
		*(bool *)member = p[0] == 1;
		return 0;
	case FIELD_STATE:
		if (len != 1)
			return -EBADMSG;
		*(enum user_state *)member = get_state(p[0]);
		return 0;
	case FIELD_U32:
		if (len != 4)
			return -EBADMSG;
		*(uint32_t *)member = get_u32(p);
		return 0;
	case FIELD_U64:
		if (len != 8)
			return -EBADMSG;
		*(uint64_t *)member = get_u64(p);
		return 0;
	case FIELD_STRING:
	case FIELD_CHARS:
	case FIELD_STRLIST:
	case FIELD_SCHEDULED:
	case FIELD_POSIX:
	case FIELD_ACCESS:
	case FIELD_ZONE:
		break;
	}
	return -EBADMSG;
}

static int unpack_strlist(const uint8_t *p, size_t len, struct strlist *ret)
{
	struct strlist list = {.data = (const char *)p, .len = (uint32_t)len};

	if (len == 0 || p[len - 1] != '\0')
		return -EBADMSG;
	for (const char *s = NULL; (s = strlist_next(&list, s));)
		list.count++;
	*ret = list;
	return 0;
}

static int unpack_value(const struct field *f, const uint8_t *p, size_t len, void *record)
{
	void *member = (char *)record + f->offset;

	switch ((enum field_type)f->type) {
	case FIELD_STRING:
		if (!is_string(p, len))
			return -EBADMSG;
		*(const char **)member = (const char *)p;
		return 0;
	case FIELD_CHARS:
		if (!is_string(p, len) || len > f->size)
			return -EBADMSG;
		memcpy(member, p, len);
		return 0;
	case FIELD_STRLIST:
		return unpack_strlist(p, len, member);
	case FIELD_SCHEDULED:
		return unpack_scheduled(p, len, record);
	case FIELD_POSIX:
		return unpack_posix(p, len, record);
	case FIELD_ACCESS:
		return record_access_unpack(p, len, member);
	case FIELD_ZONE:
		return record_zone_unpack(p, len, member);
	case FIELD_BOOL:
	case FIELD_STATE:
	case FIELD_U32:
	case FIELD_U64:
		return unpack_number(f, p, len, member);
	}
	return -EBADMSG;
}

int record_decode(enum record_kind kind, const struct field *fields, size_t n, const void *data,
		  size_t len, void *record)
{
	const uint8_t *p = data, *end = p + len;
	const struct field *f = fields, *fields_end = fields + n;
	int last_tag = -1;

	if (record_kind(data, len) != (int)kind)
		return -EBADMSG;
	for (size_t i = 0; i < n; i++)
		if (fields[i].type == FIELD_STRING)
			*(const char **)((char *)record + fields[i].offset) = "";
	/* Counted: cut between two fields, a record must not lose the later ones, a lock say. */
	unsigned int count = get_u16(p + 2);
	for (p += RECORD_HEAD; count > 0; count--) {
		if (end - p < FIELD_HEAD)
			return -EBADMSG;
		int tag = get_u16(p);
		uint32_t value_len = get_u32(p + 2);
		p += FIELD_HEAD;
		/* Ascending: a field given twice has no meaning. */
		if (tag <= last_tag || value_len == 0 || value_len > (size_t)(end - p))
			return -EBADMSG;
		last_tag = tag;
		while (f < fields_end && f->tag < tag)
			f++;
		if (f < fields_end && f->tag == tag) {
			int r = unpack_value(f, p, value_len, record);

			if (r < 0)
				return r;
		}
		p += value_len;
	}
	return p == end ? 0 : -EBADMSG;
}

int record_kind(const void *data, size_t len)
{
	const uint8_t *p = data;

	if (len < RECORD_HEAD || len > ACCOUNT_RECORD_MAX || p[1] != RECORD_VERSION)
		return -EBADMSG;
	switch ((enum record_kind)p[0]) {
	case RECORD_ACCOUNT:
	case RECORD_GROUP:
	case RECORD_MEMBERSHIP:
	case RECORD_LOCKOUT:
	case RECORD_POLICY:
	case RECORD_REJECT:
	case RECORD_REMOVED:
	case RECORD_KEPT:
	case RECORD_STATUS:
	case RECORD_CLOCK:
	case RECORD_SESSIONS:
	case RECORD_VERIFIER:
		return p[0];
	}
	return -EBADMSG;
}
