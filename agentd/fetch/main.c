/* muster-fetch: reads a directory for musterd, over descriptor 3 (agentd/fetch/protocol.h). */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agentd/fetch/protocol.h"
#include "agentd/fetch/sandbox.h"
#include "agentd/fetch/session.h"

static int fail(const char *what, int error)
{
	fprintf(stderr, "muster-fetch: %s: %s\n", what, strerror(-error));
	return EXIT_FAILURE;
}

/* 1 when musterd needs us no more and has closed the socket. Waits as long as it likes. */
static int next_frame(struct frame *f)
{
	struct pollfd p = { .fd = FETCH_FD, .events = POLLIN };
	int r;

	while (poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			return -errno;
	r = wire_recv(FETCH_FD, f, wire_now_ms() + SYNC_IDLE_MS);
	return r == -EPIPE ? 1 : r;
}

static int serve(void)
{
	struct session s = { .sock = FETCH_FD, .spool = -1 };
	struct frame f = { .fd = -1 };
	int r;

	while ((r = next_frame(&f)) == 0) {
		r = session_frame(&s, &f);
		closep(&f.fd);
		f.fd = -1;
		if (r < 0)
			break;
		malloc_trim(0); /* until the next request may be a long time */
	}
	buf_wipe(&f.payload);
	session_done(&s);
	return r < 0 && r != -EPIPE ? r : 0;
}

static bool is_socket(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

int main(void)
{
	int r;

	if (!is_socket(FETCH_FD)) {
		fprintf(stderr, "muster-fetch reads a directory for musterd, which starts it.\n"
				"It takes no arguments and is of no use by hand: see musterd(8), "
				"musterctl(1).\n");
		return 2;
	}
	r = sandbox_process();
	if (r < 0)
		return fail("cannot give up rights", r);
	r = serve();
	return r < 0 ? fail("giving up", r) : EXIT_SUCCESS;
}
