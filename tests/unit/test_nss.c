/* libnss_muster.so.2 under real glibc, with the mapping and with pread: every database, every size of buffer. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "common/names.h"
#include "tests/unit/nss_host.h"

static const struct sample sample = {
	.n_users = 300, .n_shared = 20, .n_big = 300, .n_local = 280, .generation = 1};

/* Run FN with the sample published where it gets mapped, then where it gets read. */
static void with_both(void (*fn)(const void *ctx))
{
	static const char *const paths[] = {RUN_SNAPSHOT, LIB_SNAPSHOT};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_int_equal(sample_publish(&sample, paths[i]), 0);
		assert_int_equal(in_child(fn, paths[i]), 0);
		assert_int_equal(unlink(paths[i]), 0);
	}
}

static void ask_users(const void *path)
{
	char name[32];

	for (uint32_t i = 0; i < sample.n_users; i++) {
		struct passwd *p;

		snprintf(name, sizeof name, "user%06u", i);
		errno = ENOTTY;
		p = getpwnam(name);
		CHECK(p && passwd_right(p, &sample, i));
		CHECK(errno == 0 || errno == ENOTTY);
		p = getpwuid(SAMPLE_UID + i);
		CHECK(p && passwd_right(p, &sample, i));
	}
	CHECK(snapshot_mappings() == (strcmp(path, RUN_SNAPSHOT) == 0));
}

static void test_users(void **state)
{
	(void)state;
	with_both(ask_users);
}

/* Not there is NOTFOUND, proven: for glibc that is a null pointer and errno 0. */
static void ask_misses(const void *path)
{
	static const char *const names[] = {
		"nobody-here", "user000300", "USER000001", "user00000", "", "a:b", "user000001 ",
		"../user000001", "\xff\xfe", "a-name-that-is-longer-than-thirty-two-characters"};
	static const uint32_t ids[] = {0, 1, 27, 998, 5000, 65534, 65535, SAMPLE_UID - 1,
				       SAMPLE_UID + 300, 2147483648u, 4294967294u, 4294967295u};
	struct passwd pw;
	struct group gr;
	char b[1024];
	int e;

	(void)path;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		errno = ENOTTY;
		CHECK(getpwnam(names[i]) == NULL && errno == 0);
		errno = ENOTTY;
		CHECK(getgrnam(names[i]) == NULL && errno == 0);
		CHECK(module.getpwnam(names[i], &pw, b, sizeof b, &e) == NSS_STATUS_NOTFOUND);
		CHECK(e == ENOENT);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		errno = ENOTTY;
		CHECK(getpwuid(ids[i]) == NULL && errno == 0);
		errno = ENOTTY;
		CHECK(getgrgid(ids[i]) == NULL && errno == 0);
		CHECK(module.getgrgid(ids[i], &gr, b, sizeof b, &e) == NSS_STATUS_NOTFOUND);
	}
}

static void test_misses(void **state)
{
	(void)state;
	with_both(ask_misses);
}

static void ask_groups(const void *path)
{
	struct group *g = getgrgid(SAMPLE_UID + 7);
	char name[32];
	uint32_t n = 0;

	(void)path;
	CHECK(g && strcmp(g->gr_name, "user000007") == 0 && g->gr_mem[0] == NULL);
	CHECK(strcmp(g->gr_passwd, "x") == 0);
	g = getgrnam("team003");
	CHECK(g && g->gr_gid == SAMPLE_GID + 3);
	while (g->gr_mem[n])
		n++;
	CHECK(n == sample.n_users * SAMPLE_GROUPS_OF / sample.n_shared);
	g = getgrnam(SAMPLE_BIG);
	CHECK(g && g->gr_gid == SAMPLE_BIG_GID);
	for (n = 0; g->gr_mem[n]; n++) {
		snprintf(name, sizeof name, "user%06u", n);
		CHECK(strcmp(g->gr_mem[n], name) == 0);
	}
	CHECK(n == sample.n_big);
}

static void test_groups(void **state)
{
	(void)state;
	with_both(ask_groups);
}

