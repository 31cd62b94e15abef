#include "common/snapshot_source.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/paths.h"

uint64_t snapshot_sum(const void *data, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(data, len, seed);
}

int snapshot_pread(int fd, void *data, size_t len, uint64_t offset)
{
	uint8_t *p = data;

	while (len > 0) {
		ssize_t n = pread(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EBADMSG;
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

static int section_parse(const struct snapshot_section *s, uint64_t length,
			 struct snapshot_section *ret)
{
	ret->offset = le64toh(s->offset);
	ret->blocks = le32toh(s->blocks);
	ret->entries = le32toh(s->entries);
	if (ret->blocks == 0)
		return ret->entries == 0 ? 0 : -EBADMSG;
	if (ret->offset % SNAPSHOT_BLOCK_SIZE != 0 || ret->offset < SNAPSHOT_HEADER_SIZE ||
	    ret->offset > length ||
	    ret->blocks > (length - ret->offset) / SNAPSHOT_BLOCK_SIZE ||
	    ret->entries > (uint64_t)ret->blocks * SNAPSHOT_BLOCK_SLOTS)
		return -EBADMSG;
	return 0;
}

uint64_t snapshot_header_sum(const struct snapshot_header *h)
{
	return snapshot_sum(&h->version, sizeof *h - offsetof(struct snapshot_header, version), 0);
}

int snapshot_layout_parse(const struct snapshot_header *h, uint64_t length, enum snapshot_kind kind,
			  struct snapshot_layout *ret)
{
	int r = 0;

	if (memcmp(h->magic, SNAPSHOT_MAGIC, sizeof h->magic) != 0 ||
	    le64toh(h->sum) != snapshot_header_sum(h) ||
	    le32toh(h->version) != SNAPSHOT_VERSION || le32toh(h->kind) != kind ||
	    le64toh(h->length) != length || length > SNAPSHOT_LENGTH_MAX)
		return -EBADMSG;
	ret->length = length;
	ret->salt = le64toh(h->salt);
	ret->info = (struct snapshot_info){
		.kind = kind,
		.generation = le64toh(h->generation),
		.created_at = (int64_t)le64toh((uint64_t)h->created_at),
		.confirmed_at = (int64_t)le64toh((uint64_t)h->confirmed_at),
		.id_min = le32toh(h->id_min),
		.id_max = le32toh(h->id_max),
		.n_users = le32toh(h->n_users),
		.n_groups = le32toh(h->n_groups),
	};
	for (unsigned i = 0; r == 0 && i < SNAPSHOT_SECTIONS; i++)
		r = section_parse(&h->section[i], length, &ret->section[i]);
	return r;
}

/* Root's regular file, and nobody else may have written it or, with secrets in it, read it (N7). */
static int file_check(const struct stat *st, enum snapshot_kind kind)
{
	mode_t forbidden = kind == SNAPSHOT_PAM ? 077 : 022;

	if (!S_ISREG(st->st_mode) || st->st_uid != MUSTER_OWNER || (st->st_mode & forbidden) != 0)
		return -EPERM;
	return 0;
}

int snapshot_file_open(const char *path, enum snapshot_kind kind, struct snapshot_layout *ret,
		       struct stat *ret_st)
{
	struct snapshot_header h;
	/* NONBLOCK: a FIFO at the path must not stop a login. */
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return errno == ELOOP ? -EPERM : -errno;
	if (fstat(fd, ret_st) < 0)
		return -errno;
	r = file_check(ret_st, kind);
	if (r < 0)
		return r;
	if (ret_st->st_size < (off_t)sizeof h)
		return -EBADMSG;
	r = snapshot_pread(fd, &h, sizeof h, 0);
	if (r < 0)
		return r;
	r = snapshot_layout_parse(&h, (uint64_t)ret_st->st_size, kind, ret);
	if (r < 0)
		return r;
	return TAKE_FD(fd);
}

int snapshot_block_get(const struct snapshot_source *s, const struct snapshot_section *section,
		       uint32_t index, struct snapshot_block *copy,
		       const struct snapshot_block **ret)
{
	uint64_t offset = section->offset + (uint64_t)index * SNAPSHOT_BLOCK_SIZE;
	const struct snapshot_block *b = copy;
	int r;

	if (s->base) {
		b = (const struct snapshot_block *)(s->base + offset);
	} else {
		r = snapshot_pread(s->fd, copy, sizeof *copy, offset);
		if (r < 0)
			return r;
	}
	if (le64toh(b->sum) != snapshot_sum(b->slot, sizeof b->slot, s->layout->salt + offset))
		return -EBADMSG;
	*ret = b;
	return 0;
}

/* A record whose length and type are possible; of a mapped one, or one that fits SCRATCH, all bytes. */
struct candidate {
	uint64_t offset;
	const uint8_t *data;
	struct snapshot_head head;
	uint32_t length;
};

static int candidate_get(const struct snapshot_source *s, uint32_t at, uint16_t type,
			 const struct snapshot_scratch *scratch, struct candidate *ret)
{
	uint64_t offset = (uint64_t)at * SNAPSHOT_ALIGN, left = s->layout->length - offset;

	if (offset < SNAPSHOT_HEADER_SIZE || offset > s->layout->length ||
	    left < sizeof ret->head)
		return -EBADMSG;
	ret->offset = offset;
	if (s->base) {
		ret->data = s->base + offset;
	} else {
		int r = snapshot_pread(s->fd, scratch->data,
				       left < scratch->size ? left : scratch->size, offset);

		if (r < 0)
			return r;
		ret->data = scratch->data;
	}
	memcpy(&ret->head, ret->data, sizeof ret->head);
	ret->length = le32toh(ret->head.length);
	if (le16toh(ret->head.type) != type || ret->length < sizeof ret->head ||
	    ret->length > left)
		return -EBADMSG;
	return 0;
}

static bool candidate_sum_right(const struct snapshot_source *s, const struct candidate *c)
{
	return le64toh(c->head.sum) == snapshot_sum(c->data + sizeof c->head.sum,
						    c->length - sizeof c->head.sum,
						    s->layout->salt + c->offset);
}

/* Read C through SCRATCH, which holds its beginning already. */
static int candidate_stream(const struct snapshot_source *s, const struct candidate *c,
			    const struct snapshot_scratch *scratch, snapshot_piece_fn *fn, void *ctx)
{
	const size_t chunk = scratch->size & ~(size_t)(SNAPSHOT_ALIGN - 1);
	XXH3_state_t state;
	int r;

	XXH3_INITSTATE(&state);
	XXH3_64bits_reset_withSeed(&state, s->layout->salt + c->offset);
	for (uint32_t done = 0, skip = sizeof c->head.sum; done < c->length; skip = 0) {
		size_t n = chunk < c->length - done ? chunk : c->length - done;

		r = done == 0 ? 0 : snapshot_pread(s->fd, scratch->data, n, c->offset + done);
		if (r == 0 && fn)
			r = fn(ctx, done, scratch->data, n);
		if (r < 0)
			return r;
		XXH3_64bits_update(&state, (const uint8_t *)scratch->data + skip, n - skip);
		done += (uint32_t)n;
	}
	return XXH3_64bits_digest(&state) == le64toh(c->head.sum) ? 0 : -EBADMSG;
}

int snapshot_record_get(const struct snapshot_source *s, uint32_t at, uint16_t type,
			const struct snapshot_scratch *scratch, struct snapshot_record *ret)
{
	struct candidate c;
	int r = candidate_get(s, at, type, scratch, &c);

	if (r < 0)
		return r;
	ret->length = c.length;
	if (!s->base && c.length > scratch->size) {
		r = candidate_stream(s, &c, scratch, NULL, NULL);
		return r < 0 ? r : -ENOSPC;
	}
	if (!candidate_sum_right(s, &c))
		return -EBADMSG;
	ret->data = c.data;
	ret->name_len = le16toh(c.head.name_len);
	return 0;
}

int snapshot_record_walk(const struct snapshot_source *s, uint32_t at, uint16_t type,
			 const struct snapshot_scratch *scratch, snapshot_piece_fn *fn, void *ctx)
{
	struct candidate c;
	int r = candidate_get(s, at, type, scratch, &c);

	if (r < 0)
		return r;
	if (!s->base && c.length > scratch->size)
		return candidate_stream(s, &c, scratch, fn, ctx);
	if (!candidate_sum_right(s, &c))
		return -EBADMSG;
	return fn(ctx, 0, c.data, c.length);
}
