/* Whose a process is, from a /proc made up for it; and what of an account ends sessions. */
#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agentd/conf.h"
#include "agentd/file.h"
#include "agentd/log.h"
#include "agentd/session_end.h"
#include "agentd/session_pick.h"
#include "agentd/sessions_private.h"
#include "common/clock.h"

#define DORA   5001
#define ERIK   5002
#define KTHREAD 0x00200000
#define PASSED_THROUGH "  0  100000  5001\n  5001  5001  1\n  5002  105002  60000\n" /* of a container: lxc.idmap, keep-id */

struct fake {
	pid_t pid, parent;
	const char *comm;    /* NULL: "sleep" */
	char state;	     /* 0: S */
	unsigned int flags, threads, tty;
	int64_t began_ms;    /* since the boot */
	uint32_t uid, effective, saved;
	uint32_t login, session; /* 0: never logged in */
	bool no_audit;
	const char *cgroup;  /* NULL: "0::/" */
	const char *pids;    /* NULL: in our namespace alone */
	const char *uid_map; /* NULL: of no namespace of its own */
};

static char dir[] = "/tmp/test_sessions.XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	return f->level ? remove(path) : 0;
}

static char *at(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void put_number(pid_t pid, const char *what, uint32_t value)
{
	char name[64], text[16];

	snprintf(name, sizeof(name), "%d/%s", (int)pid, what);
	snprintf(text, sizeof(text), "%u", value ? value : PROC_UNSET);
	put(name, text);
}

static void add(const struct fake *f)
{
	char name[64], text[512];

	snprintf(name, sizeof(name), "%d", (int)f->pid);
	assert_int_equal(mkdir(at(name), 0755), 0);
	snprintf(name, sizeof(name), "%d/stat", (int)f->pid);
	snprintf(text, sizeof(text), "%d (%s) %c %d 7 %d %u -1 %u 0 0 0 0 0 0 0 0 20 0 %u 0 %ld 9 9\n", (int)f->pid,
		 f->comm ? f->comm : "sleep", f->state ? f->state : 'S', (int)f->parent, (int)f->pid, f->tty, f->flags,
		 f->threads ? f->threads : 1, (long)(f->began_ms * sysconf(_SC_CLK_TCK) / 1000));
	put(name, text);
	snprintf(name, sizeof(name), "%d/status", (int)f->pid);
	snprintf(text, sizeof(text), "Name:\tUid:\t5001\nUid:\t%u\t%u\t%u\t%u\nGid:\t0\t0\t0\t0\nNSpid:\t%s\nNSsid:\t1\t1\n",
		 f->uid, f->effective, f->saved, f->effective, f->pids ? f->pids : "20");
	put(name, text);
	if (!f->no_audit) {
		put_number(f->pid, "loginuid", f->login);
		put_number(f->pid, "sessionid", f->session);
	}
	snprintf(name, sizeof(name), "%d/cgroup", (int)f->pid);
	put(name, f->cgroup ? f->cgroup : "0::/\n");
	snprintf(name, sizeof(name), "%d/uid_map", (int)f->pid);
	put(name, f->uid_map ? f->uid_map : "         0          0 4294967295\n");
}

static int start(void **state)
{
	(void)state;
	put("uptime", "1 2\n");
	return 0;
}

static int end(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* All that there is, with SERVICES (ended by a 0) named in pid files. */
static void scan(struct proc_dir *d, struct buf *procs, const pid_t *services, struct session_processes *ret)
{
	size_t n = 0;
	CLEANUP(buf_done) struct buf gone = {0};
	bool hidden;

	while (services && services[n])
		n++;
	assert_int_equal(proc_open(dir, d), 0);
	assert_int_equal(proc_scan(d, procs, &gone, &hidden), 0);
	*ret = (struct session_processes){
		.procs = (const struct proc *)(const void *)procs->data,
		.n_procs = procs->len / sizeof(struct proc),
		.services = services,
		.n_services = n,
		.self = 99,
	};
}

/* Is PID one of UID's, among all that there are? */
static bool has(pid_t pid, uint32_t uid, const pid_t *services)
{
	CLEANUP(buf_done) struct buf procs = {0};
	CLEANUP(proc_close) struct proc_dir d;
	struct session_processes s;

	scan(&d, &procs, services, &s);
	for (size_t i = 0; i < s.n_procs; i++)
		if (s.procs[i].pid == pid)
			return session_has(&s, &s.procs[i], uid);
	fail_msg("no process %d", (int)pid);
	return false;
}

static struct proc read_one(const struct fake *f)
{
	CLEANUP(proc_close) struct proc_dir d;
	struct proc p;

	add(f);
	assert_int_equal(proc_open(dir, &d), 0);
	assert_int_equal(proc_read(&d, f->pid, &p), 0);
	return p;
}

static void test_read(void **state)
{
	struct proc p = read_one(&(struct fake){
		.pid = 300, .parent = 20, .comm = "a) R 1 (b", .uid = 5, .effective = 6, .saved = 7, .login = DORA,
		.session = 9, .tty = 34817});

	(void)state;
	assert_true(p.pid == 300 && p.parent == 20 && p.session == 300 && p.tty == 34817);
	assert_true(p.uid == 5 && p.saved_uid == 7 && p.login_uid == DORA && p.login_session == 9);
	assert_true(p.slice_uid == PROC_UNSET && p.owner_uid == PROC_UNSET && !p.kernel && !p.contained && !p.in_machine);
	p = read_one(&(struct fake){.pid = 301, .no_audit = true, .flags = KTHREAD | 0x40});
	assert_true(p.login_uid == PROC_UNSET && p.login_session == PROC_UNSET && p.kernel);
}

static void test_cgroups(void **state)
{
	static const struct {
		const char *text;
		uint32_t uid;
		bool in_machine;
	} cases[] = {
		{"0::/user.slice/user-5001.slice/session-3.scope\n", DORA, false},
		{"0::/user.slice/user-5001.slice\n", DORA, false},
		{"12:pids:/x\n1:name=systemd:/user.slice/user-5001.slice/user@5001.service/app.slice\n0::/\n", DORA, false},
		{"0::/user.slice/user-5001.slicer/session-3.scope\n", PROC_UNSET, false},
		{"0::/user.slice/user-.slice\n", PROC_UNSET, false},
		{"0::/user.slice/user-5001.slice/user-runtime-dir@5001.service\n", PROC_UNSET, false},
		{"0::/user.slice/user-5001.slice/user@5001.service/user-runtime-dir@5001.service\n", DORA, false},
		/* users name what is below their own */
		{"0::/user.slice/user-5002.slice/user@5002.service/user.slice/user-5001.slice/x\n", ERIK, false},
		{"0::/x/user.slice/user-5001.slice\n", PROC_UNSET, false},
		{"0::/machine.slice/libpod-1.scope\n", PROC_UNSET, true},
		{"0::/machine.slices/x\n", PROC_UNSET, false},
		{"no colon\n1:one\n", PROC_UNSET, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct proc p = read_one(&(struct fake){.pid = (pid_t)(400 + i), .cgroup = cases[i].text});

		assert_int_equal(p.slice_uid, cases[i].uid);
		assert_int_equal(p.in_machine, cases[i].in_machine);
		assert_false(p.contained);
	}
}

static void test_dead(void **state)
{
	CLEANUP(buf_done) struct buf procs = {0};
	CLEANUP(proc_close) struct proc_dir d;
	struct session_processes s;
	struct proc p;
	CLEANUP(buf_done) struct buf gone = {0};
	bool hidden;

	(void)state;
	add(&(struct fake){.pid = 11, .state = 'Z', .uid = DORA});
	add(&(struct fake){.pid = 12, .state = 'X', .uid = DORA, .threads = 3});
	add(&(struct fake){.pid = 13, .state = 'Z', .uid = DORA, .threads = 2}); /* its first thread has ended */
	put("14", "no directory");
	scan(&d, &procs, NULL, &s);
	assert_true(s.n_procs == 1 && s.procs[0].pid == 13);
	/* nobody reaps 11, and whoever was 12 is gone; so is 15, which may be the last one of a chain that goes on */
	assert_int_equal(proc_scan(&d, &procs, &gone, &hidden), 0);
	assert_int_equal(gone.len, sizeof(uint32_t));
	add(&(struct fake){.pid = 15, .state = 'Z', .uid = DORA, .began_ms = clock_boottime_ms() - 1000});
	assert_int_equal(proc_scan(&d, &procs, &gone, &hidden), 0);
	assert_int_equal(gone.len, 2 * sizeof(uint32_t));
	assert_int_equal(proc_read(&d, 15, &p), -ESRCH);
	assert_int_equal(proc_read(&d, 11, &p), -ESRCH);
	assert_int_equal(proc_read(&d, 77, &p), -ESRCH);
	put("13/status", "Name:\tx\nUid:\t1\t1\t1\t1\n");
	assert_int_equal(proc_read(&d, 13, &p), -EBADMSG);
	put("13/stat", "13 (x) S");
	assert_int_equal(proc_read(&d, 13, &p), -EBADMSG);
	assert_int_equal(proc_scan(&d, &procs, &gone, &hidden), 0);
	assert_int_equal(procs.len, 0);
	assert_int_equal(proc_open("/nonexistent", &d), -ENOENT);
}

/* A /proc that does not show all is said to, and what it shows is there. */
static void test_hidden(void **state)
{
	CLEANUP(buf_done) struct buf procs = {0};
	CLEANUP(proc_close) struct proc_dir d;
	CLEANUP(buf_done) struct buf gone = {0};
	bool hidden;

	(void)state;
	assert_int_equal(proc_open(dir, &d), 0);
	add(&(struct fake){.pid = 20});
	assert_int_equal(proc_scan(&d, &procs, &gone, &hidden), 0);
	assert_true(hidden && procs.len == sizeof(struct proc));
	add(&(struct fake){.pid = 1});
	assert_int_equal(proc_scan(&d, &procs, &gone, &hidden), 0);
	assert_true(!hidden && procs.len == 2 * sizeof(struct proc));
	add(&(struct fake){.pid = 21});
	put("21/status", "not for you\n");
	assert_int_equal(proc_scan(&d, &procs, &gone, &hidden), 0);
	assert_true(hidden && procs.len == 2 * sizeof(struct proc));
}

static bool too_deep; /* what the kernel says of a cgroup whose path is longer than a page */

int __real_file_read_fd(int fd, size_t max, struct buf *out);
int __wrap_file_read_fd(int fd, size_t max, struct buf *out);
int __wrap_file_read_fd(int fd, size_t max, struct buf *out)
{
	char link[64], path[300];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (too_deep && n > 7 && !memcmp(path + n - 7, "/cgroup", 7))
		return -ENAMETOOLONG;
	return __real_file_read_fd(fd, max, out);
}

/* What a user can do to her own processes hides none of them: cgroups below each other, and all groups of a container of hers. */
static void test_hiding(void **state)
{
	CLEANUP(buf_done) struct buf procs = {0};
	CLEANUP(proc_close) struct proc_dir d;
	CLEANUP(buf_done) struct buf gone = {0};
	bool hidden;
	FILE *f;

	(void)state;
	add(&(struct fake){.pid = 1});
	add(&(struct fake){.pid = 20, .uid = DORA});
	add(&(struct fake){.pid = 21, .login = DORA, .session = 3});
	f = fopen(at("20/status"), "w");
	assert_non_null(f);
	fprintf(f, "Name:\tx\nUid:\t%d\t%d\t%d\t%d\nGroups:\t", DORA, DORA, DORA, DORA);
	for (int i = 0; i < 65536; i++)
		fprintf(f, "%d ", 1879048192 + i);
	fprintf(f, "\nNSpid:\t20\n");
	assert_int_equal(fclose(f), 0);
	too_deep = true;
	assert_int_equal(proc_open(dir, &d), 0);
	assert_int_equal(proc_scan(&d, &procs, &gone, &hidden), 0);
	assert_true(!hidden && procs.len == 3 * sizeof(struct proc));
	assert_true(has(20, DORA, NULL) && has(21, DORA, NULL));
	too_deep = false;
}

static void test_hers(void **state)
{
	static const struct fake cases[] = {
		{.pid = 20, .uid = DORA, .effective = DORA, .saved = DORA},
		{.pid = 21, .uid = DORA}, /* a set-user-id program, as sudo is at first */
		{.pid = 22, .login = DORA, .session = 3},
		{.pid = 23, .uid = 33, .effective = 33, .saved = 33, .login = DORA, .session = 3}, /* sudo -u www-data */
		{.pid = 24, .cgroup = "0::/user.slice/user-5001.slice/session-3.scope\n", .no_audit = true},
		/* what a set-user-id program of hers has put into a namespace of its own, by login and by slice */
		{.pid = 25, .uid = DORA, .login = DORA, .pids = "20\t1"},
		{.pid = 26, .uid = DORA, .cgroup = "0::/user.slice/user-5001.slice/x\n", .pids = "20\t1"},
		/* a container of her own */
		{.pid = 27, .uid = 100033, .pids = "20\t2", .uid_map = "  0  5001  1\n  1  100000  65536\n"},
		/* in which she has her own number, by login and by slice */
		{.pid = 28, .uid = 100033, .login = DORA, .session = 3, .pids = "20\t2", .uid_map = PASSED_THROUGH},
		{.pid = 29, .uid = 100033, .cgroup = "0::/user.slice/user-5001.slice/x\n", .pids = "20\t2",
		 .uid_map = PASSED_THROUGH},
		{.pid = 43, .uid = DORA, .pids = "20\t1", .uid_map = ""}, /* unshare -U --pid */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		add(&cases[i]);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(has(cases[i].pid, DORA, NULL));
		assert_false(has(cases[i].pid, ERIK, NULL));
	}
}

static void test_nevers(void **state)
{
	static const struct fake cases[] = {
		{.pid = 1, .uid = DORA, .login = DORA},
		{.pid = 2, .flags = KTHREAD, .uid = DORA, .login = DORA},
		{.pid = 99, .login = DORA}, /* self */
		{.pid = 30},
		{.pid = 31, .uid = ERIK, .effective = ERIK, .saved = ERIK, .login = ERIK},
		{.pid = 32, .uid = ERIK, .effective = DORA, .saved = DORA, .login = ERIK}, /* runs what is set-user-id dora */
		{.pid = 33, .effective = DORA}, /* a file server, in her name for a moment */
		{.pid = 34, .uid = DORA, .pids = "20\t1"}, /* a container's user of the same number */
		{.pid = 35, .uid = DORA, .cgroup = "0::/machine.slice/libpod-1.scope\n"},
		{.pid = 36, .login = DORA, .cgroup = "0::/machine.slice/libpod-conmon-1.scope\n"}, /* sudo podman run */
		{.pid = 37, .login = DORA, .pids = "20\t1"},
		/* one of root's, to which many uids were given */
		{.pid = 39, .uid = DORA, .pids = "20\t1", .uid_map = "  0  1000  65536\n"},
		/* and to which her uid was passed through */
		{.pid = 41, .uid = 100000, .pids = "20\t1", .uid_map = PASSED_THROUGH},
		{.pid = 42, .uid = DORA, .pids = "20\t1", .uid_map = PASSED_THROUGH},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		add(&cases[i]);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_false(has(cases[i].pid, DORA, NULL));
	/* whatever went wrong before */
	add(&(struct fake){.pid = 38});
	assert_false(has(38, 0, NULL));
	assert_false(has(38, PROC_UNSET, NULL));
}

/* Musterd in a container that was started from her login on the host: what is in it carries that, and is not her for that. */
static void test_started_from_her_login(void **state)
{
	const char *slice = "0::/user.slice/user-5001.slice/session-3.scope\n", *other = "0::/user.slice/user-5002.slice/x\n";

	(void)state;
	add(&(struct fake){.pid = 1, .login = DORA, .session = 3, .cgroup = slice});
	add(&(struct fake){.pid = 20, .login = DORA, .session = 3, .cgroup = slice});
	add(&(struct fake){.pid = 21, .uid = ERIK, .login = DORA, .session = 3, .cgroup = slice});
	add(&(struct fake){.pid = 22, .uid = DORA, .login = DORA, .session = 3, .cgroup = slice});
	add(&(struct fake){.pid = 23, .login = DORA, .session = 4, .cgroup = slice}); /* a login of hers in there */
	add(&(struct fake){.pid = 24, .login = ERIK, .session = 5, .cgroup = slice});
	add(&(struct fake){.pid = 25, .login = DORA, .session = 3, .cgroup = other});
	assert_false(has(20, DORA, NULL) || has(21, DORA, NULL) || has(25, DORA, NULL));
	assert_true(has(22, DORA, NULL) && has(23, DORA, NULL));
	assert_true(has(21, ERIK, NULL) && has(24, ERIK, NULL) && has(25, ERIK, NULL));
}

/* Musterd in a podman container that has the host's cgroups: all that it sees is in machine.slice. */
static void test_within_a_machine(void **state)
{
	const char *machine = "0::/machine.slice/libpod-1.scope/container\n";

	(void)state;
	add(&(struct fake){.pid = 1, .cgroup = machine});
	add(&(struct fake){.pid = 20, .uid = DORA, .cgroup = machine});
	add(&(struct fake){.pid = 21, .login = DORA, .session = 3, .cgroup = machine});
	add(&(struct fake){.pid = 22, .uid = DORA, .pids = "20\t1", .cgroup = machine});
	assert_true(has(20, DORA, NULL) && has(21, DORA, NULL));
	assert_false(has(22, DORA, NULL));
}

static void test_services(void **state)
{
	static const pid_t services[] = {50, 60, 0};

	(void)state;
	add(&(struct fake){.pid = 40, .parent = 1, .login = DORA, .session = 3});
	add(&(struct fake){.pid = 50, .parent = 40, .login = DORA, .session = 3});
	add(&(struct fake){.pid = 51, .parent = 50, .uid = 33, .login = DORA, .session = 3});
	add(&(struct fake){.pid = 52, .parent = 51, .login = DORA, .session = 3});
	add(&(struct fake){.pid = 53, .parent = 50, .login = DORA, .session = 4}); /* sshd, restarted by her: her next login */
	add(&(struct fake){.pid = 54, .parent = 53, .login = DORA, .session = 4});
	add(&(struct fake){.pid = 55, .parent = 50, .uid = DORA, .login = DORA, .session = 3});
	add(&(struct fake){.pid = 60, .parent = 1, .uid = DORA});
	add(&(struct fake){.pid = 70, .parent = 71, .login = DORA, .session = 3}); /* a tree that changed meanwhile */
	add(&(struct fake){.pid = 71, .parent = 70, .login = DORA, .session = 3});
	for (pid_t pid = 50; pid <= 52; pid++)
		assert_false(has(pid, DORA, services));
	assert_true(has(40, DORA, services) && has(50, DORA, NULL) && has(52, DORA, NULL));
	assert_true(has(53, DORA, services) && has(54, DORA, services));
	/* what runs as herself is hers, whatever a file says */
	assert_true(has(55, DORA, services) && has(60, DORA, services));
	assert_true(has(70, DORA, services));
}

/* Where there is no audit all sessions look alike: whom a service let in is no service for that. */
static void test_services_without_audit(void **state)
{
	static const pid_t services[] = {80, 84, 0};
	const char *slice = "0::/user.slice/user-5001.slice/session-3.scope\n";

	(void)state;
	add(&(struct fake){.pid = 80, .parent = 1, .no_audit = true, .cgroup = "0::/system.slice/ssh.service\n"});
	add(&(struct fake){.pid = 81, .parent = 80, .no_audit = true, .cgroup = slice}); /* sshd's monitor of her session */
	add(&(struct fake){.pid = 82, .parent = 81, .uid = DORA, .no_audit = true, .cgroup = slice});
	add(&(struct fake){.pid = 83, .parent = 82, .no_audit = true, .cgroup = slice}); /* sudo -i */
	add(&(struct fake){.pid = 84, .parent = 83, .no_audit = true, .cgroup = slice}); /* what she restarted by hand */
	add(&(struct fake){.pid = 85, .parent = 84, .uid = 33, .no_audit = true, .cgroup = slice});
	assert_true(has(81, DORA, services) && has(82, DORA, services) && has(83, DORA, services));
	assert_false(has(80, DORA, services) || has(84, DORA, services) || has(85, DORA, services));
}

static void test_pid_files(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	const pid_t *pids;

	(void)state;
	for (const char *const *d = (const char *const[]){"sub", "open", "sub/below", NULL}; *d; d++)
		assert_int_equal(mkdir(at(*d), 0755), 0);
	put("a.pid", "123\n");
	put("sub/b.pid", "124 \nmore\n");
	put("sub/below/too-deep.pid", "125\n");
	put("open/c.pid", "126\n");
	assert_int_equal(chmod(at("open"), 0777), 0);
	put("writable.pid", "127\n");
	assert_int_equal(chmod(at("writable.pid"), 0666), 0);
	put("bad.pid", "x128\n");
	put("one.pid", "1\n");
	put("empty.pid", "");
	put("other", "129\n");
	assert_int_equal(symlink("other", at("link.pid")), 0);
	assert_int_equal(session_services(dir, &b), 0);
	pids = (const pid_t *)(const void *)b.data;
	assert_int_equal(b.len, 2 * sizeof(*pids));
	assert_int_equal(pids[0] + pids[1], 123 + 124);
	assert_int_equal(session_services("/nonexistent", &b), 0);
	assert_int_equal(b.len, 2 * sizeof(*pids));
}

static void test_count(void **state)
{
	CLEANUP(buf_done) struct buf procs = {0};
	CLEANUP(proc_close) struct proc_dir d;
	struct session_processes s;
	struct session_sum sum;

	(void)state;
	for (pid_t pid = 20; pid < 25; pid++)
		add(&(struct fake){.pid = pid, .login = DORA, .session = pid < 23 ? 3 : 4});
	add(&(struct fake){.pid = 25, .uid = DORA}); /* of no login: as the kernel groups them */
	add(&(struct fake){.pid = 26, .login = ERIK, .session = 5});
	scan(&d, &procs, NULL, &s);
	sum = session_count(&s, DORA);
	assert_true(sum.processes == 6 && sum.sessions == 3 && sum.first == 20);
	assert_int_equal(session_count(&s, 5003).processes, 0);
}

/* True: CHILD was hit by SIGKILL. Where that is EXPECTED it may take its time. */
static bool is_killed(pid_t child, bool expected)
{
	int status;

	for (int i = 0; i < (expected ? 10000 : 100); i++) {
		if (waitpid(child, &status, WNOHANG) == child)
			return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
		usleep(2000);
	}
	return false;
}

/* What the list says was true a moment ago: the process is looked at again, with a hold on it. */
static void test_signal(void **state)
{
	static const int sig[] = {SIGKILL, 0};
	CLEANUP(buf_done) struct buf procs = {0};
	CLEANUP(proc_close) struct proc_dir d;
	struct session_processes s;
	char name[32];
	pid_t child = fork();

	(void)state;
	if (child == 0)
		for (;;)
			pause();
	add(&(struct fake){.pid = child, .uid = DORA});
	add(&(struct fake){.pid = 0x3ffffff, .uid = DORA}); /* has ended meanwhile */
	scan(&d, &procs, NULL, &s);
	assert_int_equal(session_signal(&s, &d, ERIK, sig), 0);
	assert_false(is_killed(child, false));
	snprintf(name, sizeof(name), "%d/status", (int)child);
	put(name, "Name:\tx\nUid:\t5002\t5002\t5002\t5002\nNSpid:\t9\n");
	assert_int_equal(session_signal(&s, &d, DORA, sig), 0);
	assert_false(is_killed(child, false));
	put(name, "Name:\tx\nUid:\t5001\t5001\t5001\t5001\nNSpid:\t9\n");
	assert_int_equal(session_signal(&s, &d, DORA, sig), 0);
	assert_true(is_killed(child, true));
}

/* Whatever has been done to them: from then on they stay. Of a uid that nobody has, since the last of it is done by uid. */
static void test_allowed_again(void **state)
{
	const uint32_t uid = 1999999999;
	CLEANUP(buf_done) struct buf procs = {0};
	struct conf conf = {0};
	struct sessions s = {.conf = &conf};
	struct ending e = {.user = {.uid = uid, .name = "dora"}, .phase = ENDING_TERMINATED};
	pid_t child = fork();

	(void)state;
	if (child == 0)
		for (;;)
			pause();
	add(&(struct fake){.pid = child, .uid = uid});
	scan(&s.proc, &procs, NULL, &s.all);
	assert_int_equal(sessions_step(&s, &e, 1), 0);
	assert_true(e.phase == ENDING_OVER && !is_killed(child, false));
	e.phase = ENDING_KILLED;
	assert_int_equal(sessions_step(&s, &e, 1), 0);
	assert_true(e.phase == ENDING_OVER && !is_killed(child, false));
	e.phase = ENDING_TERMINATED;
	e.refused = true;
	assert_true(sessions_step(&s, &e, 1) > 0);
	assert_true(e.phase == ENDING_KILLED && is_killed(child, true));
	proc_close(&s.proc);
}

/* Of one who was left before it has been said; that says nothing of another one. */
static void test_left(void **state)
{
	const uint32_t said = DORA;
	CLEANUP(buf_done) struct buf procs = {0};
	struct conf conf = {0};
	struct sessions s = {.conf = &conf};
	struct ending dora = {.user = {.uid = DORA, .name = "dora"}, .phase = ENDING_KILLED},
		      erik = {.user = {.uid = ERIK, .name = "erik"}, .phase = ENDING_KILLED};
	uint32_t errors = log_errors()->count;

	(void)state;
	dora.refused = erik.refused = true;
	add(&(struct fake){.pid = 20, .uid = DORA});
	add(&(struct fake){.pid = 21, .uid = ERIK});
	scan(&s.proc, &procs, NULL, &s.all);
	assert_int_equal(buf_add(&s.left_said, &said, sizeof(said)), 0);
	assert_int_equal(sessions_step(&s, &dora, 1), 0);
	assert_int_equal(log_errors()->count, errors);
	assert_int_equal(sessions_step(&s, &erik, 1), 0);
	assert_int_equal(log_errors()->count, errors + 1);
	assert_true(dora.phase == ENDING_LEFT && erik.phase == ENDING_LEFT && s.left == 2);
	buf_done(&s.left_said);
	proc_close(&s.proc);
}

/* One that would be hit with them keeps them from being swept away. */
static void test_sweep(void **state)
{
	CLEANUP(buf_done) struct buf procs = {0};
	CLEANUP(proc_close) struct proc_dir d;
	struct session_processes s;

	(void)state;
	add(&(struct fake){.pid = 20, .uid = ERIK, .saved = DORA});
	scan(&d, &procs, NULL, &s);
	assert_int_equal(session_sweep(&s, DORA), -EBUSY);
	proc_close(&d);
	assert_int_equal(end(NULL), 0);
	start(NULL);
	add(&(struct fake){.pid = 20, .uid = DORA, .pids = "20\t1"});
	scan(&d, &procs, NULL, &s);
	assert_int_equal(session_sweep(&s, DORA), -EBUSY);
}

static enum reason reason(uint32_t set, const struct account *a)
{
	return session_end_reason(a, set, 1000);
}

static void test_reasons(void **state)
{
	const uint32_t all = CONF_END_SUSPENDED | CONF_END_UNBOUND | CONF_END_FORCE_EXPIRED | CONF_END_LOCKED;
	struct account good = {.bound = true, .activated = true, .state = USER_ACTIVATED}, a = good;

	(void)state;
	assert_int_equal(reason(all, &good), REASON_OK);
	a.suspended = true;
	assert_int_equal(reason(all, &a), REASON_SUSPENDED);
	assert_int_equal(reason(all & ~CONF_END_SUSPENDED, &a), REASON_OK);
	a = good;
	a.scheduled[0] = (struct scheduled_change){.at = 1000, .state = USER_SUSPENDED};
	a.n_scheduled = 1;
	assert_int_equal(reason(all, &a), REASON_SUSPENDED);
	assert_int_equal(session_end_reason(&a, all, 999), REASON_OK);
	a = good;
	a.state = USER_STAGED;
	assert_int_equal(reason(all, &a), REASON_OK);
	a = good;
	a.account_locked = true;
	assert_int_equal(reason(all, &a), REASON_LOCKED);
	assert_int_equal(reason(all & ~CONF_END_LOCKED, &a), REASON_OK);
	a = (struct account){.removed_at = 5};
	assert_int_equal(reason(all, &a), REASON_UNBOUND);
	assert_int_equal(reason(all & ~CONF_END_UNBOUND, &a), REASON_OK);
	a.removed_at = 0; /* in the directory, but left out here */
	assert_int_equal(reason(all, &a), REASON_OK);
}

static void test_expiry(void **state)
{
	const uint32_t set = CONF_END_FORCE_EXPIRED;
	struct account a = {.bound = true, .activated = true, .state = USER_ACTIVATED, .password_expired = true};

	(void)state;
	assert_int_equal(reason(set, &a), REASON_PASSWORD_EXPIRED);
	assert_int_equal(reason(CONF_END_SUSPENDED, &a), REASON_OK);
	a.password_expires_at = 1001;
	assert_int_equal(reason(set, &a), REASON_PASSWORD_EXPIRED);
	a.password_expires_at = 1000; /* the date did it */
	assert_int_equal(reason(set, &a), REASON_OK);
	a.password_never_expires = true;
	assert_int_equal(reason(set, &a), REASON_PASSWORD_EXPIRED);
	a.password_expired = a.password_never_expires = false;
	assert_int_equal(reason(set, &a), REASON_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read),      TEST(test_cgroups),   TEST(test_dead),	TEST(test_hidden), TEST(test_hers),
		TEST(test_nevers),    TEST(test_services),  TEST(test_pid_files), TEST(test_count), TEST(test_signal),
		TEST(test_sweep),     TEST(test_reasons),   TEST(test_expiry),    TEST(test_services_without_audit),
		TEST(test_hiding),    TEST(test_started_from_her_login), TEST(test_allowed_again),
		TEST(test_within_a_machine), TEST(test_left),
	};
	int r;

	if (!mkdtemp(dir))
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return r;
}
