/*
 * nss_probe MODE USERS [ARGUMENT]: a process that looks up the users of tests/unit/sample.h through real glibc, in
 * unusual circumstances. Says "ok", or what was wrong, and exits with 1. Also compiled as a 32-bit program.
 *
 *   all         every user and group by name and number, supplementary groups, enumeration
 *   big N       the group "big" has N members
 *   threads S   64 threads for S seconds
 *   forks       8 threads, and 100 children that look up
 *   descriptors all of 0 to 1023 closed and used again between lookups
 *   nofile      no descriptor left
 *   memory      an address space of 16 MiB
 *   seccomp     mmap refused
 *   chroot DIR  before and after changing the root to an empty folder
 *   warm N      N lookups of each kind, after the first ones and a line on standard output
 *   watch FILE  lookups until FILE is there: the generation never goes back; says the last one
 *   wait N      until generation N is seen
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UID	1900000000u
#define BIG_GID 1990000000u

#define REQUIRE(condition)                                                             \
	do {                                                                           \
		if (!(condition)) {                                                    \
			dprintf(report, "line %d: %s (errno %d)\n", __LINE__,          \
				#condition, errno);                                    \
			_exit(1);                                                      \
		}                                                                      \
	} while (0)

int __nss_configure_lookup(const char *database, const char *services);

static unsigned users;
static int report = STDOUT_FILENO;
static volatile int stop;

/* The generation that the answer comes from. */
static unsigned long long check_user(const struct passwd *p, unsigned i)
{
	char name[32], home[64];
	const char *number;

	snprintf(name, sizeof name, "user%06u", i);
	snprintf(home, sizeof home, "/home/%s", name);
	REQUIRE(p && strcmp(p->pw_name, name) == 0 && strcmp(p->pw_passwd, "x") == 0);
	REQUIRE(p->pw_uid == UID + i && p->pw_gid == UID + i && strcmp(p->pw_dir, home) == 0);
	number = strrchr(p->pw_gecos, ' ');
	REQUIRE(number);
	return strtoull(number + 1, NULL, 10);
}

static unsigned long long ask_user(unsigned i)
{
	struct passwd pw, *p = NULL;
	char b[1024], name[32];

	snprintf(name, sizeof name, "user%06u", i);
	if (i % 2)
		REQUIRE(getpwnam_r(name, &pw, b, sizeof b, &p) == 0);
	else
		REQUIRE(getpwuid_r(UID + i, &pw, b, sizeof b, &p) == 0);
	return check_user(p, i);
}

static void ask_groups(unsigned i)
{
	struct group gr, *g = NULL;
	char b[1024], name[32];
	gid_t list[32];
	int n = 32;

	snprintf(name, sizeof name, "user%06u", i);
	REQUIRE(getgrgid_r(UID + i, &gr, b, sizeof b, &g) == 0 && g);
	REQUIRE(strcmp(g->gr_name, name) == 0 && !g->gr_mem[0]);
	REQUIRE(getgrnam_r(name, &gr, b, sizeof b, &g) == 0 && g && g->gr_gid == UID + i);
	REQUIRE(getgrouplist(name, UID + i, list, &n) >= 1 && list[0] == UID + i);
}

static void ask_unknown(void)
{
	struct passwd pw, *p;
	char b[1024];

	REQUIRE(getpwnam_r("nobody-here", &pw, b, sizeof b, &p) == 0 && !p);
	REQUIRE(getpwuid_r(UID - 1, &pw, b, sizeof b, &p) == 0 && !p);
}

static int mode_all(const char *argument)
{
	unsigned n = 0, n_groups = 0;
	struct passwd *p;
	struct group *g;

	(void)argument;
	for (unsigned i = 0; i < users; i++) {
		ask_user(i);
		ask_groups(i);
	}
	ask_unknown();
	setpwent();
	while ((p = getpwent()))
		if (p->pw_uid >= UID)
			check_user(p, n++);
	endpwent();
	setgrent();
	while ((g = getgrent()))
		n_groups += g->gr_gid >= UID;
	endgrent();
	REQUIRE(n == users && n_groups >= users);
	return 0;
}

