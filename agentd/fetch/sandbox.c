#include "agentd/fetch/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define DATA_MAX (512UL << 20) /* far above need: a document of a million users takes 100 MiB */

#ifdef __SANITIZE_ADDRESS__
#undef DATA_MAX /* its shadow is terabytes of address space */
#define DATA_MAX RLIM_INFINITY
#endif

int sandbox_process(void)
{
	const struct rlimit none = { 0, 0 }, data = { DATA_MAX, DATA_MAX };

	if (clearenv() != 0)
		return -ENOMEM;
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_DATA, &data) < 0)
		return -errno;
	return 0;
}

#ifdef __SANITIZE_ADDRESS__
int sandbox_filter(bool network)
{
	(void)network;
	return 0;
}
#else

/* What reading a document and talking over a socket takes, with malloc's and the clock's needs. */
static const int basic_calls[] = {
	SCMP_SYS(read),         SCMP_SYS(pread64),       SCMP_SYS(write),
	SCMP_SYS(close),        SCMP_SYS(fstat),         SCMP_SYS(newfstatat),
	SCMP_SYS(fcntl),        SCMP_SYS(poll),          SCMP_SYS(ppoll),
	SCMP_SYS(sendmsg),      SCMP_SYS(recvmsg),       SCMP_SYS(mmap),
	SCMP_SYS(munmap),       SCMP_SYS(mremap),        SCMP_SYS(madvise),
	SCMP_SYS(mprotect),     SCMP_SYS(brk),           SCMP_SYS(futex),
	SCMP_SYS(getrandom),    SCMP_SYS(clock_gettime), SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(exit),          SCMP_SYS(exit_group),
};

/* What libcurl, OpenSSL and the resolver take beside; the spool is memory. */
static const int network_calls[] = {
	SCMP_SYS(connect),      SCMP_SYS(bind),           SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),  SCMP_SYS(getsockopt),     SCMP_SYS(setsockopt),
	SCMP_SYS(sendto),       SCMP_SYS(recvfrom),       SCMP_SYS(sendmmsg),
	SCMP_SYS(recvmmsg),     SCMP_SYS(shutdown),       SCMP_SYS(socketpair),
	SCMP_SYS(pipe2),        SCMP_SYS(eventfd2),       SCMP_SYS(ioctl),
	SCMP_SYS(lseek),        SCMP_SYS(readv),          SCMP_SYS(writev),
	SCMP_SYS(memfd_create), SCMP_SYS(ftruncate),      SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),         SCMP_SYS(rt_sigaction),   SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(getpid),       SCMP_SYS(gettid),         SCMP_SYS(getuid),
	SCMP_SYS(geteuid),      SCMP_SYS(getgid),         SCMP_SYS(getegid),
	SCMP_SYS(uname),        SCMP_SYS(sysinfo),        SCMP_SYS(sched_yield),
	SCMP_SYS(prlimit64),    SCMP_SYS(clock_nanosleep),
};

static const int deadly_calls[] = { SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace) };

static const int families[] = { AF_INET, AF_INET6, AF_NETLINK };

static int allow(scmp_filter_ctx filter, const int *calls, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return r;
}

/* Threads, but no processes: clone3 cannot be looked into, and without it glibc takes clone. */
static int allow_threads(scmp_filter_ctx filter)
{
	int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	if (r < 0)
		return r;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
}

static int allow_network(scmp_filter_ctx filter)
{
	const scmp_datum_t writing = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
	int r = allow(filter, network_calls, ARRAY_SIZE(network_calls));

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(families); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
	return r < 0 ? r : allow_threads(filter);
}

static int add_rules(scmp_filter_ctx filter, bool network)
{
	int r = allow(filter, basic_calls, ARRAY_SIZE(basic_calls));

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(deadly_calls); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly_calls[i], 0);
	return r < 0 || !network ? r : allow_network(filter);
}

int sandbox_filter(bool network)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!filter)
		return -ENOMEM;
	r = add_rules(filter, network);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}
#endif