/* Local groups that are granted: by name and gid as any other, with those members that are the directory's. */
static void ask_local_groups(const void *path)
{
	struct group *g = getgrgid(SAMPLE_PLUGDEV);
	char name[32];
	uint32_t n;

	(void)path;
	CHECK(g && strcmp(g->gr_name, "plugdev") == 0 && g->gr_gid == SAMPLE_PLUGDEV);
	for (n = 0; g->gr_mem[n]; n++) {
		snprintf(name, sizeof name, "user%06u", n);
		CHECK(strcmp(g->gr_mem[n], name) == 0);
	}
	CHECK(n == sample.n_local);
	g = getgrnam("docker");
	CHECK(g && g->gr_gid == SAMPLE_DOCKER && strcmp(g->gr_mem[1], "user000002") == 0);
	CHECK(getgrnam("audio") == NULL && getgrgid(29) == NULL);
	setgrent(); /* they are in /etc/group, whose walk has them */
	while ((g = getgrent()))
		CHECK(id_floor_ok(g->gr_gid));
	endgrent();
}

static void test_local_groups(void **state)
{
	(void)state;
	with_both(ask_local_groups);
}

static bool has(const gid_t *list, int n, gid_t gid)
{
	for (int i = 0; i < n; i++)
		if (list[i] == gid)
			return true;
	return false;
}

static void ask_initgroups(const void *path)
{
	uint32_t want[SAMPLE_GROUPS_OF + 4];
	gid_t list[32];
	char name[32];

	(void)path;
	for (uint32_t i = 0; i < sample.n_users; i++) {
		uint32_t n_want = sample_gids(&sample, i, want);
		int n = ARRAY_SIZE(list);

		n_want += sample_local_gids(&sample, i, want + n_want);
		snprintf(name, sizeof name, "user%06u", i);
		CHECK(getgrouplist(name, SAMPLE_UID + i, list, &n) == (int)n_want);
		for (uint32_t j = 0; j < n_want; j++)
			CHECK(has(list, n, want[j]));
		n = 2;
		CHECK(getgrouplist(name, SAMPLE_UID + i, list, &n) == -1 && n == (int)n_want);
	}
}

static void test_initgroups(void **state)
{
	(void)state;
	with_both(ask_initgroups);
}

/* The array as glibc hands it over: grown when it is full, never beyond the limit, the primary group left out. */
static void ask_initgroups_dyn(const void *path)
{
	static const long int limits[] = {-1, 0, 1, 3, 4, 5, 6, 7, 8, 100};
	uint32_t want[SAMPLE_GROUPS_OF + 4], n_want = sample_gids(&sample, 3, want);
	int e = 0;

	(void)path;
	n_want += sample_local_gids(&sample, 3, want + n_want);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		for (long int size0 = 0; size0 < 10; size0++) {
			long int size = size0, start = size > 0 ? 1 : 0, first = start, room;
			gid_t *list = malloc((size_t)(size + 1) * sizeof *list);

			if (limits[i] > 0 && size > limits[i]) {
				free(list);
				continue;
			}
			list[0] = 42;
			CHECK(module.initgroups("user000003", SAMPLE_UID + 3, &start, &size, &list,
						limits[i], &e) == NSS_STATUS_SUCCESS);
			room = limits[i] > 0 ? limits[i] - first : 1000;
			CHECK(start - first == (room < n_want - 1 ? room : n_want - 1));
			CHECK(size >= start && (limits[i] <= 0 || size <= limits[i] || size == size0));
			CHECK(first == 0 || list[0] == 42);
			for (long int j = first; j < start; j++)
				CHECK(list[j] == want[1 + j - first]);
			free(list);
		}
	}
}

static void test_initgroups_dyn(void **state)
{
	(void)state;
	with_both(ask_initgroups_dyn);
}

static void ask_enumeration(const void *path)
{
	struct passwd pw, *p;
	struct group *g;
	uint32_t n = 0;
	char b[64];
	int e = 0;

	(void)path;
	for (int round = 0; round < 2; round++) {
		setpwent();
		for (n = 0; (p = getpwent()); n++)
			CHECK(passwd_right(p, &sample, n));
		CHECK(n == sample.n_users);
		setgrent();
		for (n = 0; (g = getgrent()); n++)
			;
		CHECK(n == sample.n_users + sample.n_shared + 1);
	}
	endpwent();
	endgrent();
	/* A buffer that is too small does not lose the user. */
	CHECK(module.setpwent(0) == NSS_STATUS_SUCCESS);
	CHECK(module.getpwent(&pw, b, 3, &e) == NSS_STATUS_TRYAGAIN && e == ERANGE);
	CHECK(module.getpwent(&pw, b, 3, &e) == NSS_STATUS_TRYAGAIN && e == ERANGE);
	CHECK((p = getpwent()) && passwd_right(p, &sample, 0));
	CHECK((p = getpwent()) && passwd_right(p, &sample, 1));
	/* Questions in between do not move the place. */
	CHECK(getpwnam("user000200") != NULL);
	CHECK((p = getpwent()) && passwd_right(p, &sample, 2));
}

