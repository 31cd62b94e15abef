#include "ctl/directory/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/str.h"
#include "ctl/musterd.h"
#include "ctl/view.h"

#define OUTPUT_KEPT 700

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
	char output[OUTPUT_KEPT] = "";
	int fds[2], r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return fault_set(f, -errno, "%s", strerror(errno));
	r = musterd_start(NULL, 0, fds[1], &pid);
	close(fds[1]);
	if (r == 0)
		read_output(fds[0], output);
	close(fds[0]);
	if (r == 0)
		r = musterd_wait(pid);
	if (r < 0)
		return fault_set(f, r, "cannot run %s: %s", MUSTERD, strerror(-r));
	if (r > 256)
		return fault_set(f, -EIO, "musterd was killed by signal %d", r - 256);
	if (r > 0)
		return fault_set(f, -EIO, "%s",
				 output[0] ? output : "musterd failed without a word");
	return 0;
}

int64_t published_serial(const char *url)
{
	AUTO_VIEW struct view v = {0};
	struct fault ignored = {0};

	if (view_open(&v, &ignored) < 0 || !v.pam || strcmp(v.status.directory_url, url) != 0)
		return -1;
	return (int64_t)v.status.serial;
}

int publish(const char *url, int64_t serial, struct fault *f)
{
	int r = run_musterd(f);

	/* Another musterd, started by another edit, may have published ours while this one gave up. */
	if (published_serial(url) >= serial)
		return 0;
	if (r < 0)
		return r;
	return fault_set(f, -EIO,
			 "musterd ended well, but what is published is older than this change");
}
