#include "common/snapshot_map.h"

#include <errno.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "common/paths.h"

#define RUNTIME_PATH MUSTER_RUNTIME_DIR "/" NSS_SNAPSHOT
#define STATE_PATH   MUSTER_STATE_DIR "/" NSS_SNAPSHOT

/*
 * A slot's state: one flag, and how many hold it; 0 = free. CLAIM: somebody fills or empties it. LIVE: it may be
 * taken. RETIRED: it may not; whoever lets go of it last unmaps it.
 */
#define CLAIM	(1u << 31)
#define LIVE	(1u << 30)
#define RETIRED (1u << 29)

#define OFTEN     16 /* lookups */
#define SLOTS	  8
#define SLOT_MASK 0xffu
#define TRIES	  64 /* against slots retired under our hands: then a descriptor will do */

struct slot {
	_Atomic uint32_t state;
	/* Written under CLAIM only. */
	const uint8_t *base;
	dev_t dev;
	ino_t ino;
	struct timespec mtime;
	struct snapshot_layout layout;
};

static struct slot slots[SLOTS];
/*
 * The slot to use + 1, or 0, and a number that each change raises: whoever changes it compares with what it
 * was before he opened his file, so that a slow one cannot put an older file over a newer.
 */
static _Atomic uint32_t current;
static _Atomic uint32_t checked_s; /* the second of the last look at the path, + 1 */
static _Atomic uint32_t asked;     /* lookups, until there were OFTEN */

static void put(int i)
{
	uint32_t retired = RETIRED;

	if (atomic_fetch_sub(&slots[i].state, 1) != RETIRED + 1)
		return;
	if (atomic_compare_exchange_strong(&slots[i].state, &retired, CLAIM)) {
		munmap((void *)(uintptr_t)slots[i].base, (size_t)slots[i].layout.length);
		atomic_store(&slots[i].state, 0);
	}
}

/* Take the current slot; -1: there is none. */
static inline int get(void)
{
	for (int tries = 0; tries < TRIES; tries++) {
		uint32_t c = atomic_load(&current), state;
		int i = (int)(c & SLOT_MASK) - 1;

		if (i < 0)
			return -1;
		state = atomic_load(&slots[i].state);
		while ((state & LIVE) != 0 &&
		       !atomic_compare_exchange_weak(&slots[i].state, &state, state + 1))
			;
		if ((state & LIVE) == 0)
			continue;
		if (atomic_load(&current) == c)
			return i;
		put(i);
	}
	return -1;
}

/* Make slot I (-1: none) current where C still is. What was current goes when its last holder has let go. */
static bool change(uint32_t c, int i)
{
	uint32_t next = ((c & ~SLOT_MASK) + SLOT_MASK + 1) | (uint32_t)(i + 1);
	int old = (int)(c & SLOT_MASK) - 1;

	if (!atomic_compare_exchange_strong(&current, &c, next))
		return false;
	if (old >= 0) {
		atomic_fetch_add(&slots[old].state, RETIRED - LIVE + 1);
		put(old);
	}
	return true;
}

/* A page of a tmpfs is there or not; a page of a disk file may turn out unreadable, and that is SIGBUS. */
static bool mappable(int fd)
{
#ifdef MUSTER_TEST_OWNER
	(void)fd; /* the build tree lies where it lies */
	return true;
#else
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
#endif
}

