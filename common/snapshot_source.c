#include "common/snapshot_source.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/paths.h"

#define OVERFLOW_UID 65534 /* whom the kernel shows for uids that have none here */

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

/*
 * Is ST of somebody who has no uid here, in a user namespace of a sandbox or container? There root's own files look like that. Such
 * an owner may be another one as well; but whoever made the namespace can as well bind an /etc/passwd of his own there, and no
 * file of root's has its set-uid bit there.
 */
static bool is_unmapped(const struct stat *st)
{
	static const char all[] = "         0          0 4294967295\n";
	char map[sizeof all];
	AUTO_CLOSE int fd = -1;
	ssize_t n;

	if (st->st_uid != OVERFLOW_UID)
		return false;
	fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, map, sizeof map);
	return n >= 0 && (n != sizeof all - 1 || memcmp(map, all, sizeof all - 1) != 0);
}

/* Whom the kernel shows as root, or who can be nobody else: what that lets in is names, never a login. */
static bool is_owner(const struct stat *st, enum snapshot_kind kind)
{
	return st->st_uid == MUSTER_OWNER || (kind == SNAPSHOT_NSS && is_unmapped(st));
}

/* Root's regular file, and nobody else may have written it or, with secrets in it, read it (N7). */
static int file_check(const struct stat *st, enum snapshot_kind kind)
{
	mode_t forbidden = kind == SNAPSHOT_PAM ? 077 : 022;

	if (!S_ISREG(st->st_mode) || (st->st_mode & forbidden) != 0 || !is_owner(st, kind))
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

uint64_t snapshot_block_sum(const struct snapshot_block *b, uint64_t seed)
{
	return snapshot_sum(b->slot, sizeof b->slot, seed);
}

/* What is said of a record before its checksum is seen: its type, and a length that the file can hold. */
static int head_parse(const struct snapshot_source *s, uint64_t offset, uint16_t type,
		      const uint8_t *p, struct snapshot_head *ret)
{
	memcpy(ret, p, sizeof *ret);
	ret->length = le32toh(ret->length);
	if (le16toh(ret->type) != type || ret->length < sizeof *ret ||
	    ret->length > s->layout->length - offset)
		return -EBADMSG;
	return 0;
}

static bool record_sum_right(const struct snapshot_source *s, uint64_t offset, const uint8_t *p,
			     const struct snapshot_head *h)
{
	return le64toh(h->sum) == snapshot_sum(p + sizeof h->sum, h->length - sizeof h->sum,
					       s->layout->salt + offset);
}

/* Read the record at OFFSET through SCRATCH, which holds its beginning already. */
static int record_stream(const struct snapshot_source *s, uint64_t offset,
			 const struct snapshot_head *h, const struct snapshot_scratch *scratch,
			 snapshot_piece_fn *fn, void *ctx)
{
	const size_t chunk = scratch->size & ~(size_t)(SNAPSHOT_ALIGN - 1);
	XXH3_state_t state;
	int r;

	XXH3_INITSTATE(&state);
	XXH3_64bits_reset_withSeed(&state, s->layout->salt + offset);
	for (uint32_t done = 0, skip = sizeof h->sum; done < h->length; skip = 0) {
		size_t n = chunk < h->length - done ? chunk : h->length - done;

		r = done == 0 ? 0 : snapshot_pread(s->fd, scratch->data, n, offset + done);
		if (r == 0 && fn)
			r = fn(ctx, done, scratch->data, n);
		if (r < 0)
			return r;
		XXH3_64bits_update(&state, (const uint8_t *)scratch->data + skip, n - skip);
		done += (uint32_t)n;
	}
	return XXH3_64bits_digest(&state) == le64toh(h->sum) ? 0 : -EBADMSG;
}

/* As snapshot_record_walk() with FN, as snapshot_record_get() without; the place is inside the file. */
static int record_pread(const struct snapshot_source *s, uint64_t offset, uint16_t type,
			const struct snapshot_scratch *scratch, snapshot_piece_fn *fn, void *ctx,
			struct snapshot_record *ret)
{
	uint64_t left = s->layout->length - offset;
	struct snapshot_head h;
	int r = snapshot_pread(s->fd, scratch->data, left < scratch->size ? left : scratch->size,
			       offset);

	if (r < 0)
		return r;
	r = head_parse(s, offset, type, scratch->data, &h);
	if (r < 0)
		return r;
	*ret = (struct snapshot_record){
		.data = scratch->data, .length = h.length, .name_len = le16toh(h.name_len)};
	if (h.length > scratch->size) {
		r = record_stream(s, offset, &h, scratch, fn, ctx);
		return r == 0 && !fn ? -ENOSPC : r;
	}
	if (!record_sum_right(s, offset, scratch->data, &h))
		return -EBADMSG;
	return fn ? fn(ctx, 0, scratch->data, h.length) : 0;
}

static int record_mapped(const struct snapshot_source *s, uint64_t offset, uint16_t type,
			 struct snapshot_record *ret)
{
	const uint8_t *p = s->base + offset;
	struct snapshot_head h;
	int r = head_parse(s, offset, type, p, &h);

	if (r < 0)
		return r;
	*ret = (struct snapshot_record){
		.data = p, .length = h.length, .name_len = le16toh(h.name_len)};
	return record_sum_right(s, offset, p, &h) ? 0 : -EBADMSG;
}

/* Is there room for a head at OFFSET? It cannot overflow: places are 32 bits wide. */
static bool offset_possible(const struct snapshot_source *s, uint64_t offset)
{
	return offset >= SNAPSHOT_HEADER_SIZE &&
	       offset + sizeof(struct snapshot_head) <= s->layout->length;
}

int snapshot_record_get(const struct snapshot_source *s, uint32_t at, uint16_t type,
			const struct snapshot_scratch *scratch, struct snapshot_record *ret)
{
	uint64_t offset = (uint64_t)at * SNAPSHOT_ALIGN;

	if (!offset_possible(s, offset))
		return -EBADMSG;
	if (s->base)
		return record_mapped(s, offset, type, ret);
	return record_pread(s, offset, type, scratch, NULL, NULL, ret);
}

int snapshot_record_walk(const struct snapshot_source *s, uint32_t at, uint16_t type,
			 const struct snapshot_scratch *scratch, snapshot_piece_fn *fn, void *ctx)
{
	uint64_t offset = (uint64_t)at * SNAPSHOT_ALIGN;
	struct snapshot_record record;
	int r;

	if (!offset_possible(s, offset))
		return -EBADMSG;
	if (!s->base)
		return record_pread(s, offset, type, scratch, fn, ctx, &record);
	r = record_mapped(s, offset, type, &record);
	return r < 0 ? r : fn(ctx, 0, record.data, record.length);
}
