/*
 * F1: a published file is not trusted. The checksums of what the input calls a header, blocks and records are made
 * right first, so that the fuzzer gets behind them. Whatever is then answered obeys the floor and the rules of names,
 * lies inside the caller's buffer, and is the same over the mapping and over pread.
 */
#include "tests/fuzz/fuzz.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "common/snapshot_find.h"
#include "nss/pack.h"

#define SIZE_LIMIT    65536u
#define RECORDS_LIMIT 512u /* repaired a run: they may all be one long record */
#define STEPS_LIMIT   64u  /* of a walk */

/* ---- making checksums right */

struct repair {
	uint8_t *data;
	size_t size;
	struct snapshot_layout layout;
	unsigned int records;
};

static bool repair_header(struct repair *f)
{
	struct snapshot_header h;

	memcpy(&h, f->data, sizeof h);
	memcpy(h.magic, SNAPSHOT_MAGIC, sizeof h.magic);
	h.version = htole32(SNAPSHOT_VERSION);
	h.kind = htole32(SNAPSHOT_NSS + (le32toh(h.kind) - SNAPSHOT_NSS) % 2);
	h.length = htole64(f->size);
	h.sum = htole64(snapshot_header_sum(&h));
	memcpy(f->data, &h, sizeof h);
	return snapshot_layout_parse(&h, f->size, (enum snapshot_kind)le32toh(h.kind),
				     &f->layout) == 0;
}

static void repair_record(struct repair *f, uint32_t at, bool is_user)
{
	uint64_t offset = (uint64_t)at * SNAPSHOT_ALIGN;
	struct snapshot_user_record u;
	struct snapshot_head h;

	if (offset < SNAPSHOT_HEADER_SIZE || offset + sizeof h > f->size ||
	    f->records++ > RECORDS_LIMIT)
		return;
	memcpy(&h, f->data + offset, sizeof h);
	if (le32toh(h.length) < sizeof h || le32toh(h.length) > f->size - offset)
		return;
	h.sum = htole64(snapshot_sum(f->data + offset + sizeof h.sum,
				     le32toh(h.length) - sizeof h.sum, f->layout.salt + offset));
	memcpy(f->data + offset, &h.sum, sizeof h.sum);
	if (!is_user || le32toh(h.length) < sizeof u)
		return;
	memcpy(&u, f->data + offset, sizeof u);
	repair_record(f, le32toh(u.gids_at), false);
	repair_record(f, le32toh(u.keys_at), false);
}

static void repair_section(struct repair *f, const struct snapshot_section *x, bool records)
{
	for (uint32_t i = 0; i < x->blocks; i++) {
		uint64_t offset = x->offset + (uint64_t)i * SNAPSHOT_BLOCK_SIZE;
		struct snapshot_block b;

		memcpy(&b, f->data + offset, sizeof b);
		for (unsigned j = 0; records && j < SNAPSHOT_BLOCK_SLOTS; j++)
			repair_record(f, le32toh(b.slot[j].at), true);
		b.sum = htole64(snapshot_block_sum(&b, f->layout.salt + offset));
		if (!records)
			memcpy(f->data + offset, &b.sum, sizeof b.sum);
	}
}

static bool repair(struct repair *f)
{
	if (!repair_header(f))
		return false;
	for (unsigned i = 0; i < SNAPSHOT_SECTIONS; i++)
		repair_section(f, &f->layout.section[i], true);
	for (unsigned i = 0; i < SNAPSHOT_SECTIONS; i++)
		repair_section(f, &f->layout.section[i], false);
	return true;
}

/* ---- asking, and what must hold of each answer */

struct asking {
	const struct snapshot_source *source;
	char *buffer; /* as long as buflen, to the byte */
	size_t buflen;
	uint64_t said; /* hash over all answers */
};

static void say(struct asking *a, const void *data, size_t len)
{
	a->said = snapshot_sum(data, len, a->said);
}

static void say_result(struct asking *a, int r)
{
	say(a, &r, sizeof r);
}

static void say_text(struct asking *a, const char *s)
{
	const char *end = a->buffer + a->buflen;

	REQUIRE(s >= a->buffer && s < end && memchr(s, '\0', (size_t)(end - s)));
	say(a, s, strlen(s) + 1);
}

static int say_gid(void *ctx, uint32_t gid)
{
	REQUIRE(id_floor_ok(gid));
	say(ctx, &gid, sizeof gid);
	return 0;
}