/* Map /run's file into slot I, which is claimed. */
static int fill(int i)
{
	struct slot *s = &slots[i];
	struct stat st;
	AUTO_CLOSE int fd = snapshot_file_open(RUNTIME_PATH, SNAPSHOT_NSS, &s->layout, &st);
	void *p;

	if (fd < 0)
		return fd;
	if (!mappable(fd) || s->layout.length > SIZE_MAX)
		return -ENODEV;
	p = mmap(NULL, (size_t)s->layout.length, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	s->base = p;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	s->mtime = st.st_mtim;
	return 0;
}

static int claim(void)
{
	for (int i = 0; i < SLOTS; i++) {
		uint32_t state = 0;

		if (atomic_compare_exchange_strong(&slots[i].state, &state, CLAIM))
			return i;
	}
	return -1;
}

static bool is_mapped_file(const struct slot *s, const struct stat *st)
{
	return s->ino == st->st_ino && s->dev == st->st_dev &&
	       s->layout.length == (uint64_t)st->st_size &&
	       s->mtime.tv_sec == st->st_mtim.tv_sec && s->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

/* Is the current mapping what lies at the path? */
static bool up_to_date(void)
{
	struct stat st;
	int i = get();
	bool same;

	if (i < 0)
		return false;
	same = stat(RUNTIME_PATH, &st) == 0 && is_mapped_file(&slots[i], &st);
	put(i);
	return same;
}

static void refresh(void)
{
	uint32_t c = atomic_load(&current);
	int i;

	if (up_to_date())
		return;
	i = claim();
	if (i >= 0 && fill(i) < 0) {
		atomic_store(&slots[i].state, 0);
		i = -1;
	}
	if (i >= 0)
		atomic_store(&slots[i].state, LIVE | 1);
	/* No file, a bad one, no memory: nothing is current, and descriptors serve. */
	if (i < 0) {
		if ((c & SLOT_MASK) != 0)
			change(c, -1);
		return;
	}
	if (!change(c, i))
		atomic_fetch_add(&slots[i].state, RETIRED - LIVE);
	put(i);
}

/* By the thread that gets here first in this second. Apart, so that lookups stay short. */
static __attribute__((noinline)) void refresh_as_first(uint32_t last, uint32_t now_s)
{
	int state;

	if (!atomic_compare_exchange_strong(&checked_s, &last, now_s))
		return;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	refresh();
	pthread_setcancelstate(state, NULL);
}

static inline void refresh_if_due(void)
{
	uint32_t last = atomic_load_explicit(&checked_s, memory_order_relaxed), now_s;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	now_s = (uint32_t)now.tv_sec + 1;
	if (now_s != last)
		refresh_as_first(last, now_s);
}

static int open_published(struct snapshot_layout *ret)
{
	struct stat st;
	int fd = snapshot_file_open(RUNTIME_PATH, SNAPSHOT_NSS, ret, &st), fd2;

	if (!snapshot_file_missing(fd))
		return fd;
	fd2 = snapshot_file_open(STATE_PATH, SNAPSHOT_NSS, ret, &st);
	return fd2 == -ENOENT ? fd : fd2;
}

static __attribute__((noinline)) int begin_unmapped(struct snapshot_access *a)
{
	int fd;

	/* A cancelled thread must not leave its descriptor to the host. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &a->cancel_state);
	fd = open_published(&a->layout);
	if (fd < 0) {
		pthread_setcancelstate(a->cancel_state, NULL);
		return fd;
	}
	a->source = (struct snapshot_source){.layout = &a->layout, .fd = fd};
	return 0;
}

/*
 * A mapping holds its file, replaced or not, in the memory of /run. Of all the processes that ask a little and idle for days
 * each would hold the file of another generation: so only those map who have asked before, and gain by it.
 */
static inline bool asks_often(void)
{
	return atomic_load_explicit(&asked, memory_order_relaxed) >= OFTEN;
}

static __attribute__((noinline)) int begin_first(struct snapshot_access *a)
{
	atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed);
	a->slot = -1;
	return begin_unmapped(a);
}

int snapshot_access_begin(struct snapshot_access *a)
{
	if (!asks_often())
		return begin_first(a);
	refresh_if_due();
	a->slot = get();
	if (a->slot < 0)
		return begin_unmapped(a);
	a->source.layout = &slots[a->slot].layout;
	a->source.base = slots[a->slot].base;
	a->source.fd = -1;
	return 0;
}

void snapshot_access_end(struct snapshot_access *a)
{
	if (a->slot >= 0) {
		put(a->slot);
		return;
	}
	close(a->source.fd);
	pthread_setcancelstate(a->cancel_state, NULL);
}
