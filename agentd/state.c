#include "agentd/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "agentd/cache.h"
#include "agentd/file.h"
#include "agentd/ledger_store.h"
#include "agentd/log.h"
#include "agentd/publish.h"
#include "common/snapshot_reader.h"
#include "common/wire.h"

#define LOCK_WAIT_MS 30000
#define LOCK_POLL_MS 20

static void alarm_errno(struct state *s, const char *what, const char *path, int r)
{
	s->alarms++;
	log_error("state: cannot %s %s: %s", what, path, strerror(-r));
}

static int make_dirs(struct state *s)
{
	const struct conf *c = s->conf;
	AUTO_FREE char *private = str_format("%s/private", c->runtime_dir);
	int r;

	if (!private)
		return -ENOMEM;
	r = dir_ensure(c->runtime_dir, 0755);
	if (r < 0) {
		alarm_errno(s, "use", c->runtime_dir, r);
		return r;
	}
	r = dir_ensure(private, 0700);
	if (r < 0)
		alarm_errno(s, "use", private, r);
	r = dir_ensure(c->state_dir, 0755);
	if (r < 0) /* what is published in runtime_dir does without */
		alarm_errno(s, "use", c->state_dir, r);
	return 0;
}

/* In runtime_dir, which can be written when a disk is full or read-only; 0600, so that nobody else can hold it. */
static int take_lock(struct state *s)
{
	AUTO_FREE char *path = str_format("%s/lock", s->conf->runtime_dir);
	int64_t deadline = wire_now_ms() + LOCK_WAIT_MS;

	if (!path)
		return -ENOMEM;
	s->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->lock < 0) {
		int r = -errno;

		alarm_errno(s, "open", path, r);
		return r;
	}
	while (flock(s->lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (wire_now_ms() >= deadline) {
			log_error("state: another musterd has held %s for %d s; see who with 'fuser %s'", path,
				  LOCK_WAIT_MS / 1000, path);
			return -EBUSY;
		}
		nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_MS * 1000000L}, NULL);
	}
	return 0;
}

static int set_aside(struct state *s, const char *path, const char *rebuilt_from)
{
	int r = store_set_aside(path);

	if (r < 0)
		alarm_errno(s, "set aside", path, r);
	else
		log_warning("state: %s is damaged: kept as %s.damaged, rebuilt from %s", path, path,
			    rebuilt_from);
	return r;
}

/* Check by a child first: LMDB would take this process down with a damaged file. */
static int open_store(struct state *s, const char *name, const char *const *dbs, const char *rebuilt_from,
		      struct store *ret)
{
	AUTO_FREE char *path = str_format("%s/%s", s->conf->state_dir, name);
	int r = path ? store_check(path) : -ENOMEM;

	if (r == -EBADMSG || r == -ETIMEDOUT)
		r = set_aside(s, path, rebuilt_from);
	if (r == 0 || r == -ENOENT)
		r = store_open(path, dbs, ret);
	if (r == -EBADMSG && set_aside(s, path, rebuilt_from) == 0)
		r = store_open(path, dbs, ret);
	if (r < 0 && path)
		alarm_errno(s, "open", path, r);
	else if (r == 0 && ret->read_only)
		alarm_errno(s, "write", path, -EROFS);
	return r == -ENOMEM ? r : 0;
}

int state_open(const struct conf *c, struct state *ret)
{
	int r;

	*ret = (struct state){.conf = c, .lock = -1};
	r = make_dirs(ret);
	if (r == 0)
		r = take_lock(ret);
	if (r < 0)
		return r;
	if (publish_clean(c->runtime_dir) < 0 || publish_clean(c->state_dir) < 0)
		ret->alarms++; /* whoever publishes meets the same fault, and says it */
	return open_store(ret, "cache.mdb", cache_dbs, "the directory", &ret->cache);
}

void state_unlock(struct state *s)
{
	closep(&s->lock);
	s->lock = -1;
}

int state_relock(struct state *s)
{
	AUTO_FREE char *path = str_format("%s/cache.mdb", s->conf->state_dir);
	int r = path ? take_lock(s) : -ENOMEM;

	if (r < 0 || !s->cache.env || store_is(&s->cache, path))
		return r;
	store_close(&s->cache);
	return open_store(s, "cache.mdb", cache_dbs, "the directory", &s->cache);
}

