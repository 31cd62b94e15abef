/* musterd: brings the directory to this host (DESIGN.md 3). */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "agentd/log.h"
#include "agentd/sync.h"

enum {
	EXIT_SYNC = 1,
	EXIT_USAGE = 2,
};

struct options {
	const char *config; /* NULL: the default */
	bool once;
};

static void print_help(void)
{
	printf("Usage: musterd --once [--config FILE]\n"
	       "\n"
	       "Sync the directory into the cache, publish it for NSS and PAM, and exit.\n"
	       "\n"
	       "  --once         one sync, then exit\n"
	       "  --config FILE  instead of %s\n"
	       "  --help, --version\n"
	       "\n"
	       "Exit status: 0 done; 1 the sync failed, and what was published stays, or part of it\n"
	       "needs an administrator; 2 usage or configuration. See musterd(8), muster.conf(5).\n",
	       MUSTER_CONF);
}

/* 0 go on; 1 done; -EINVAL. */
static int parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option options[] = {
		{"once", no_argument, NULL, 'o'},    {"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},    {"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			ret->once = true;
			break;
		case 'c':
			ret->config = optarg;
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
	if (optind == argc)
		return 0;
	fprintf(stderr, "musterd: unexpected argument '%s'\n", argv[optind]);
	return -EINVAL;
}

/* What this version cannot do is said before anything is touched. */
static int check_can(const struct options *o, const struct conf *c)
{
	if (!o->once)
		log_error("musterd: this version runs with --once only; start it from a timer or cron");
	else if (c->driver != CONF_DRIVER_DOCUMENT)
		log_error("musterd: [directory] driver: this version has 'document' only");
	else if (c->url[0] != 'f')
		log_error("musterd: [directory] url: this version reads file:// only");
	else
		return 0;
	return -EINVAL;
}

static int run(const struct options *o)
{
	char error[CONF_ERROR_SIZE];
	struct conf c = {0};
	int r = conf_load(o->config, &c, error);
	int status = EXIT_USAGE;

	if (r < 0)
		log_error("conf: %s", error);
	else if (check_can(o, &c) == 0)
		status = sync_once(&c) == 0 ? 0 : EXIT_SYNC;
	conf_done(&c);
	return status;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	int r;

	umask(077);
	log_init();
	r = parse_options(argc, argv, &o);
	if (r != 0)
		return r > 0 ? 0 : EXIT_USAGE;
	/* secrets pass through: neither a debugger's nor a core's business */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	return run(&o);
}
