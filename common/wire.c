#include "common/wire.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

#define HEADER_SIZE 12
#define FDS_MAX     8 /* what one message may bring before the kernel drops the rest itself */

struct header {
	uint32_t len;
	uint16_t type, zero;
	uint32_t request_id;
};
_Static_assert(sizeof(struct header) == HEADER_SIZE, "no padding");

int64_t wire_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* 0 when SOCK is ready for EVENTS or broken: the next call tells. */
static int wait_for(int sock, short events, int64_t deadline_ms)
{
	struct pollfd p = {.fd = sock, .events = events};

	for (;;) {
		int64_t left = deadline_ms - wire_now_ms();

		if (left <= 0)
			return -ETIMEDOUT;
		int n = poll(&p, 1, left > 60000 ? 60000 : (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static int send_some(int sock, struct msghdr *m, int64_t deadline_ms, size_t *ret_sent)
{
	for (;;) {
		ssize_t n = sendmsg(sock, m, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			*ret_sent = (size_t)n;
			return 0;
		}
		if (errno == ECONNRESET)
			return -EPIPE;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		int r = wait_for(sock, POLLOUT, deadline_ms);
		if (r < 0)
			return r;
	}
}

/* Drop N sent bytes from the front of the message. */
static void advance(struct msghdr *m, size_t n)
{
	while (m->msg_iovlen > 0 && n >= m->msg_iov->iov_len) {
		n -= m->msg_iov->iov_len;
		m->msg_iov++;
		m->msg_iovlen--;
	}
	if (m->msg_iovlen > 0) {
		m->msg_iov->iov_base = (char *)m->msg_iov->iov_base + n;
		m->msg_iov->iov_len -= n;
	}
}

static void attach_fd(struct msghdr *m, int fd)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

int wire_send(int sock, enum frame_type type, uint32_t request_id, const void *data, size_t len,
	      int fd, int64_t deadline_ms)
{
	struct header h = {htole32((uint32_t)len), htole16((uint16_t)type), 0, htole32(request_id)};
	struct iovec iov[2] = {
		{.iov_base = &h, .iov_len = sizeof(h)},
		{.iov_base = (void *)(uintptr_t)data, .iov_len = len},
	};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1};

	if (len > FRAME_MAX)
		return -E2BIG;
	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.space);
		attach_fd(&m, fd);
	}
	while (m.msg_iovlen > 0) {
		size_t sent = 0;
		int r = send_some(sock, &m, deadline_ms, &sent);

		if (r < 0)
			return r;
		advance(&m, sent);
		m.msg_control = NULL; /* the descriptor left with the first byte */
		m.msg_controllen = 0;
	}
	return 0;
}

/* Keeps the first descriptor of all in *FD, closes every other one. */
static void take_fds(struct msghdr *m, int *fd)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int got;

			memcpy(&got, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (*fd < 0)
				*fd = got;
			else
				close(got);
		}
	}
}

static int recv_all(int sock, void *data, size_t len, int *fd, int64_t deadline_ms)
{
	uint8_t *p = data;

	while (len > 0) {
		union {
			struct cmsghdr align;
			char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
		} control;
		struct iovec iov = {.iov_base = p, .iov_len = len};
		struct msghdr m = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control.space),
		};
		ssize_t n = recvmsg(sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n > 0) {
			take_fds(&m, fd);
			p += n;
			len -= (size_t)n;
			continue;
		}
		if (n == 0 || errno == ECONNRESET)
			return -EPIPE;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		int r = wait_for(sock, POLLIN, deadline_ms);
		if (r < 0)
			return r;
	}
	return 0;
}

static int recv_frame(int sock, struct frame *f, int64_t deadline_ms)
{
	struct header h;
	int r = recv_all(sock, &h, sizeof(h), &f->fd, deadline_ms);

	if (r < 0)
		return r;
	size_t len = le32toh(h.len);
	if (len > FRAME_MAX || h.zero != 0)
		return -EPROTO;
	r = buf_reserve(&f->payload, len);
	if (r < 0)
		return r;
	r = recv_all(sock, f->payload.data, len, &f->fd, deadline_ms);
	if (r < 0)
		return r;
	f->payload.len = len;
	f->type = (enum frame_type)le16toh(h.type);
	f->request_id = le32toh(h.request_id);
	return 0;
}

int wire_recv(int sock, struct frame *f, int64_t deadline_ms)
{
	f->fd = -1;
	f->payload.len = 0;
	int r = recv_frame(sock, f, deadline_ms);
	if (r < 0 && f->fd >= 0)
		close(TAKE_FD(f->fd));
	return r;
}

void frame_done(struct frame *f)
{
	buf_wipe(&f->payload);
	closep(&f->fd);
	f->fd = -1;
}

void frame_end_pack(const struct frame_end *e, uint8_t out[static FRAME_END_SIZE])
{
	const uint64_t v[] = {
		htole64(e->accounts), htole64(e->groups), htole64(e->memberships),
		htole64(e->rejects),  htole64(e->serial), htole64(e->flags),
		htole64((uint64_t)e->confirmed_at),
	};

	memcpy(out, v, sizeof(v));
}

int frame_end_unpack(const void *data, size_t len, struct frame_end *ret)
{
	uint64_t v[FRAME_END_SIZE / 8];

	if (len != sizeof(v))
		return -EPROTO;
	memcpy(v, data, sizeof(v));
	*ret = (struct frame_end){
		.accounts = le64toh(v[0]),
		.groups = le64toh(v[1]),
		.memberships = le64toh(v[2]),
		.rejects = le64toh(v[3]),
		.serial = le64toh(v[4]),
		.flags = le64toh(v[5]),
		.confirmed_at = (int64_t)le64toh(v[6]),
	};
	return 0;
}

int wire_connect(const char *path, uid_t *ret_peer)
{
	AUTO_CLOSE int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int r = str_print(address.sun_path, sizeof(address.sun_path), "%s", path);

	if (sock < 0)
		return -errno;
	if (r < 0)
		return r;
	if (connect(sock, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	*ret_peer = peer.uid;
	return TAKE_FD(sock);
}
