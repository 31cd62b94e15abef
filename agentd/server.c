#include "agentd/server.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "agentd/answer.h"
#include "agentd/quota.h"
#include "common/snapshot_reader.h"
#include "common/str.h"

#define STACK_SIZE     (256 * 1024)
#define BACKLOG        128
#define REQUEST_MS     5000 /* for a request to arrive */
#define REQUEST_SIZE   (8 * 1024)
#define ROOT_MAX       128
#define PUBLIC_MAX     64
#define PUBLIC_UID_MAX 4 /* a locker asks three times in a row, and we may not have seen yet that it has gone */
#define PUBLIC_NICE    10 /* guessing is to slow down nobody's login; musterd.service's filter refuses it (docs/security.md) */
#define RETRY_US       100000

struct door {
	struct server *server;
	char path[PATH_MAX];
	int listener;
	bool public;
	struct quota quota;
};

struct server {
	struct auth *auth;
	struct engine *engine;
	_Atomic int64_t recheck_after_ms, recheck_timeout_ms;
	atomic_bool stopping;
	struct door root, public;
};

struct visitor {
	struct door *door;
	int sock;
	uid_t uid;
};

static void serve(struct visitor *v)
{
	CLEANUP(frame_done) struct frame f = {.fd = -1};
	struct server *s = v->door->server;
	const struct answer_options o = {
		.auth = s->auth,
		.engine = s->engine,
		.recheck_after_ms = atomic_load(&s->recheck_after_ms),
		.recheck_timeout_ms = atomic_load(&s->recheck_timeout_ms),
		.root = !v->door->public,
	};
	/* room at once, so that no piece of a password stays behind in a smaller one */
	int r = buf_reserve(&f.payload, REQUEST_SIZE);

	if (r == 0)
		r = wire_recv(v->sock, &f, wire_now_ms() + REQUEST_MS);
	if (r == 0 && f.payload.len <= REQUEST_SIZE)
		r = answer(v->sock, &f, v->uid, &o);
	(void)r; /* whoever asked badly finds the door closed */
}

static void *visitor_main(void *context)
{
	struct visitor *v = context;

	if (v->door->public)
		(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), PUBLIC_NICE);
	serve(v);
	close(v->sock);
	quota_leave(&v->door->quota, v->uid);
	free(v);
	return NULL;
}

static int start_thread(void *(*run)(void *), void *context)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r = pthread_attr_init(&attr);

	if (r != 0)
		return -r;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	r = pthread_create(&thread, &attr, run, context);
	pthread_attr_destroy(&attr);
	return -r;
}

/* They are answered about themselves alone; of nobody else, of whom there may be thousands, is a place taken. */
static bool may_ask(const struct door *d, uid_t uid)
{
	CLEANUP(snapshot_closep) struct snapshot *published = NULL;
	CLEANUP(buf_wipe) struct buf record = {0};

	if (uid == geteuid() || !d->public)
		return uid == geteuid();
	return snapshot_open_published(SNAPSHOT_PAM, &published) == 0 && snapshot_account_by_uid(published, uid, &record) == 0;
}

/* SOCK becomes the visitor's, or is closed. */
static void admit(struct door *d, int sock)
{
	AUTO_CLOSE int owned = sock;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct visitor *v;

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return;
	if (!may_ask(d, peer.uid) || !quota_enter(&d->quota, peer.uid))
		return;
	v = malloc(sizeof(*v));
	if (v) {
		*v = (struct visitor){d, sock, peer.uid};
		if (start_thread(visitor_main, v) == 0) {
			owned = -1;
			return;
		}
	}
	free(v);
	quota_leave(&d->quota, peer.uid);
}

static void *door_main(void *context)
{
	struct door *d = context;

	while (!atomic_load(&d->server->stopping)) {
		int sock = accept4(d->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (sock >= 0)
			admit(d, sock);
		else if (errno != EINTR && errno != ECONNABORTED)
			usleep(RETRY_US); /* out of descriptors or memory: others give some back */
	}
	return NULL;
}

/* Nobody can connect before the mode is right, and there is never a moment without a socket: it is renamed into place. */
static int door_open(struct door *d, const char *dir, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	AUTO_CLOSE int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = str_print(d->path, sizeof(d->path), "%s/%s", dir, name);

	if (r == 0)
		r = str_print(address.sun_path, sizeof(address.sun_path), "%s/private/new.sock",
			      dir);
	if (r < 0)
		return r;
	if (sock < 0 || (unlink(address.sun_path) < 0 && errno != ENOENT))
		return -errno;
	if (bind(sock, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(address.sun_path, d->public ? 0666 : 0600) < 0 || listen(sock, BACKLOG) < 0 ||
	    rename(address.sun_path, d->path) < 0)
		return -errno;
	d->listener = TAKE_FD(sock);
	return 0;
}

static int make_private_dir(const char *runtime_dir)
{
	char path[PATH_MAX];
	struct stat st;
	int r = str_print(path, sizeof(path), "%s/private", runtime_dir);

	if (r < 0)
		return r;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return -EPERM;
	return chmod(path, 0700) < 0 ? -errno : 0;
}

static void door_close(struct door *d)
{
	if (d->listener < 0)
		return;
	(void)unlink(d->path);
	(void)shutdown(d->listener, SHUT_RDWR); /* wakes the thread in accept4() */
}

static int open_doors(struct server *s, const char *dir, const char **ret_what)
{
	int r;

	*ret_what = "directory 'private'";
	r = make_private_dir(dir);
	if (r < 0)
		return r;
	*ret_what = "private/agent.sock";
	r = door_open(&s->root, dir, "private/agent.sock");
	if (r < 0)
		return r;
	*ret_what = "public.sock";
	r = door_open(&s->public, dir, "public.sock");
	if (r < 0)
		return r;
	*ret_what = "threads";
	r = start_thread(door_main, &s->root);
	return r < 0 ? r : start_thread(door_main, &s->public);
}

int server_start(const struct server_options *o, struct server **ret, const char **ret_what)
{
	struct server *s = calloc(1, sizeof(*s));
	int r;

	*ret_what = "memory";
	if (!s)
		return -ENOMEM;
	s->auth = o->auth;
	s->engine = o->engine;
	server_set(s, o->recheck_after_ms, o->recheck_timeout_ms);
	s->root = (struct door){
		.server = s,
		.listener = -1,
		.quota = {PTHREAD_MUTEX_INITIALIZER, .total = ROOT_MAX, .per_uid = ROOT_MAX},
	};
	s->public = (struct door){
		.server = s,
		.listener = -1,
		.public = true,
		.quota = {PTHREAD_MUTEX_INITIALIZER, .total = PUBLIC_MAX,
			  .per_uid = PUBLIC_UID_MAX},
	};
	r = open_doors(s, o->runtime_dir, ret_what);
	if (r < 0)
		server_stop(s);
	else
		*ret = s;
	return r;
}

void server_set(struct server *s, int64_t recheck_after_ms, int64_t recheck_timeout_ms)
{
	atomic_store(&s->recheck_after_ms, recheck_after_ms);
	atomic_store(&s->recheck_timeout_ms, recheck_timeout_ms);
}

void server_stop(struct server *s)
{
	atomic_store(&s->stopping, true);
	door_close(&s->root);
	door_close(&s->public);
}
