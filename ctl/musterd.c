#include "ctl/musterd.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>

static int add_actions(posix_spawn_file_actions_t *actions, int out_fd)
{
	int r = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, out_fd, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(actions, out_fd, STDERR_FILENO);
	return r;
}

int musterd_start(const char *const *arguments, unsigned n, int out_fd, pid_t *ret)
{
	char program[] = MUSTERD, once[] = "--once", path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *argv[MUSTERD_ARGUMENTS_MAX + 3] = {program, once}, *const env[] = {path, NULL};
	posix_spawn_file_actions_t actions;
	int r;

	if (n > MUSTERD_ARGUMENTS_MAX)
		return -E2BIG;
	for (unsigned i = 0; i < n; i++)
		argv[2 + i] =
			(char *)(uintptr_t)arguments[i]; /* posix_spawn does not write to them */
	r = posix_spawn_file_actions_init(&actions);
	if (r != 0)
		return -r;
	r = add_actions(&actions, out_fd);
	if (r == 0)
		r = posix_spawn(ret, program, &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int musterd_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}