static void test_enumeration(void **state)
{
	(void)state;
	with_both(ask_enumeration);
}

#define CANARY 0xa5

/* Is the string at P, with its NUL, inside the SIZE bytes at B? */
static bool inside(const char *p, const char *b, size_t size)
{
	return p >= b && p < b + size && memchr(p, '\0', (size_t)(b + size - p));
}

static bool canaries_stand(const uint8_t *area, size_t area_size, size_t from, size_t size)
{
	for (size_t i = 0; i < area_size; i++)
		if ((i < from || i >= from + size) && area[i] != CANARY)
			return false;
	return true;
}

/* Every size up to what is needed and a little more, at nine alignments; returns what was needed at the last. */
static size_t sweep_passwd(const char *name, uint32_t i)
{
	uint8_t area[600];
	size_t need = 0;

	for (size_t shift = 0; shift < 9; shift++) {
		need = 0;
		for (size_t size = 0; need == 0 || size <= need + 16; size++) {
			char *b = (char *)area + 64 + shift;
			struct passwd pw = {.pw_uid = 77}, untouched = pw;
			enum nss_status st;
			int e = 0;

			memset(area, CANARY, sizeof area);
			st = module.getpwnam(name, &pw, b, size, &e);
			CHECK(canaries_stand(area, sizeof area, 64 + shift, size));
			if (st == NSS_STATUS_TRYAGAIN) {
				CHECK(need == 0 && e == ERANGE);
				CHECK(memcmp(&pw, &untouched, sizeof pw) == 0);
				continue;
			}
			CHECK(st == NSS_STATUS_SUCCESS && passwd_right(&pw, &sample, i));
			CHECK(inside(pw.pw_name, b, size) && inside(pw.pw_passwd, b, size) &&
			      inside(pw.pw_gecos, b, size) && inside(pw.pw_dir, b, size) &&
			      inside(pw.pw_shell, b, size));
			need = need == 0 ? size : need;
		}
	}
	return need;
}

static void ask_passwd_sizes(const void *path)
{
	struct sample_text t;
	struct snapshot_user u = sample_user(&sample, 17, &t);
	size_t text = strlen(u.name) + strlen(u.gecos) + strlen(u.home) + strlen(u.shell) + 4;

	(void)path;
	CHECK(sweep_passwd(u.name, 17) == text + sizeof "x");
}

static void test_passwd_sizes(void **state)
{
	(void)state;
	with_both(ask_passwd_sizes);
}

static bool group_right(const struct group *g, const char *name, uint32_t n_members, const char *b,
			size_t size)
{
	uint32_t n = 0;

	if (strcmp(g->gr_name, name) != 0 || !inside(g->gr_name, b, size) ||
	    !inside(g->gr_passwd, b, size) || strcmp(g->gr_passwd, "x") != 0 ||
	    (uintptr_t)g->gr_mem % _Alignof(char *) != 0 ||
	    (const char *)g->gr_mem < b ||
	    (const char *)(g->gr_mem + n_members + 1) > b + size)
		return false;
	for (; g->gr_mem[n]; n++)
		if (!inside(g->gr_mem[n], b, size) || strncmp(g->gr_mem[n], "user", 4) != 0)
			return false;
	return n == n_members;
}

