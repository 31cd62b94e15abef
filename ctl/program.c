#include "ctl/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agentd/file.h"

#define OUTPUT_LIMIT (4u << 20)

static int spawn(const char *const *argv, int out, pid_t *ret)
{
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	char *const env[] = {path, locale, NULL};
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
	if (r == 0) /* posix_spawn does not write to the arguments */
		r = posix_spawn(ret, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, env);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Its exit status; one that hangs is killed. */
static int reap(pid_t pid, int limit_ms)
{
	AUTO_CLOSE int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	bool late = fd >= 0 && poll(&p, 1, limit_ms) == 0;
	int status;

	if (late)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (late)
		return -ETIMEDOUT;
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

int program_run(const char *const *argv, int limit_ms, struct buf *out)
{
	AUTO_CLOSE int fd = memfd_create("output", MFD_CLOEXEC);
	pid_t pid;
	int status, r;

	if (fd < 0)
		return -errno;
	r = spawn(argv, fd, &pid);
	if (r < 0)
		return r;
	status = reap(pid, limit_ms);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	r = file_read_fd(fd, OUTPUT_LIMIT, out);
	return r < 0 ? r : status;
}

const char *first_line(const char *text, char out[static FIRST_LINE_SIZE])
{
	size_t len = strcspn(text, "\r\n");

	if (len >= FIRST_LINE_SIZE)
		len = FIRST_LINE_SIZE - 1;
	memcpy(out, text, len);
	out[len] = '\0';
	return out;
}

bool systemd_runs(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}