static int mode_big(const char *argument)
{
	unsigned n = (unsigned)strtoul(argument, NULL, 10), i = 0;
	struct group *g = getgrnam("big");
	char name[32];

	REQUIRE(g && g->gr_gid == BIG_GID);
	for (; g->gr_mem[i]; i++) {
		snprintf(name, sizeof name, "user%06u", i);
		REQUIRE(strcmp(g->gr_mem[i], name) == 0);
	}
	REQUIRE(i == n);
	g = getgrgid(BIG_GID);
	REQUIRE(g && strcmp(g->gr_name, "big") == 0);
	return 0;
}

static void *keep_asking(void *ctx)
{
	unsigned seed = (unsigned)(size_t)ctx;

	while (!stop) {
		ask_user((unsigned)rand_r(&seed) % users);
		ask_groups((unsigned)rand_r(&seed) % users);
	}
	return NULL;
}

static void threads_start(pthread_t *threads, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		REQUIRE(pthread_create(&threads[i], NULL, keep_asking, (void *)(size_t)(i + 1)) == 0);
}

static void threads_stop(const pthread_t *threads, unsigned n)
{
	stop = 1;
	for (unsigned i = 0; i < n; i++)
		REQUIRE(pthread_join(threads[i], NULL) == 0);
}

static int mode_threads(const char *argument)
{
	pthread_t threads[64];

	threads_start(threads, 64);
	sleep((unsigned)strtoul(argument, NULL, 10));
	threads_stop(threads, 64);
	return 0;
}

static int mode_forks(const char *argument)
{
	pthread_t threads[8];

	(void)argument;
	alarm(60); /* a child that hangs is a failure */
	ask_user(0); /* loads the module: a fork during glibc's own loading can hang or kill the child, whichever module */
	threads_start(threads, 8);
	for (unsigned i = 0; i < 100; i++) {
		pid_t pid = fork();
		int status = 0;

		if (pid == 0) {
			alarm(20);
			ask_user(i % users);
			_exit(0);
		}
		REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
		REQUIRE(status == 0);
	}
	threads_stop(threads, 8);
	return 0;
}

/* The host's own files at all numbers, while the module's lookups come and go: none is closed, none is taken. */
static int mode_descriptors(const char *argument)
{
	char path[] = "/tmp/nss_probe.XXXXXX";
	struct stat own, st;
	int first;

	(void)argument;
	ask_user(0);
	for (int round = 0; round < 3; round++) {
		report = 1000; /* the last of them all */
		REQUIRE(dup2(STDOUT_FILENO, report) == report);
		for (int fd = 0; fd < 1024; fd++)
			if (fd != report)
				close(fd);
		first = mkostemp(path, O_CLOEXEC);
		REQUIRE(first == 0 && fstat(first, &own) == 0);
		for (int fd = 1; fd < 900; fd++)
			REQUIRE(dup2(first, fd) == fd);
		if (round == 1)
			sleep(2); /* the next lookup looks at the path again */
		for (unsigned i = 0; i < 100; i++)
			ask_user(i % users);
		for (int fd = 0; fd < 900; fd++)
			REQUIRE(fstat(fd, &st) == 0 && st.st_ino == own.st_ino);
		for (int fd = 900; fd < 1024; fd++)
			REQUIRE(fd == report || (fcntl(fd, F_GETFD) < 0 && errno == EBADF));
		unlink(path);
		memcpy(path + sizeof path - 7, "XXXXXX", 6);
		dup2(report, STDOUT_FILENO);
	}
	return 0;
}

static void limit(int what, rlim_t value)
{
	struct rlimit r = {.rlim_cur = value, .rlim_max = value};

	REQUIRE(setrlimit(what, &r) == 0);
}

/* Mapped before: all is well. Not mapped: not available, not "no such user", and well again later. */
/* The first of a process are never mapped. */
static void ask_until_mapped(void)
{
	for (int i = 0; i < 20; i++)
		ask_user(0);
}