/* As sweep_passwd(); STEP sizes apart until something fits. */
static void sweep_group(const char *name, uint32_t n_members, size_t strings, size_t step)
{
	const size_t least = strings + sizeof "x" + (n_members + 1) * sizeof(char *);
	static uint8_t area[16384];

	for (size_t shift = 0; shift < 9; shift++) {
		char *b = (char *)area + 64 + shift;
		size_t pad = -(uintptr_t)b % _Alignof(char *), need = least + pad;

		for (size_t size = 0; size <= need + 16; size += size + step < need ? step : 1) {
			struct group gr = {.gr_gid = 77}, untouched = gr;
			enum nss_status st;
			int e = 0;

			memset(area, CANARY, sizeof area);
			st = module.getgrnam(name, &gr, b, size, &e);
			CHECK(canaries_stand(area, sizeof area, 64 + shift, size));
			CHECK(st == (size < need ? NSS_STATUS_TRYAGAIN : NSS_STATUS_SUCCESS));
			if (size < need) {
				CHECK(e == ERANGE);
				CHECK(memcmp(&gr, &untouched, sizeof gr) == 0);
			} else {
				CHECK(group_right(&gr, name, n_members, b, size));
			}
		}
	}
}

static void ask_group_sizes(const void *path)
{
	const uint32_t team = sample.n_users * SAMPLE_GROUPS_OF / sample.n_shared;

	(void)path;
	sweep_group("user000017", 0, 11, 1);
	sweep_group("team003", team, 8 + team * 11, 1);
	sweep_group(SAMPLE_BIG, sample.n_big, 4 + sample.n_big * 11, 61);
	sweep_group("plugdev", sample.n_local, 8 + sample.n_local * 11, 61);
}

static void test_group_sizes(void **state)
{
	(void)state;
	with_both(ask_group_sizes);
}

static double seconds_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - t->tv_sec) + (double)(now.tv_nsec - t->tv_nsec) / 1e9;
}

