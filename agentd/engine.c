#include "agentd/engine.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>

#define NEVER INT64_MIN

/* What a file is recognised by; all zero when it is not there. */
struct mark {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified, changed;
};

struct engine {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	int wake;	/* eventfd */
	char *document; /* or NULL */
	bool wanted;	/* and not begun */
	bool running;
	bool down;	/* the last attempt failed, or took too long for somebody */
	int64_t begun_ms, confirmed_ms; /* CLOCK_BOOTTIME: sleep is age too */
	struct mark begun, confirmed, failed;
	struct engine_view view;
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

/* For who saw the document as SEEN and needs what was confirmed at NEED_MS: 0, -EHOSTUNREACH, or -EAGAIN: refresh. */
static int judge(const struct engine *e, const struct mark *seen, int64_t need_ms)
{
	if (e->confirmed_ms >= need_ms)
		return 0;
	if (e->document && e->confirmed_ms != NEVER && same(seen, &e->confirmed))
		return 0;
	if (e->down && !(e->document && !same(seen, &e->failed)))
		return -EHOSTUNREACH;
	return -EAGAIN;
}

/* Of a file only its bytes count, and they may have changed within this very millisecond. */
static int64_t need(const struct engine *e, int64_t max_age_ms)
{
	return e->document ? now_ms() + 1 : now_ms() - max_age_ms;
}

/* The one in flight may serve: it began late enough. */
static void want(struct engine *e, const struct mark *seen, int64_t need_ms)
{
	if (e->running && (e->begun_ms >= need_ms || (e->document && same(seen, &e->begun))))
		return;
	if (!e->wanted)
		eventfd_write(e->wake, 1);
	e->wanted = true;
}

int engine_refresh(struct engine *e, int64_t max_age_ms, int64_t deadline_ms)
{
	const struct timespec deadline = {deadline_ms / 1000, deadline_ms % 1000 * 1000000};
	struct mark seen;
	int64_t need_ms;
	int r;

	pthread_mutex_lock(&e->lock);
	seen = look(e);
	need_ms = need(e, max_age_ms);
	while ((r = judge(e, &seen, need_ms)) == -EAGAIN) {
		want(e, &seen, need_ms);
		if (pthread_cond_timedwait(&e->ended, &e->lock, &deadline) != ETIMEDOUT)
			continue;
		r = -ETIMEDOUT;
		e->down = true;
		e->failed = seen;
		e->view.online = false;
		break;
	}
	pthread_mutex_unlock(&e->lock);
	return r;
}

void engine_poke(struct engine *e, int64_t max_age_ms)
{
	struct mark seen;
	int64_t need_ms;

	pthread_mutex_lock(&e->lock);
	seen = look(e);
	need_ms = need(e, max_age_ms);
	if (judge(e, &seen, need_ms) == -EAGAIN)
		want(e, &seen, need_ms);
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

int engine_new(const char *document, struct engine **ret)
{
	struct engine *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->confirmed_ms = NEVER;
	e->view.online = true; /* until an attempt says otherwise: the first who asks shall wait for it */
	e->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = e->wake < 0 ? -errno : init_sync(e);
	if (r == 0)
		r = engine_set_document(e, document);
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

int engine_set_document(struct engine *e, const char *document)
{
	AUTO_FREE char *copy = document ? strdup(document) : NULL;
	bool equal;

	if (document && !copy)
		return -ENOMEM;
	pthread_mutex_lock(&e->lock);
	equal = e->document && copy ? !strcmp(e->document, copy) : e->document == copy;
	if (!equal) {
		char *old = e->document;

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

void engine_end(struct engine *e, bool ok, const struct engine_view *view)
{
	pthread_mutex_lock(&e->lock);
	e->view = *view;
	e->running = false;
	e->down = !ok;
	if (ok) {
		e->confirmed_ms = e->begun_ms;
		e->confirmed = e->begun;
	} else {
		e->failed = e->begun;
		e->wanted = false; /* who still has reason to asks again */
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