static int say_local_gid(void *ctx, uint32_t gid)
{
	REQUIRE(gid > 0 && local_gid_ok(gid));
	say(ctx, &gid, sizeof gid);
	return 0;
}

/* As initgroups goes on after the user's own. */
static void grants_answer(struct asking *a, uint32_t uid)
{
	uint64_t piece[SNAPSHOT_SCRATCH_SIZE / sizeof(uint64_t)];
	struct snapshot_scratch scratch = {.data = piece, .size = sizeof piece};
	struct snapshot_record record;
	uint64_t said = a->said;
	int r = snapshot_find_grants(a->source, uid, &scratch, &record);

	if (r == 0)
		r = snapshot_grants_walk(&record, say_local_gid, a);
	if (r < 0)
		a->said = said;
	say_result(a, r == -ENOSPC ? -EBADMSG : r);
}

static void user_answer(struct asking *a, const struct snapshot_record *record)
{
	uint64_t piece[SNAPSHOT_SCRATCH_SIZE / sizeof(uint64_t)];
	struct snapshot_scratch scratch = {.data = piece, .size = sizeof piece};
	struct snapshot_user_view u;
	struct passwd pw;
	uint64_t said;
	int r = snapshot_user_parse(a->source, record, &u);

	if (r == 0)
		r = pack_passwd(&u, &pw, a->buffer, a->buflen);
	say_result(a, r);
	if (r < 0)
		return;
	REQUIRE(name_valid(pw.pw_name) && id_floor_ok(pw.pw_uid) && id_floor_ok(pw.pw_gid));
	REQUIRE(strcmp(pw.pw_passwd, "x") == 0);
	say_text(a, pw.pw_name);
	say_text(a, pw.pw_passwd);
	say_text(a, pw.pw_gecos);
	say_text(a, pw.pw_dir);
	say_text(a, pw.pw_shell);
	/* Pieces seen before a wrong checksum are taken back by whoever asked. */
	said = a->said;
	r = snapshot_gids_walk(a->source, &u, &scratch, say_gid, a);
	if (r < 0)
		a->said = said;
	say_result(a, r);
	grants_answer(a, u.user.uid);
}

static void packed_answer(struct asking *a, int r, const struct snapshot_group *g, bool (*gid_ok)(uint32_t gid))
{
	struct group gr;

	if (r == 0)
		r = pack_group(g, &gr, a->buffer, a->buflen);
	say_result(a, r);
	if (r < 0)
		return;
	REQUIRE(name_valid(gr.gr_name) && gr.gr_gid > 0 && gid_ok(gr.gr_gid));
	REQUIRE((uintptr_t)gr.gr_mem % _Alignof(char *) == 0);
	say_text(a, gr.gr_name);
	say_text(a, gr.gr_passwd);
	for (char **m = gr.gr_mem; *m; m++) {
		REQUIRE(name_valid(*m));
		say_text(a, *m);
	}
}

static void group_answer(struct asking *a, const struct snapshot_record *record)
{
	struct snapshot_group g;

	packed_answer(a, snapshot_group_parse(a->source, record, &g), &g, id_floor_ok);
}

static void local_group_answer(struct asking *a, const struct snapshot_record *record)
{
	struct snapshot_group g;

	packed_answer(a, snapshot_local_group_parse(record, &g), &g, local_gid_ok);
}

static void account_answer(struct asking *a, const struct snapshot_record *record)
{
	struct snapshot_account_view v;
	int r = snapshot_account_parse(a->source, record, &v);

	say_result(a, r);
	if (r < 0)
		return;
	REQUIRE(id_floor_ok(v.uid));
	say(a, v.packed, v.packed_len);
}

typedef void answer_fn(struct asking *a, const struct snapshot_record *record);

/* Walk a table; ask for each record found by its name and id again. */
static void ask_table(struct asking *a, const struct snapshot_table *t, answer_fn *answer)
{
	struct snapshot_scratch scratch = {.data = a->buffer, .size = a->buflen};
	struct snapshot_slot slot = {0};
	struct snapshot_record record;
	uint32_t hint = 0;
	char name[NAME_MAX_LEN + 1];
	int r = 0;

	for (unsigned i = 0; r == 0 && i < STEPS_LIMIT; i++) {
		uint32_t before = slot.key;

		r = snapshot_find_next(a->source, t, before, &hint, &scratch, &slot, &record);
		say_result(a, r);
		if (r < 0)
			break;
		REQUIRE(slot.key > before);
		memcpy(name, record.data + t->name_offset, record.name_len + 1u);
		answer(a, &record);
		r = snapshot_find_name(a->source, t, name, strlen(name), &scratch, &record);
		say_result(a, r);
		if (r == 0)
			answer(a, &record);
		r = t->ids == SNAPSHOT_SECTIONS ?
			    -ESRCH :
			    snapshot_find_id(a->source, t, slot.key, &scratch, &record);
		say_result(a, r);
		if (r == 0)
			answer(a, &record);
		r = 0;
	}
}