static int mode_nofile(const char *argument)
{
	struct passwd pw, *p;
	char b[1024];
	struct rlimit r = {.rlim_cur = 3, .rlim_max = 1024};

	(void)argument;
	REQUIRE(dlopen("libnss_muster.so.2", RTLD_NOW));
	getpwnam("root"); /* nsswitch.conf and libnss_files are read */
	REQUIRE(setrlimit(RLIMIT_NOFILE, &r) == 0);
	errno = 0;
	REQUIRE(getpwuid_r(UID, &pw, b, sizeof b, &p) != 0 && !p);
	r.rlim_cur = 1024;
	REQUIRE(setrlimit(RLIMIT_NOFILE, &r) == 0);
	sleep(2);
	ask_until_mapped();
	r.rlim_cur = 3;
	REQUIRE(setrlimit(RLIMIT_NOFILE, &r) == 0);
	for (unsigned i = 0; i < users; i++) {
		REQUIRE(getpwuid_r(UID + i, &pw, b, sizeof b, &p) == 0);
		check_user(p, i);
	}
	return 0;
}

static int mode_memory(const char *argument)
{
	(void)argument;
	limit(RLIMIT_AS, 16 << 20);
	for (unsigned i = 0; i < users; i++)
		ask_user(i);
	ask_unknown();
	return 0;
}

#ifdef __i386__
#define MMAP SYS_mmap2
#else
#define MMAP SYS_mmap
#endif

static int mode_seccomp(const char *argument)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MMAP, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = code};

	(void)argument;
	REQUIRE(dlopen("libnss_muster.so.2", RTLD_NOW));
	getpwnam("root");
	REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
	REQUIRE(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	for (unsigned i = 0; i < users; i++) {
		ask_user(i);
		ask_groups(i);
	}
	ask_unknown();
	return 0;
}

static int mode_chroot(const char *argument)
{
	struct passwd pw, *p;
	char b[1024];
	int r;

	ask_until_mapped();
	REQUIRE(chroot(argument) == 0 && chdir("/") == 0);
	for (int i = 0; i < 3; i++) {
		/* Right, as long as the mapping counts as fresh; then not available, or what glibc finds in there. */
		r = getpwuid_r(UID, &pw, b, sizeof b, &p);
		if (r == 0 && p)
			check_user(p, 0);
		else
			REQUIRE(r != 0); /* not: no such user */
		sleep(1);
	}
	return 0;
}

static int mode_warm(const char *argument)
{
	unsigned n = (unsigned)strtoul(argument, NULL, 10);

	/* Nobody but us, so that all that strace shows is ours. */
	__nss_configure_lookup("passwd", "muster");
	__nss_configure_lookup("group", "muster");
	__nss_configure_lookup("initgroups", "muster");
	ask_until_mapped();
	ask_groups(0);
	if (write(STDOUT_FILENO, "begin\n", 6) != 6)
		return 1;
	for (unsigned i = 0; i < n; i++) {
		ask_user(i % users);
		ask_groups(i % users);
	}
	return 0;
}

static int mode_watch(const char *argument)
{
	unsigned long long before = 0, now;
	unsigned long n = 0;
	unsigned seed = (unsigned)getpid();

	do {
		now = ask_user((unsigned)rand_r(&seed) % users);
		REQUIRE(now >= before);
		before = now;
		ask_groups((unsigned)rand_r(&seed) % users);
		ask_unknown();
		n++;
	} while (access(argument, F_OK) != 0);
	dprintf(report, "%lu lookups, generation %llu\n", n, before);
	return 0;
}

static int mode_wait(const char *argument)
{
	unsigned long long wanted = strtoull(argument, NULL, 10);

	alarm(30);
	ask_user(0);
	if (write(STDOUT_FILENO, "begin\n", 6) != 6)
		return 1;
	while (ask_user(0) < wanted)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	return 0;
}

int main(int argc, char *argv[])
{
	static const struct {
		const char *name;
		int (*run)(const char *argument);
	} modes[] = {
		{"all", mode_all},	   {"big", mode_big},	    {"threads", mode_threads},
		{"forks", mode_forks},	   {"nofile", mode_nofile}, {"descriptors", mode_descriptors},
		{"memory", mode_memory},   {"seccomp", mode_seccomp}, {"chroot", mode_chroot},
		{"warm", mode_warm},	   {"watch", mode_watch},   {"wait", mode_wait},
	};
	const char *argument = argc > 3 ? argv[3] : "";

	if (argc < 3)
		return 2;
	users = (unsigned)strtoul(argv[2], NULL, 10);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		if (strcmp(modes[i].name, argv[1]) != 0)
			continue;
		if (modes[i].run(argument) != 0)
			return 1;
		dprintf(report, "ok\n");
		return 0;
	}
	return 2;
}
