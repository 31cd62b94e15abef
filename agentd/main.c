/* musterd: brings the directory to this host (DESIGN.md 3). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "agentd/daemon.h"
#include "agentd/log.h"
#include "agentd/sessions.h"
#include "agentd/settings.h"
#include "agentd/status.h"
#include "agentd/sync.h"
#include "agentd/worker.h"
#include "common/names.h"
#include "common/wire.h"

enum {
	EXIT_SYNC = 1,
	EXIT_USAGE = 2,
};

struct names {
	struct buf buf;
	uint32_t count;
};

struct options {
	const char *config; /* NULL: the default */
	bool once, publish_only, accept_removals;
	enum worker_task task; /* WORKER_NONE: this is no worker */
	bool fetch;	       /* WORKER_FETCH_FD is there */
	struct names accept, forget;
	struct names users; /* WORKER_REFRESH: directory ids */
};

static void options_done(struct options *o)
{
	buf_done(&o->accept.buf);
	buf_done(&o->forget.buf);
	buf_done(&o->users.buf);
}

static void print_help(void)
{
	printf("Usage: musterd [--config FILE]\n"
	       "       musterd --once [--accept NAME] [--forget NAME] [--accept-removals] [--config FILE]\n"
	       "       musterd --once --publish-only [--config FILE]\n"
	       "\n"
	       "Bring the directory to this host: sync it into the cache, publish it for NSS and PAM, and stay\n"
	       "to do so again whenever it changes.\n"
	       "\n"
	       "  --once          one sync, then exit\n"
	       "  --accept NAME   let the name of one who left go to the user who now asks for it\n"
	       "  --forget NAME   end the tombstone of one who left: name, uid and gid resolve no more\n"
	       "  --accept-removals  let all go who are missing, also when they are many\n"
	       "  --publish-only  with --once: ask nobody, only bring what was published before a boot back\n"
	       "  --config FILE   instead of %s\n"
	       "  --help, --version\n"
	       "\n"
	       "Exit status: 0 done; 1 the sync failed, and what was published stays, or part of it\n"
	       "needs an administrator; 2 usage or configuration. See musterd(8), muster.conf(5).\n",
	       MUSTER_CONF);
}

static int add_name(struct names *n, const char *name)
{
	if (!name_valid(name)) {
		fprintf(stderr, "musterd: '%s' is no account name\n", name);
		return -EINVAL;
	}
	n->count++;
	return buf_add(&n->buf, name, strlen(name) + 1);
}

static struct strlist list_of(const struct names *n)
{
	return (struct strlist){(const char *)n->buf.data, (uint32_t)n->buf.len, n->count};
}

static bool wishes(const struct options *o)
{
	return o->accept.count || o->forget.count || o->accept_removals;
}

static int take_users(int n, char **ids, struct names *ret)
{
	int r = 0;

	for (int i = 0; r == 0 && i < n; i++, ret->count++)
		r = buf_add(&ret->buf, ids[i], strlen(ids[i]) + 1);
	return r;
}

/* 0 go on; 1 done; -EINVAL. */
static int parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option options[] = {
		{"once", no_argument, NULL, 'o'},
		{"publish-only", no_argument, NULL, 'p'},
		{"accept", required_argument, NULL, 'a'},
		{"forget", required_argument, NULL, 'f'},
		{"accept-removals", no_argument, NULL, 'r'},
		{"config", required_argument, NULL, 'c'},
		{"worker", required_argument, NULL, 'w'}, /* musterd's own, both: see agentd/worker.h */
		{"fetch", no_argument, NULL, 'F'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			ret->once = true;
			break;
		case 'p':
			ret->publish_only = true;
			break;
		case 'a':
			if (add_name(&ret->accept, optarg) < 0)
				return -EINVAL;
			break;
		case 'f':
			if (add_name(&ret->forget, optarg) < 0)
				return -EINVAL;
			break;
		case 'r':
			ret->accept_removals = true;
			break;
		case 'c':
			ret->config = optarg;
			break;
		case 'w':
			ret->task = worker_task_named(optarg);
			if (ret->task == WORKER_NONE)
				return -EINVAL;
			break;
		case 'F':
			ret->fetch = true;
			break;
		case 'h':
			print_help();
			return 1;
		case 'V':
			printf("musterd %s\n", PACKAGE_VERSION);
			return 1;
		default:
			return -EINVAL;
		}
	}
	if (ret->task == WORKER_REFRESH)
		return take_users(argc - optind, argv + optind, &ret->users);
	if (optind < argc)
		fprintf(stderr, "musterd: unexpected argument '%s'\n", argv[optind]);
	else if (ret->publish_only && !ret->once)
		fprintf(stderr, "musterd: --publish-only goes with --once\n");
	else if (wishes(ret) && (!ret->once || ret->publish_only))
		fprintf(stderr, "musterd: --accept, --forget and --accept-removals go with --once, without --publish-only\n");
	else
		return 0;
	return -EINVAL;
}

