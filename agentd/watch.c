#include "agentd/watch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>

#define ALL (WATCH_INPUT | WATCH_STATUS | WATCH_CONF)

int watch_init(struct watch *w)
{
	*w = (struct watch){.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
	return w->fd < 0 ? -errno : 0;
}

void watch_clear(struct watch *w)
{
	for (size_t i = 0; i < w->n_files; i++) {
		if (w->files[i].wd >= 0)
			inotify_rm_watch(w->fd, w->files[i].wd); /* fails for the second file of a directory */
		free(w->files[i].dir);
		free(w->files[i].name);
	}
	w->n_files = 0;
}

void watch_done(struct watch *w)
{
	watch_clear(w);
	closep(&w->fd);
	w->fd = -1;
}

int watch_add(struct watch *w, enum watch_what what, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct watch_file f = {.what = what, .wd = -1};

	if (path[0] != '/' || !slash[1])
		return -EINVAL;
	if (w->n_files == WATCH_MAX)
		return -ENOSPC;
	f.dir = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
	f.name = strdup(slash + 1);
	if (!f.dir || !f.name) {
		free(f.dir);
		free(f.name);
		return -ENOMEM;
	}
	w->files[w->n_files++] = f;
	return 0;
}

/* The same directory gives the same descriptor again, so that nothing is watched twice. */
void watch_renew(struct watch *w)
{
	for (size_t i = 0; i < w->n_files; i++) {
		struct watch_file *f = &w->files[i];
		/* what others write is in place when it is closed or renamed; our own is always renamed */
		uint32_t mask = f->what == WATCH_STATUS ? IN_MOVED_TO : IN_MOVED_TO | IN_CLOSE_WRITE;
		int wd = inotify_add_watch(w->fd, f->dir, mask | IN_MASK_ADD | IN_ONLYDIR);

		if (f->wd >= 0 && wd != f->wd)
			inotify_rm_watch(w->fd, f->wd);
		f->wd = wd;
	}
}

static int changed_by(const struct watch *w, const struct inotify_event *e)
{
	int set = 0;

	if (e->mask & IN_Q_OVERFLOW)
		return ALL;
	for (size_t i = 0; i < w->n_files; i++)
		if (e->len && e->wd == w->files[i].wd && !strcmp(e->name, w->files[i].name))
			set |= (int)w->files[i].what;
	return set;
}

int watch_read(struct watch *w)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;
	int set = 0;

	while ((n = read(w->fd, events, sizeof(events))) > 0) {
		const struct inotify_event *e;

		for (const char *p = events; p < events + n; p += sizeof(*e) + e->len) {
			e = (const struct inotify_event *)(const void *)p;
			set |= changed_by(w, e);
		}
	}
	return set;
}
