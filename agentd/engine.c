#include "agentd/engine.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>

#include "common/names.h"

#define NEVER INT64_MIN

/* What a file is recognised by; all zero when it is not there. */
struct mark {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified, changed;
};

/* One whom somebody has asked for. */
struct user {
	char id[OBJECT_ID_MAX + 1]; /* "": a free place */
	bool wanted, running;
	int64_t asked_ms, begun_ms, confirmed_ms;
};

struct engine {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	int wake;	/* eventfd */
	char *document; /* or NULL */
	bool by_user;	/* where ids are asked for; but … */
	bool whole;	/* … not before all were */
	bool wanted;	/* and not begun */
	bool running;
	bool down;	/* the last attempt failed, or took too long for somebody */
	int64_t begun_ms, confirmed_ms; /* CLOCK_BOOTTIME: sleep is age too */
	struct mark begun, confirmed, failed;
	struct engine_view view;
	struct user users[ENGINE_USERS];
	struct user strangers[ENGINE_USERS]; /* names nobody knows; only begun_ms and asked_ms count */
	int64_t took_ms; /* the last refresh of users that was answered */
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct mark look(const struct engine *e)
{
	struct stat st;

	if (!e->document || lstat(e->document, &st) < 0)
		return (struct mark){0};
	return (struct mark){st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const struct mark *a, const struct mark *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

/* What somebody needs: USER's place (NULL: all), confirmed at NEED_MS, or the document as he saw it. */
struct wish {
	struct user *user;
	int64_t need_ms;
	struct mark seen;
};

/* ID's place in TABLE, or the one that was asked for longest ago and is not waited for; NULL: there is none. */
static struct user *place_of(struct user table[static ENGINE_USERS], const char *id)
{
	struct user *oldest = NULL;

	for (size_t i = 0; i < ENGINE_USERS; i++) {
		struct user *u = &table[i];

		if (!strcmp(u->id, id))
			return u;
		if (!u->wanted && !u->running && (!oldest || u->asked_ms < oldest->asked_ms))
			oldest = u;
	}
	if (oldest) {
		*oldest = (struct user){.begun_ms = NEVER, .confirmed_ms = NEVER};
		memcpy(oldest->id, id, strlen(id) + 1);
	}
	return oldest;
}

/* Also after a wait, in which the place may have gone to another one. */
static int find_user(struct engine *e, const char *id, struct wish *w)
{
	w->user = NULL;
	if (!e->by_user || e->whole || !id || !object_id_valid(id))
		return 0;
	w->user = place_of(e->users, id);
	if (!w->user)
		return -EBUSY;
	w->user->asked_ms = now_ms();
	return 0;
}

/* Of a file only its bytes count, and they may have changed within this very millisecond. */
static struct wish wish_for(const struct engine *e, const char *id, int64_t max_age_ms)
{
	if (e->by_user && !id && max_age_ms < ENGINE_ALL_MS)
		max_age_ms = ENGINE_ALL_MS;
	return (struct wish){
		.need_ms = e->document ? now_ms() + 1 : now_ms() - max_age_ms,
		.seen = look(e),
	};
}

/* 0, -EHOSTUNREACH, or -EAGAIN: refresh. */
static int judge(const struct engine *e, const struct wish *w)
{
	if (e->confirmed_ms >= w->need_ms || (w->user && w->user->confirmed_ms >= w->need_ms))
		return 0;
	if (e->document && e->confirmed_ms != NEVER && same(&w->seen, &e->confirmed))
		return 0;
	if (e->down && !(e->document && !same(&w->seen, &e->failed)))
		return -EHOSTUNREACH;
	return -EAGAIN;
}

static void want(struct engine *e, const struct wish *w)
{
	bool *wanted = w->user ? &w->user->wanted : &e->wanted;

	/* the one in flight may serve: it began late enough */
	if (w->user ? w->user->running && w->user->begun_ms >= w->need_ms :
		      e->running && (e->begun_ms >= w->need_ms || (e->document && same(&w->seen, &e->begun))))
		return;
	if (!*wanted)
		eventfd_write(e->wake, 1);
	*wanted = true;
}

int engine_refresh(struct engine *e, const char *id, int64_t max_age_ms, int64_t deadline_ms)
{
	const struct timespec deadline = {deadline_ms / 1000, deadline_ms % 1000 * 1000000};
	struct wish w;
	int r;

	pthread_mutex_lock(&e->lock);
	w = wish_for(e, id, max_age_ms);
	while ((r = find_user(e, id, &w)) == 0 && (r = judge(e, &w)) == -EAGAIN) {
		want(e, &w);
		if (pthread_cond_timedwait(&e->ended, &e->lock, &deadline) != ETIMEDOUT)
			continue;
		r = -ETIMEDOUT;
		e->down = true;
		e->failed = w.seen;
		e->view.online = false;
		break;
	}
	pthread_mutex_unlock(&e->lock);
	return r;
}

/* When the refresh that NAME would need is over, or would be; 0: it needs none. */
static int64_t pretended_end(struct engine *e, const char *name, int64_t max_age_ms)
{
	struct wish w = wish_for(e, name, max_age_ms);

	if (!e->by_user || e->whole || strlen(name) > OBJECT_ID_MAX || judge(e, &w) != -EAGAIN)
		return 0;
	w.user = place_of(e->strangers, name);
	w.user->asked_ms = now_ms();
	if (w.user->begun_ms < w.need_ms)
		w.user->begun_ms = w.user->asked_ms;
	return w.user->begun_ms + e->took_ms;
}

void engine_pretend(struct engine *e, const char *name, int64_t max_age_ms, int64_t most_ms)
{
	int64_t wait_ms;

	pthread_mutex_lock(&e->lock);
	wait_ms = pretended_end(e, name, max_age_ms) - now_ms();
	pthread_mutex_unlock(&e->lock);
	if (wait_ms > most_ms)
		wait_ms = most_ms;
	if (wait_ms > 0)
		usleep((useconds_t)wait_ms * 1000);
}

void engine_poke(struct engine *e, const char *id, int64_t max_age_ms)
{
	struct wish w;

	pthread_mutex_lock(&e->lock);
	w = wish_for(e, id, max_age_ms);
	if (find_user(e, id, &w) == 0 && judge(e, &w) == -EAGAIN)
		want(e, &w);
	pthread_mutex_unlock(&e->lock);
}

void engine_view(struct engine *e, struct engine_view *ret)
{
	pthread_mutex_lock(&e->lock);
	*ret = e->view;
	pthread_mutex_unlock(&e->lock);
}

static int init_sync(struct engine *e)
{
	pthread_condattr_t attr;
	int r = pthread_condattr_init(&attr);

	if (r == 0)
		r = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (r == 0)
		r = pthread_cond_init(&e->ended, &attr);
	if (r == 0)
		r = pthread_mutex_init(&e->lock, NULL);
	pthread_condattr_destroy(&attr);
	return -r;
}

int engine_new(struct engine **ret)
{
	struct engine *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->begun_ms = e->confirmed_ms = NEVER;
	e->view.online = true; /* until an attempt says otherwise: the first who asks shall wait for it */
	e->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = e->wake < 0 ? -errno : init_sync(e);
	if (r < 0) {
		engine_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	closep(&e->wake);
	free(e->document);
	pthread_cond_destroy(&e->ended);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

int engine_set_directory(struct engine *e, const char *document, bool by_user)
{
	AUTO_FREE char *copy = document ? strdup(document) : NULL;
	bool equal;

	if (document && !copy)
		return -ENOMEM;
	pthread_mutex_lock(&e->lock);
	equal = e->by_user == by_user &&
		(e->document && copy ? !strcmp(e->document, copy) : e->document == copy);
	if (!equal) {
		char *old = e->document;

		memset(e->users, 0, sizeof(e->users));
		memset(e->strangers, 0, sizeof(e->strangers));
		e->took_ms = 0;
		e->by_user = by_user;
		e->document = TAKE(copy);
		copy = old;
		e->begun_ms = e->confirmed_ms = NEVER; /* what is in flight asks the old one */
		e->down = false;
	}
	pthread_mutex_unlock(&e->lock);
	return 0;
}

int engine_fd(const struct engine *e)
{
	return e->wake;
}

bool engine_wanted(struct engine *e)
{
	eventfd_t count;
	bool wanted;

	pthread_mutex_lock(&e->lock);
	wanted = e->wanted;
	if (eventfd_read(e->wake, &count) < 0)
		count = 0;
	pthread_mutex_unlock(&e->lock);
	return wanted;
}

void engine_begin(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	e->wanted = false;
	e->running = true;
	e->begun_ms = now_ms();
	e->begun = look(e);
	pthread_mutex_unlock(&e->lock);
}

/* Who still has reason to asks again. */
static void forget_wishes(struct engine *e)
{
	e->wanted = false;
	for (size_t i = 0; i < ENGINE_USERS; i++)
		e->users[i].wanted = false;
}

void engine_end(struct engine *e, bool ok, const struct engine_view *view)
{
	pthread_mutex_lock(&e->lock);
	e->view = *view;
	e->running = false;
	e->down = !ok;
	e->whole = false;
	if (ok) {
		e->confirmed_ms = e->begun_ms;
		e->confirmed = e->begun;
	} else {
		e->failed = e->begun;
		forget_wishes(e);
	}
	pthread_cond_broadcast(&e->ended);
	pthread_mutex_unlock(&e->lock);
}

uint32_t engine_begin_users(struct engine *e, struct buf *ids)
{
	uint32_t n = 0;

	pthread_mutex_lock(&e->lock);
	for (size_t i = 0; i < ENGINE_USERS && n < ENGINE_AT_ONCE; i++) {
		struct user *u = &e->users[i];

		if (!u->wanted || buf_add(ids, u->id, strlen(u->id) + 1) < 0)
			continue;
		u->wanted = false;
		u->running = true;
		u->begun_ms = now_ms();
		n++;
	}
	pthread_mutex_unlock(&e->lock);
	return n;
}

void engine_end_users(struct engine *e, bool ok, bool whole, const struct engine_view *view)
{
	pthread_mutex_lock(&e->lock);
	for (size_t i = 0; i < ENGINE_USERS; i++) {
		struct user *u = &e->users[i];

		if (u->running && ok && !whole) {
			u->confirmed_ms = u->begun_ms;
			e->took_ms = now_ms() - u->begun_ms;
		}
		u->running = false;
	}
	if (whole) {
		e->whole = true;
	} else {
		e->view = *view;
		e->down = !ok;
		if (!ok)
			forget_wishes(e);
	}
	pthread_cond_broadcast(&e->ended);
	pthread_mutex_unlock(&e->lock);
}

void engine_note(struct engine *e, const struct engine_view *view)
{
	pthread_mutex_lock(&e->lock);
	e->view = *view;
	if (view->online)
		e->down = false;
	pthread_mutex_unlock(&e->lock);
}