static int worker_exit(int r)
{
	return r == -EIO ? WORKER_ALARM : r == -ESTALE ? WORKER_WHOLE : r < 0 ? WORKER_FAILED : WORKER_GOOD;
}

/* Of what has not changed since the last attempt the living musterd does not speak again. */
static int sync_as_worker(const struct conf *c, const struct options *o, int fetch_fd)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct strlist users = list_of(&o->users);
	struct sync_status status;

	if (status_load_last(c, &buf, &status) == 0)
		log_known(&status.errors);
	return worker_exit(o->task == WORKER_REFRESH ? sync_users(c, &users, fetch_fd) :
						       sync_once(c, &(struct sync_wishes){0}, fetch_fd));
}

/* Goes with the one whose configuration it has, unless it is in the midst of it (agentd/sessions_step.c). */
static int end_sessions_as_worker(const struct conf *c)
{
	int r = prctl(PR_SET_PDEATHSIG, SIGUSR1) < 0 ? -errno : sessions_end(c);

	return r == -EBUSY ? WORKER_ALARM : r < 0 ? WORKER_FAILED : WORKER_GOOD;
}

static int run_worker(const struct options *o)
{
	CLEANUP(settings_done) struct settings s = {.fd = -1};
	int fetch_fd = o->fetch ? WORKER_FETCH_FD : -1;
	char error[CONF_ERROR_SIZE];

	if (o->fetch)
		fcntl(fetch_fd, F_SETFD, FD_CLOEXEC);
	if (settings_take(WORKER_CONF_FD, o->config, &s, error) < 0) {
		log_error("conf: %s", error);
		return EXIT_USAGE;
	}
	switch (o->task) {
	case WORKER_SYNC:
	case WORKER_REFRESH:
		return sync_as_worker(&s.conf, o, fetch_fd);
	case WORKER_PUBLISH:
		return worker_exit(sync_publish(&s.conf));
	case WORKER_SESSIONS:
		return end_sessions_as_worker(&s.conf);
	case WORKER_NONE:
	case WORKER_TASKS:
		break;
	}
	return EXIT_USAGE;
}

/* A grace is waited out by the living musterd, where there is one, and else here. */
static int end_sessions(const struct conf *c)
{
	return c->end_grace_ms && daemon_lives(c->runtime_dir) ? 0 : sessions_end(c);
}

/*
 * Sessions end by what is published of their user: nobody is forgotten, nor is a name given away, before that says that he left, and
 * his sessions are ended. A grace is not waited out here: until it is over the sync refuses (agentd/world_leave.c).
 */
static int let_leave(const struct conf *c, bool accept_removals)
{
	int64_t until_ms = wire_now_ms() + SESSIONS_LIMIT_MS;
	int r = sync_once(c, &(struct sync_wishes){.accept_removals = accept_removals}, -1);

	if (r < 0 && r != -EIO)
		return r;
	if (c->end_grace_ms)
		return 0;
	while ((r = sessions_end(c)) > 0 && wire_now_ms() < until_ms)
		nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
	if (r == 0 || r == -EBUSY) /* who is left has been killed, and dies when the kernel lets him: that was told */
		return 0;
	log_error("sync: nobody is forgotten, and no name given away, while there are sessions to end; what was published stays");
	return -EBUSY;
}

static int run_once(const struct options *o)
{
	CLEANUP(settings_done) struct settings s = {.fd = -1};
	struct sync_wishes w = {list_of(&o->accept), list_of(&o->forget), o->accept_removals};
	char error[CONF_ERROR_SIZE];
	int r = settings_load(o->config, &s, error);

	if (r < 0) {
		log_error("conf: %s", error);
		return EXIT_USAGE;
	}
	if ((o->accept.count || o->forget.count) && let_leave(&s.conf, o->accept_removals) < 0)
		return EXIT_SYNC;
	r = o->publish_only ? sync_publish(&s.conf) : sync_once(&s.conf, &w, -1);
	if (end_sessions(&s.conf) < 0) /* also after a sync that failed: what is published counts */
		return EXIT_SYNC;
	return r == 0 ? 0 : EXIT_SYNC;
}

static int live(const struct options *o)
{
	int r = daemon_run(o->config);

	return r == -EINVAL ? EXIT_USAGE : r < 0 ? EXIT_SYNC : 0;
}

int main(int argc, char **argv)
{
	CLEANUP(options_done) struct options o = {0};
	int r;

	umask(077);
	log_init();
	r = parse_options(argc, argv, &o);
	if (r != 0)
		return r > 0 ? 0 : EXIT_USAGE;
	/* secrets pass through: neither a debugger's nor a core's business */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	if (o.task != WORKER_NONE)
		return run_worker(&o);
	return o.once ? run_once(&o) : live(&o);
}
