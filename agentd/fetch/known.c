#include "agentd/fetch/known.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/file.h"
#include "agentd/index.h"

#define PENDING_SIZE 65536

/* Users in the order of their document, and their records one after another in FD. */
struct known_set {
	struct buf users; /* struct known_user */
	int fd;
	size_t len; /* of what is in FD, or pending */
};

struct known {
	uint8_t key[XXH_SECRET_DEFAULT_SIZE];
	struct known_set before, now;
	struct buf pending; /* of now's records */
	const uint8_t *records; /* of before, mapped */
	uint32_t next;	    /* in before */
	struct index by_id; /* of before, made when somebody has to be looked for */
	bool failed;	    /* there was no room for now */
};

static uint32_t count(const struct known_set *s)
{
	return (uint32_t)(s->users.len / sizeof(struct known_user));
}

static const struct known_user *user_at(const struct known_set *s, uint32_t place)
{
	return (const struct known_user *)(const void *)s->users.data + place;
}

static void set_done(struct known_set *s)
{
	buf_done(&s->users);
	closep(&s->fd);
	*s = (struct known_set){ .fd = -1 };
}

int known_new(struct known **ret)
{
	struct known *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->before.fd = k->now.fd = -1;
	if (getrandom(k->key, sizeof(k->key), 0) != (ssize_t)sizeof(k->key)) {
		free(k);
		return -EIO;
	}
	*ret = k;
	return 0;
}

static void unmap(struct known *k)
{
	if (k->records)
		munmap((void *)(uintptr_t)k->records, k->before.len);
	k->records = NULL;
}

void known_free(struct known *k)
{
	if (!k)
		return;
	unmap(k);
	set_done(&k->before);
	set_done(&k->now);
	buf_wipe(&k->pending);
	index_done(&k->by_id);
	wipe(k, sizeof(*k));
	free(k);
}

void known_begin(struct known *k)
{
	void *records;

	if (k->before.len > 0) {
		records = mmap(NULL, k->before.len, PROT_READ, MAP_SHARED, k->before.fd, 0);
		if (records == MAP_FAILED)
			set_done(&k->before);
		else
			k->records = records;
	}
	known_again(k);
}

void known_again(struct known *k)
{
	k->next = 0;
	k->pending.len = 0;
	set_done(&k->now);
	k->now.fd = memfd_create("known", MFD_CLOEXEC);
	k->failed = k->now.fd < 0;
}

static int flush(struct known *k)
{
	int r = write_all(k->now.fd, k->pending.data, k->pending.len);

	k->pending.len = 0;
	return r;
}

void known_end(struct known *k, bool whole)
{
	unmap(k);
	if (whole && !k->failed && flush(k) == 0) {
		set_done(&k->before);
		k->before = k->now;
		k->now = (struct known_set){ .fd = -1 };
	}
	set_done(&k->now);
	buf_wipe(&k->pending);
	index_done(&k->by_id);
}

static void sum(const struct known *k, const void *data, size_t len, uint64_t out[static 2])
{
	XXH128_hash_t h = XXH3_128bits_withSecret(data, len, k->key, sizeof(k->key));

	out[0] = h.low64;
	out[1] = h.high64;
}

const struct known_user *known_next(struct known *k, const void *data, size_t len)
{
	const struct known_user *u = k->next < count(&k->before) ? user_at(&k->before, k->next) : NULL;
	uint64_t hash[2];

	if (!u || u->len > len)
		return NULL;
	sum(k, data, u->len, hash);
	if (hash[0] != u->hash[0] || hash[1] != u->hash[1])
		return NULL;
	k->next++;
	return u;
}

/* In a document that is mostly the same nobody has to be looked for. */
static int make_index(struct known *k)
{
	uint32_t n = count(&k->before);
	int r = index_reserve(&k->by_id, n);

	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = index_add(&k->by_id, (uint32_t)user_at(&k->before, i)->id, i);
	return r;
}

void known_pass(struct known *k, uint64_t id)
{
	uint32_t n = count(&k->before);

	if (k->next < n && user_at(&k->before, k->next)->id == id) {
		k->next++;
		return;
	}
	if (n == 0 || (!k->by_id.size && make_index(k) < 0))
		return;
	for (uint32_t step = 0, i; (i = index_next(&k->by_id, (uint32_t)id, &step)) != INDEX_NONE;)
		if (user_at(&k->before, i)->id == id) {
			k->next = i + 1;
			return;
		}
}

const void *known_record(const struct known *k, const struct known_user *u)
{
	return k->records + u->record_at;
}

static int add(struct known *k, struct known_user *u, const void *record)
{
	int r;

	if (k->now.len + u->record_len > KNOWN_RECORDS_MAX)
		return 0;
	u->record_at = (uint32_t)k->now.len;
	r = buf_add(&k->pending, record, u->record_len);
	if (r == 0 && k->pending.len >= PENDING_SIZE)
		r = flush(k);
	k->now.len += u->record_len;
	return r < 0 ? r : buf_add(&k->now.users, u, sizeof(*u));
}

void known_keep(struct known *k, const struct known_user *u)
{
	struct known_user copy = *u;

	if (!k->failed)
		k->failed = add(k, &copy, u->record_len ? known_record(k, u) : NULL) < 0;
}

void known_add(struct known *k, const void *data, size_t len, uint64_t id, const struct buf *record)
{
	struct known_user u = { .id = id, .len = (uint32_t)len, .record_len = record ? (uint32_t)record->len : 0 };

	sum(k, data, len, u.hash);
	if (!k->failed)
		k->failed = add(k, &u, record ? record->data : NULL) < 0;
}
