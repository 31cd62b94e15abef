#include "tests/unit/nss_host.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

int __nss_configure_lookup(const char *database, const char *services);

struct nss_module module;
static char folder[] = "nss_host.XXXXXX";

struct nss_faults faults;

static bool fails(void)
{
	if (++faults.calls != faults.fail_at)
		return false;
	errno = faults.fail_errno;
	return true;
}

/* Defined here, called by the module, declared nowhere else. */
#define WRAP(type, name, ...)                   \
	EXPORT type __wrap_##name(__VA_ARGS__); \
	EXPORT type __wrap_##name(__VA_ARGS__)

WRAP(void *, realloc, void *p, size_t size)
{
	return fails() ? NULL : realloc(p, size);
}

WRAP(void *, mmap64, void *p, size_t len, int prot, int flags, int fd, off_t offset)
{
	if (faults.on_mmap)
		faults.on_mmap();
	return fails() ? MAP_FAILED : mmap(p, len, prot, flags, fd, offset);
}

WRAP(int, open64, const char *path, int flags)
{
	return fails() ? -1 : open(path, flags);
}

WRAP(ssize_t, pread64, int fd, void *p, size_t len, off_t offset)
{
	return fails() ? -1 : pread(fd, p, len, offset);
}

WRAP(int, fstat64, int fd, struct stat *st)
{
	return fails() ? -1 : fstat(fd, st);
}

WRAP(int, stat64, const char *path, struct stat *st)
{
	return fails() ? -1 : stat(path, st);
}

WRAP(int, clock_gettime, clockid_t clock, struct timespec *ret)
{
	if (faults.frozen) {
		*ret = (struct timespec){.tv_sec = 1};
		return 0;
	}
	if (!faults.fast)
		return clock_gettime(clock, ret);
	clock_gettime(CLOCK_MONOTONIC, ret);
	ret->tv_sec = ret->tv_sec * 1000 + ret->tv_nsec / 1000000;
	return 0;
}

static int load(void *lib, const char *name, void *ret)
{
	void *symbol = dlsym(lib, name);

	memcpy(ret, &symbol, sizeof symbol);
	return symbol ? 0 : -1;
}

static int module_load(void)
{
	/* glibc finds it by its soname, since it is loaded already. */
	void *lib = dlopen(NSS_TEST_MODULE, RTLD_NOW);

	if (!lib) {
		fprintf(stderr, "%s\n", dlerror());
		return -1;
	}
	return load(lib, "_nss_muster_getpwnam_r", &module.getpwnam) |
	       load(lib, "_nss_muster_getpwuid_r", &module.getpwuid) |
	       load(lib, "_nss_muster_getpwent_r", &module.getpwent) |
	       load(lib, "_nss_muster_setpwent", &module.setpwent) |
	       load(lib, "_nss_muster_getgrnam_r", &module.getgrnam) |
	       load(lib, "_nss_muster_getgrgid_r", &module.getgrgid) |
	       load(lib, "_nss_muster_getgrent_r", &module.getgrent) |
	       load(lib, "_nss_muster_setgrent", &module.setgrent) |
	       load(lib, "_nss_muster_initgroups_dyn", &module.initgroups) |
	       __nss_configure_lookup("passwd", "muster") |
	       __nss_configure_lookup("group", "muster") |
	       __nss_configure_lookup("initgroups", "muster");
}

/* Past the lookups that never map; nothing is published yet. */
static void ask_until_often(void)
{
	struct passwd pw;
	char b[1024];
	int e;

	for (int i = 0; i < 16; i++)
		(void)module.getpwnam("user000001", &pw, b, sizeof b, &e);
	faults = (struct nss_faults){0};
}

int nss_host_enter(void **state)
{
	(void)state;
	if (!mkdtemp(folder) || module_load() < 0 || chdir(folder) < 0 || mkdir("run", 0755) < 0)
		return -1;
	ask_until_often();
	return mkdir("lib", 0755);
}

int nss_host_leave(void **state)
{
	(void)state;
	unlink(RUN_SNAPSHOT);
	unlink(LIB_SNAPSHOT);
	if (rmdir("run") < 0 || rmdir("lib") < 0 || chdir("..") < 0)
		return -1;
	return rmdir(folder);
}

int in_child(void (*fn)(const void *ctx), const void *ctx)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		fn(ctx);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int snapshot_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	int n = 0;

	while (f && fgets(line, sizeof line, f))
		n += strstr(line, "/nss.snapshot") != NULL;
	if (f)
		fclose(f);
	return n;
}

bool passwd_right(const struct passwd *p, const struct sample *s, uint32_t i)
{
	struct sample_text t;
	struct snapshot_user u = sample_user(s, i, &t);

	return strcmp(p->pw_name, u.name) == 0 && strcmp(p->pw_passwd, "x") == 0 &&
	       p->pw_uid == u.uid && p->pw_gid == u.gid && strcmp(p->pw_gecos, u.gecos) == 0 &&
	       strcmp(p->pw_dir, u.home) == 0 && strcmp(p->pw_shell, u.shell) == 0;
}
