#include "agentd/stage.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/fetch/protocol.h"

#define PENDING_SIZE 262144u
#define WINDOW_SIZE  262144u
#define AHEAD_SIZE   65536u

struct stage_window {
	struct buf data;
	uint64_t at;   /* of its first byte */
	uint64_t next; /* behind the record that was read last */
};

int stage_init(struct stage *s)
{
	*s = (struct stage){.fd = memfd_create("muster-stage", MFD_CLOEXEC)};
	if (s->fd < 0)
		return -errno;
	s->window = calloc(1, sizeof(*s->window));
	return s->window ? 0 : -ENOMEM;
}

void stage_done(struct stage *s)
{
	closep(&s->fd);
	s->fd = -1;
	buf_wipe(&s->pending);
	if (s->window)
		buf_wipe(&s->window->data);
	free(TAKE(s->window));
}

int stage_flush(struct stage *s)
{
	size_t done = 0;

	while (done < s->pending.len) {
		ssize_t n = write(s->fd, s->pending.data + done, s->pending.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	s->pending.len = 0;
	return 0;
}

static uint32_t get_length(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

int stage_add(struct stage *s, const void *record, size_t len, struct stage_place *ret)
{
	int kind = record_kind(record, len);
	uint32_t head = htole32((uint32_t)len);
	int r;

	if (kind < 0 || len > ACCOUNT_RECORD_MAX)
		return -EPROTO;
	if (s->n_records >= SYNC_RECORDS_MAX || s->len + len > SYNC_STAGED_MAX)
		return -E2BIG;
	r = buf_add(&s->pending, &head, sizeof(head));
	if (r == 0)
		r = buf_add(&s->pending, record, len);
	if (r < 0)
		return r;
	*ret = (struct stage_place){s->len + sizeof(head), (uint32_t)len};
	s->len += sizeof(head) + len;
	s->n_records++;
	s->n_kind[kind & 0xff]++;
	return s->pending.len >= PENDING_SIZE ? stage_flush(s) : 0;
}

int stage_add_frame(struct stage *s, const void *data, size_t len)
{
	const uint8_t *p = data;
	struct stage_place place;
	int r = 0;

	while (r == 0 && len > 0) {
		uint32_t record_len;

		if (len < sizeof(record_len))
			return -EPROTO;
		record_len = get_length(p);
		if (record_len > len - sizeof(record_len))
			return -EPROTO;
		r = stage_add(s, p + sizeof(record_len), record_len, &place);
		s->sum += XXH3_64bits(p + sizeof(record_len), record_len);
		p += sizeof(record_len) + record_len;
		len -= sizeof(record_len) + record_len;
	}
	return r;
}

/* LEN bytes from OFFSET, appended to OUT. */
static int read_at(const struct stage *s, uint64_t offset, size_t len, struct buf *out)
{
	int r = buf_reserve(out, len);

	while (r == 0 && len > 0) {
		ssize_t n = pread(s->fd, out->data + out->len, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		out->len += (size_t)n;
		offset += (size_t)n;
		len -= (size_t)n;
	}
	return r;
}

static bool is_inside(const struct stage_window *w, struct stage_place place)
{
	return place.offset >= w->at && place.offset + place.len <= w->at + w->data.len;
}

/* Have PLACE and what follows it in the window. */
static int read_ahead(const struct stage *s, struct stage_place place)
{
	struct stage_window *w = s->window;
	uint64_t left = s->len - s->pending.len - place.offset;
	size_t len = place.len > AHEAD_SIZE ? place.len : AHEAD_SIZE;

	w->data.len = 0;
	w->at = place.offset;
	return read_at(s, place.offset, left < len ? (size_t)left : len, &w->data);
}

int stage_get(const struct stage *s, struct stage_place place, struct buf *out)
{
	struct stage_window *w = s->window;
	bool in_order = place.offset >= w->next && place.offset - w->next < AHEAD_SIZE;
	int r = 0;

	out->len = 0;
	w->next = place.offset + place.len;
	if (!is_inside(w, place)) {
		if (!in_order)
			return read_at(s, place.offset, place.len, out);
		r = read_ahead(s, place);
	}
	if (r == 0 && !is_inside(w, place))
		r = -EIO;
	return r < 0 ? r : buf_add(out, w->data.data + (place.offset - w->at), place.len);
}

/* Have LEN bytes from W->at in the window. */
static int need(struct stage_walk *w, size_t len)
{
	uint64_t left = w->stage->len - w->at;

	if (w->at >= w->window_at && w->at + len <= w->window_at + w->window.len)
		return 0;
	if (len > left)
		return -EIO;
	w->window.len = 0;
	w->window_at = w->at;
	return read_at(w->stage, w->at, left < WINDOW_SIZE ? (size_t)left : WINDOW_SIZE, &w->window);
}

int stage_next(struct stage_walk *w)
{
	uint32_t len;
	int r;

	if (w->at == w->stage->len)
		return 0;
	r = need(w, sizeof(len));
	if (r < 0)
		return r;
	len = get_length(w->window.data + (w->at - w->window_at));
	r = need(w, sizeof(len) + len);
	if (r < 0)
		return r;
	w->record = w->window.data + (w->at - w->window_at) + sizeof(len);
	w->place = (struct stage_place){w->at + sizeof(len), len};
	w->at += sizeof(len) + len;
	return 1;
}

void stage_walk_done(struct stage_walk *w)
{
	buf_wipe(&w->window);
}