static void ask_names(struct asking *a, const struct snapshot_table *t, answer_fn *answer)
{
	static const char *const names[] = {"user000000", "user000001", "big", "team003", "root",
					     "plugdev", "docker"};
	struct snapshot_scratch scratch = {.data = a->buffer, .size = a->buflen};
	struct snapshot_record record;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int r = snapshot_find_name(a->source, t, names[i], strlen(names[i]), &scratch,
					   &record);

		say_result(a, r);
		if (r == 0)
			answer(a, &record);
	}
}

static void ask_local_gids(struct asking *a)
{
	static const uint32_t gids[] = {0, 1, 46, 999, 65534, 1900000001, UINT32_MAX};
	struct snapshot_scratch scratch = {.data = a->buffer, .size = a->buflen};
	struct snapshot_record record;

	for (size_t i = 0; i < ARRAY_SIZE(gids); i++) {
		int r = snapshot_find_local_group(a->source, gids[i], &scratch, &record);

		say_result(a, r);
		if (r == 0)
			local_group_answer(a, &record);
	}
}

static uint64_t ask_all(const struct snapshot_source *s, size_t buflen)
{
	struct asking a = {.source = s, .buffer = malloc(buflen), .buflen = buflen};

	REQUIRE(a.buffer);
	ask_table(&a, &snapshot_users, user_answer);
	ask_table(&a, &snapshot_groups, group_answer);
	ask_table(&a, &snapshot_accounts, account_answer);
	ask_names(&a, &snapshot_users, user_answer);
	ask_names(&a, &snapshot_groups, group_answer);
	ask_names(&a, &snapshot_local_groups, local_group_answer);
	ask_local_gids(&a);
	free(a.buffer);
	return a.said;
}

/* What the other readers do: they only must not fall. */
static void read_all(int fd, const struct snapshot_layout *l)
{
	struct snapshot s = {.layout = *l, .source = {.fd = fd}};
	struct buf b = {0};
	struct snapshot_group g;
	struct strlist keys;
	uint32_t n;
	int r;

	s.source.layout = &s.layout;
	r = snapshot_verify(&s);
	REQUIRE(r <= 0 && r != -ESRCH && r != -ENOSPC);
	if (snapshot_keys(&s, "user000000", &b, &keys) == 0)
		REQUIRE(strlist_valid(&keys));
	if (snapshot_gids(&s, "user000000", &b, &n) == 0)
		REQUIRE(n == b.len / sizeof n);
	for (uint32_t i = 0; i < STEPS_LIMIT && snapshot_reject(&s, i, &b) == 0; i++)
		;
	n = 0;
	for (uint32_t i = 0; i < STEPS_LIMIT && snapshot_local_group_next(&s, &n, &b, &g) == 0; i++)
		REQUIRE(name_valid(g.name) && local_gid_ok(g.gid));
	buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct repair f = {.size = size};
	size_t buflen = SNAPSHOT_SCRATCH_SIZE;
	int fd;

	if (size < SNAPSHOT_HEADER_SIZE || size > SIZE_LIMIT)
		return 0;
	/* A block of its own, aligned as a mapping is, that ends where the file ends. */
	f.data = malloc(size);
	REQUIRE(f.data);
	memcpy(f.data, data, size);
	fd = memfd_create("snapshot", MFD_CLOEXEC);
	REQUIRE(fd >= 0);
	if (repair(&f) && write(fd, f.data, size) == (ssize_t)size) {
		struct snapshot_source mapped = {.layout = &f.layout, .base = f.data, .fd = -1};
		struct snapshot_source read = {.layout = &f.layout, .fd = fd};

		/* Packing needs more than the longest record here: so pread's scratch is never the limit. */
		buflen += 16 * size;
		REQUIRE(ask_all(&mapped, buflen) == ask_all(&read, buflen));
		/* And now it is: records go through it in pieces. */
		ask_all(&mapped, SNAPSHOT_SCRATCH_SIZE);
		ask_all(&read, SNAPSHOT_SCRATCH_SIZE);
		read_all(fd, &f.layout);
	}
	close(fd);
	free(f.data);
	return 0;
}