/* RET is NULL where there is nothing that can be read. -ENOMEM: nobody knows what there is. */
static int open_published(const char *dir, const char *name, enum snapshot_kind kind, struct snapshot **ret)
{
	AUTO_FREE char *path = str_format("%s/%s", dir, name);
	int r = path ? snapshot_open(path, kind, ret) : -ENOMEM;

	if (r == 0)
		return 0;
	*ret = NULL;
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
		return -ENOMEM;
	if (r != -ENOENT)
		log_warning("state: published %s cannot be read: %s", path, strerror(-r));
	return 0;
}

static uint64_t generation_of(const char *dir, const char *name, enum snapshot_kind kind)
{
	CLEANUP(snapshot_closep) struct snapshot *s = NULL;

	return open_published(dir, name, kind, &s) == 0 && s ? snapshot_info(s)->generation : 0;
}

struct snapshot *state_open_published(const struct conf *c)
{
	struct snapshot *s;

	if (open_published(c->runtime_dir, PAM_SNAPSHOT, SNAPSHOT_PAM, &s) < 0 || s)
		return s;
	return open_published(c->state_dir, PAM_SNAPSHOT, SNAPSHOT_PAM, &s) == 0 ? s : NULL;
}

uint64_t state_published_generation(const struct conf *c)
{
	const char *const dirs[] = {c->runtime_dir, c->state_dir};
	uint64_t highest = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		uint64_t pam = generation_of(dirs[i], PAM_SNAPSHOT, SNAPSHOT_PAM);
		uint64_t nss = generation_of(dirs[i], NSS_SNAPSHOT, SNAPSHOT_NSS);

		highest = pam > highest ? pam : highest;
		highest = nss > highest ? nss : highest;
	}
	return highest;
}

/* A published generation that the ledger does not know: its commit was lost, or the whole file. */
static int adopt_from(struct state *s, const char *dir)
{
	CLEANUP(snapshot_closep) struct snapshot *pam = NULL;
	CLEANUP(snapshot_closep) struct snapshot *nss = NULL;
	uint64_t known = s->ledger.state.generation;
	uint32_t added;
	int r = open_published(dir, PAM_SNAPSHOT, SNAPSHOT_PAM, &pam);

	if (r < 0 || !pam || snapshot_info(pam)->generation <= known)
		return r;
	r = open_published(dir, NSS_SNAPSHOT, SNAPSHOT_NSS, &nss);
	if (r < 0)
		return r;
	r = ledger_adopt(&s->ledger, pam, nss, &added);
	if (r < 0 && r != -ENOMEM) {
		alarm_errno(s, "rebuild the ledger from", dir, r);
		return 0;
	}
	if (r == 0 && (known == 0 || added))
		log_warning("state: the ledger %s: %u names and ids taken from what is published in %s",
			    known ? "lacks the last generation" : "is lost", added, dir);
	return r;
}

static int load_ledger(struct state *s)
{
	AUTO_FREE char *path = str_format("%s/ledger.mdb", s->conf->state_dir);
	int r = s->ledger_store.env ? ledger_load(&s->ledger_store, &s->ledger) : 0;

	if (!path)
		return -ENOMEM;
	if (r == 0 || r == -ENOMEM)
		return r;
	store_close(&s->ledger_store);
	ledger_done(&s->ledger);
	if (r == -EBADMSG && set_aside(s, path, "the published snapshots") == 0)
		r = store_open(path, ledger_dbs, &s->ledger_store);
	if (r < 0)
		alarm_errno(s, "read", path, r);
	return 0;
}

void state_unmap_cache(struct state *s)
{
	AUTO_FREE char *path = str_format("%s/cache.mdb", s->conf->state_dir);
	int r = path ? 0 : -ENOMEM;

	store_close(&s->cache);
	if (r == 0)
		r = store_open(path, cache_dbs, &s->cache);
	if (r < 0)
		alarm_errno(s, "open", "cache.mdb", r);
}

int state_read_ledger(struct state *s)
{
	int r = open_store(s, "ledger.mdb", ledger_dbs, "the published snapshots", &s->ledger_store);

	if (r == 0)
		r = load_ledger(s);
	if (r == 0)
		r = adopt_from(s, s->conf->runtime_dir);
	return r < 0 ? r : adopt_from(s, s->conf->state_dir);
}

void state_close(struct state *s)
{
	store_close(&s->cache);
	store_close(&s->ledger_store);
	ledger_done(&s->ledger);
	closep(&s->lock);
	s->lock = -1;
}
