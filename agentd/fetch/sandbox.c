#include "agentd/fetch/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define DATA_MAX (512UL << 20) /* far above need: a document of a million users takes 100 MiB */

#ifdef __SANITIZE_ADDRESS__
#undef DATA_MAX /* its shadow is terabytes of address space */
#define DATA_MAX RLIM_INFINITY
#endif

int sandbox_process(void)
{
	const struct rlimit none = { 0, 0 }, data = { DATA_MAX, DATA_MAX };

	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_DATA, &data) < 0)
		return -errno;
	return 0;
}

#ifdef __SANITIZE_ADDRESS__
int sandbox_filter(void)
{
	return 0;
}
#else

/* What reading a document and talking over a socket takes, with malloc's and the clock's needs. */
static const int allowed[] = {
	SCMP_SYS(read),         SCMP_SYS(pread64),       SCMP_SYS(write),
	SCMP_SYS(close),        SCMP_SYS(fstat),         SCMP_SYS(newfstatat),
	SCMP_SYS(fcntl),        SCMP_SYS(poll),          SCMP_SYS(ppoll),
	SCMP_SYS(sendmsg),      SCMP_SYS(recvmsg),       SCMP_SYS(mmap),
	SCMP_SYS(munmap),       SCMP_SYS(mremap),        SCMP_SYS(madvise),
	SCMP_SYS(mprotect),     SCMP_SYS(brk),           SCMP_SYS(futex),
	SCMP_SYS(getrandom),    SCMP_SYS(clock_gettime), SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(exit),          SCMP_SYS(exit_group),
};

static const int deadly[] = { SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace) };

static int add_rules(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(allowed); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(deadly); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
	return r;
}

int sandbox_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r;

	if (!filter)
		return -ENOMEM;
	r = add_rules(filter);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}
#endif
