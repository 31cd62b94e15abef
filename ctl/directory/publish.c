#include "ctl/directory/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "common/str.h"
#include "ctl/view.h"

#define OUTPUT_KEPT 700

/* Spawns ARGV with nothing on stdin, stdout and stderr in OUT_FD, and no environment but a PATH. */
static int spawn(char *const argv[], int out_fd, pid_t *ret)
{
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *const env[] = {path, NULL};
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, out_fd, STDERR_FILENO);
	if (r == 0)
		r = posix_spawn(ret, argv[0], &actions, NULL, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Reads until the end; keeps the beginning, without the last newline. */
static void read_output(int fd, char out[static OUTPUT_KEPT])
{
	char chunk[512];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR)) {
		for (ssize_t i = 0; i < n && len < OUTPUT_KEPT - 1; i++)
			out[len++] = chunk[i];
	}
	while (len > 0 && out[len - 1] == '\n')
		len--;
	out[len] = '\0';
}

static int run_musterd(struct fault *f)
{
	char program[] = MUSTERD, once[] = "--once", output[OUTPUT_KEPT];
	char *const argv[] = {program, once, NULL};
	int fds[2], status, r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return fault_set(f, -errno, "%s", strerror(errno));
	r = spawn(argv, fds[1], &pid);
	close(fds[1]);
	if (r == 0)
		read_output(fds[0], output);
	close(fds[0]);
	if (r < 0)
		return fault_set(f, r, "cannot run %s: %s", program, strerror(-r));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fault_set(f, -errno, "%s", strerror(errno));
	if (WIFSIGNALED(status))
		return fault_set(f, -EIO, "musterd was killed by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return fault_set(f, -EIO, "%s",
				 output[0] ? output : "musterd failed without a word");
	return 0;
}

bool is_published(int64_t serial)
{
	AUTO_VIEW struct view v = {0};
	struct fault ignored = {0};

	return view_open(&v, &ignored) == 0 && v.pam && v.status.serial >= (uint64_t)serial;
}

int publish(int64_t serial, struct fault *f)
{
	int r = run_musterd(f);

	/* Another musterd, started by another edit, may have published ours while this one gave up. */
	if (is_published(serial))
		return 0;
	if (r < 0)
		return r;
	return fault_set(f, -EIO,
			 "musterd ended well, but what is published is older than this change");
}