/* A running process sees what was published, soon (how soon: test_nss_publish.py); with pread at once. */
static void ask_new_generation(const void *path)
{
	struct sample next = sample;
	struct timespec start;
	struct passwd *p = getpwuid(SAMPLE_UID);
	unsigned int rounds;

	CHECK(p && passwd_right(p, &sample, 0));
	next.generation++;
	CHECK(sample_publish(&next, path) == 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (rounds = 0; (p = getpwuid(SAMPLE_UID)) && passwd_right(p, &sample, 0); rounds++) {
		CHECK(seconds_since(&start) < 30);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	CHECK(p && passwd_right(p, &next, 0));
	CHECK(strcmp(path, RUN_SNAPSHOT) == 0 || rounds == 0);
}

static void test_new_generation(void **state)
{
	(void)state;
	with_both(ask_new_generation);
}

/* The file goes from /run: what /var/lib has is used; it comes back: it is mapped again. No file: not available. */
static void ask_where(const void *path)
{
	struct sample lib = sample, run = sample;
	struct passwd pw, *p;
	struct timespec tick = {.tv_sec = 1, .tv_nsec = 50000000};
	char b[1024];
	int e = 0;

	(void)path;
	lib.generation = 2;
	run.generation = 1;
	CHECK(sample_publish(&lib, LIB_SNAPSHOT) == 0);
	CHECK((p = getpwuid(SAMPLE_UID)) && passwd_right(p, &run, 0) && snapshot_mappings() == 1);
	CHECK(unlink(RUN_SNAPSHOT) == 0);
	nanosleep(&tick, NULL);
	CHECK((p = getpwuid(SAMPLE_UID)) && passwd_right(p, &lib, 0) && snapshot_mappings() == 0);
	CHECK(sample_publish(&run, RUN_SNAPSHOT) == 0);
	CHECK((p = getpwuid(SAMPLE_UID)) && passwd_right(p, &run, 0));
	nanosleep(&tick, NULL);
	CHECK((p = getpwuid(SAMPLE_UID)) && passwd_right(p, &run, 0) && snapshot_mappings() == 1);
	CHECK(unlink(RUN_SNAPSHOT) == 0 && unlink(LIB_SNAPSHOT) == 0);
	nanosleep(&tick, NULL);
	CHECK(module.getpwuid(SAMPLE_UID, &pw, b, sizeof b, &e) == NSS_STATUS_UNAVAIL);
	CHECK(e == ENOENT && snapshot_mappings() == 0);
	CHECK(module.getpwuid(0, &pw, b, sizeof b, &e) == NSS_STATUS_NOTFOUND);
}

static void test_where(void **state)
{
	(void)state;
	assert_int_equal(sample_publish(&sample, RUN_SNAPSHOT), 0);
	assert_int_equal(in_child(ask_where, NULL), 0);
}

/* A warm lookup calls nothing but the clock, and that is no system call. */
static void ask_warm(const void *path)
{
	struct passwd pw;
	struct group gr;
	char b[8192];
	int e = 0;

	faults.frozen = true;
	CHECK(module.getpwuid(SAMPLE_UID, &pw, b, sizeof b, &e) == NSS_STATUS_SUCCESS);
	faults.calls = 0;
	CHECK(module.getpwuid(SAMPLE_UID + 1, &pw, b, sizeof b, &e) == NSS_STATUS_SUCCESS);
	CHECK(module.getpwnam("user000002", &pw, b, sizeof b, &e) == NSS_STATUS_SUCCESS);
	CHECK(module.getpwnam("nobody-here", &pw, b, sizeof b, &e) == NSS_STATUS_NOTFOUND);
	CHECK(module.getgrnam("team003", &gr, b, sizeof b, &e) == NSS_STATUS_SUCCESS);
	CHECK(module.getpwent(&pw, b, sizeof b, &e) == NSS_STATUS_SUCCESS);
	if (strcmp(path, RUN_SNAPSHOT) == 0)
		CHECK(faults.calls == 0);
	faults.calls = 0;
	CHECK(module.getpwnam("a:b", &pw, b, sizeof b, &e) == NSS_STATUS_NOTFOUND);
	CHECK(module.getpwuid(0, &pw, b, sizeof b, &e) == NSS_STATUS_NOTFOUND);
	CHECK(faults.calls == 0);
}

static void test_warm(void **state)
{
	(void)state;
	with_both(ask_warm);
}

static int open_files(void)
{
	int n = 0;

	for (int fd = 0; fd < 100; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static bool right_or_unavailable(enum nss_status st, int e, bool right)
{
	if (st == NSS_STATUS_SUCCESS)
		return right && errno == ENOTTY;
	return st == NSS_STATUS_UNAVAIL && e != ERANGE && e != ENOTTY;
}

/* The N-th call fails: all is right, or not available for this time; nothing is lost, and the next time it is right. */
static void ask_with_faults(const void *path)
{
	uint32_t want[SAMPLE_GROUPS_OF + 4], n_want = sample_gids(&sample, 3, want);
	static char b[16384];
	int files = open_files(), e = 0;
	enum nss_status st;
	struct passwd pw;
	struct group gr;
	bool failed;

	(void)path;
	n_want += sample_local_gids(&sample, 3, want + n_want);
	do {
		long int start = 0, size = 1;
		gid_t *list = malloc(sizeof *list);

		faults.calls = 0;
		faults.fail_at++;
		errno = ENOTTY;
		st = module.getpwuid(SAMPLE_UID + 1, &pw, b, sizeof b, &e);
		CHECK(right_or_unavailable(st, e, passwd_right(&pw, &sample, 1)));
		errno = ENOTTY;
		st = module.getgrnam(SAMPLE_BIG, &gr, b, sizeof b, &e);
		CHECK(right_or_unavailable(st, e, gr.gr_gid == SAMPLE_BIG_GID));
		errno = ENOTTY;
		st = module.initgroups("user000003", SAMPLE_UID + 3, &start, &size, &list, -1, &e);
		CHECK(right_or_unavailable(st, e, start == n_want - 1));
		CHECK(st == NSS_STATUS_SUCCESS || start == 0);
		failed = faults.calls >= faults.fail_at;
		faults.calls = faults.fail_at; /* no more of them */
		CHECK(open_files() == files);
		CHECK(module.getpwuid(SAMPLE_UID + 1, &pw, b, sizeof b, &e) == NSS_STATUS_SUCCESS);
		free(list);
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	} while (failed);
	CHECK(faults.fail_at > 3);
}

static void test_faults(void **state)
{
	(void)state;
	faults.fast = true;
	for (int i = 0; i < 3; i++) {
		faults.fail_errno = (int[]){ENOMEM, EIO, ERANGE}[i];
		with_both(ask_with_faults);
	}
	faults.fast = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_misses),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_local_groups),
		cmocka_unit_test(test_initgroups),
		cmocka_unit_test(test_initgroups_dyn),
		cmocka_unit_test(test_enumeration),
		cmocka_unit_test(test_passwd_sizes),
		cmocka_unit_test(test_group_sizes),
		cmocka_unit_test(test_new_generation),
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_warm),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, nss_host_enter, nss_host_leave);
}
