/* common/wire: frames whole, in pieces, late, malformed, and with descriptors. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/wire.h"

struct pair {
	int a, b;
};

static struct pair make_pair(void)
{
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	return (struct pair){s[0], s[1]};
}

static int64_t soon(void)
{
	return wire_now_ms() + 5000;
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_round_trip(void **state)
{
	struct pair p = make_pair();
	struct frame f = {.fd = -1};

	(void)state;
	assert_int_equal(wire_send(p.a, FRAME_SYNC, 7, "hello", 5, -1, soon()), 0);
	assert_int_equal(wire_send(p.a, FRAME_END, 0xfffffffe, NULL, 0, -1, soon()), 0);
	assert_int_equal(wire_recv(p.b, &f, soon()), 0);
	assert_int_equal(f.type, FRAME_SYNC);
	assert_int_equal(f.request_id, 7);
	assert_int_equal(f.payload.len, 5);
	assert_memory_equal(f.payload.data, "hello", 5);
	assert_int_equal(f.fd, -1);
	assert_int_equal(wire_recv(p.b, &f, soon()), 0);
	assert_int_equal(f.type, FRAME_END);
	assert_true(f.request_id == 0xfffffffe);
	assert_int_equal(f.payload.len, 0);
	close(p.a);
	assert_int_equal(wire_recv(p.b, &f, soon()), -EPIPE);
	assert_int_equal(wire_send(p.b, FRAME_SYNC, 1, "x", 1, -1, soon()),
			 -EPIPE); /* and no signal */
	close(p.b);
	buf_done(&f.payload);
}

static void test_bytes(void **state)
{
	struct pair p = make_pair();
	uint8_t got[32];
	static const uint8_t want[] = {2, 0, 0, 0, 32, 0, 0, 0, 4, 3, 2, 1, 'o', 'k'};

	(void)state;
	assert_int_equal(wire_send(p.a, FRAME_RECORD, 0x01020304, "ok", 2, -1, soon()), 0);
	assert_int_equal(read(p.b, got, sizeof(got)), sizeof(want));
	assert_memory_equal(got, want, sizeof(want));
	close(p.a);
	close(p.b);
}

static void *send_slowly(void *arg)
{
	const struct pair *p = arg;
	static const uint8_t bytes[] = {3, 0, 0, 0, 33, 0, 0, 0, 9, 0, 0, 0, 'a', 'b', 'c'};

	for (size_t i = 0; i < sizeof(bytes); i++) {
		usleep(2000);
		if (write(p->a, bytes + i, 1) != 1)
			return NULL;
	}
	return NULL;
}

static void test_byte_by_byte(void **state)
{
	struct pair p = make_pair();
	struct frame f = {.fd = -1};
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, send_slowly, &p), 0);
	assert_int_equal(wire_recv(p.b, &f, soon()), 0);
	assert_int_equal(f.type, FRAME_END);
	assert_int_equal(f.payload.len, 3);
	assert_memory_equal(f.payload.data, "abc", 3);
	pthread_join(thread, NULL);
	close(p.a);
	close(p.b);
	buf_done(&f.payload);
}

static void *receive_late(void *arg)
{
	const struct pair *p = arg;
	struct frame f = {.fd = -1};
	intptr_t good = 0;

	usleep(50000);
	for (int i = 0; i < 20; i++)
		if (wire_recv(p->b, &f, soon()) == 0 && f.payload.len == FRAME_MAX &&
		    f.payload.data[FRAME_MAX - 1] == 'x' && f.request_id == (uint32_t)i)
			good++;
	buf_done(&f.payload);
	return (void *)good;
}

/* More than any socket buffer holds: sending goes on in the middle of frames. */
static void test_greatest_frames(void **state)
{
	static char data[FRAME_MAX + 1];
	struct pair p = make_pair();
	pthread_t thread;
	void *good;

	(void)state;
	memset(data, 'x', sizeof(data));
	assert_int_equal(wire_send(p.a, FRAME_RECORD, 1, data, FRAME_MAX + 1, -1, soon()), -E2BIG);
	assert_int_equal(pthread_create(&thread, NULL, receive_late, &p), 0);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(wire_send(p.a, FRAME_RECORD, i, data, FRAME_MAX, -1, soon()), 0);
	pthread_join(thread, &good);
	assert_int_equal((intptr_t)good, 20);
	close(p.a);
	close(p.b);
}

static void test_malformed(void **state)
{
	static const struct {
		uint8_t bytes[12];
		size_t n;
		int want;
	} t[] = {
		{{1, 0, 1, 0, 32, 0, 0, 0, 1, 0, 0, 0}, 12, -EPROTO}, /* FRAME_MAX + 1 */
		{{255, 255, 255, 255, 32, 0, 0, 0, 1, 0, 0, 0}, 12, -EPROTO},
		{{0, 0, 0, 0, 32, 0, 1, 0, 1, 0, 0, 0}, 12, -EPROTO}, /* not zero */
		{{0, 0, 0, 0, 32, 0, 0, 1, 1, 0, 0, 0}, 12, -EPROTO},
		{{5, 0, 0, 0, 32, 0, 0, 0, 1, 0, 0, 0}, 12, -EPIPE}, /* closed in the middle */
		{{0, 0, 0, 0, 32, 0, 0, 0, 1, 0, 0, 0}, 11, -EPIPE},
		{{0}, 1, -EPIPE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct pair p = make_pair();
		struct frame f = {.fd = -1};

		assert_int_equal(write(p.a, t[i].bytes, t[i].n), t[i].n);
		close(p.a);
		assert_int_equal(wire_recv(p.b, &f, soon()), t[i].want);
		assert_int_equal(f.payload.len, 0);
		assert_int_equal(f.fd, -1);
		close(p.b);
		buf_done(&f.payload);
	}
}

static void on_alarm(int signal_number)
{
	(void)signal_number;
}

/* The deadline holds whatever the peer does, also under signals. */
static void test_deadline(void **state)
{
	static char data[FRAME_MAX];
	struct sigaction act = {.sa_handler = on_alarm}, old;
	struct pair p = make_pair();
	struct frame f = {.fd = -1};

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &act, &old), 0);
	ualarm(20000, 20000);
	int64_t start = wire_now_ms();
	assert_int_equal(wire_recv(p.b, &f, start + 150), -ETIMEDOUT);
	assert_true(wire_now_ms() - start >= 150 && wire_now_ms() - start < 3000);
	assert_int_equal(write(p.a, "\3\0\0\0", 4), 4); /* the beginning of a header */
	start = wire_now_ms();
	assert_int_equal(wire_recv(p.b, &f, start + 50), -ETIMEDOUT);
	int r = 0;
	start = wire_now_ms();
	for (int i = 0; r == 0 && i < 1000; i++)
		r = wire_send(p.a, FRAME_RECORD, 1, data, sizeof(data), -1, start + 150);
	assert_int_equal(r, -ETIMEDOUT);
	assert_true(wire_now_ms() - start >= 150 && wire_now_ms() - start < 3000);
	ualarm(0, 0);
	sigaction(SIGALRM, &old, NULL);
	close(p.a);
	close(p.b);
	buf_done(&f.payload);
}

static void test_descriptor(void **state)
{
	int before = count_fds(), file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct pair p = make_pair();
	struct frame f = {.fd = -1};
	struct stat a, b;

	(void)state;
	assert_int_equal(wire_send(p.a, FRAME_SYNC, 1, "x", 1, file, soon()), 0);
	assert_int_equal(wire_send(p.a, FRAME_SYNC, 2, "y", 1, -1, soon()), 0);
	assert_int_equal(wire_recv(p.b, &f, soon()), 0);
	assert_true(f.fd >= 0 && f.fd != file);
	assert_int_equal(fcntl(f.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(file, &a) | fstat(f.fd, &b), 0);
	assert_true(a.st_rdev == b.st_rdev && a.st_ino == b.st_ino);
	close(f.fd);
	assert_int_equal(wire_recv(p.b, &f, soon()), 0);
	assert_int_equal(f.fd, -1);
	assert_int_equal(f.request_id, 2);
	close(file);
	close(p.a);
	close(p.b);
	buf_done(&f.payload);
	assert_int_equal(count_fds(), before);
}

/* N descriptors along with LEN bytes. */
static void send_fds(int sock, const uint8_t *bytes, size_t len, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(64 * sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)bytes, len};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	assert_int_equal(sendmsg(sock, &m, 0), len);
}

/* A peer that sends more than one, or malformed frames with some, leaks none into us. */
static void test_too_many_descriptors(void **state)
{
	static const uint8_t good[] = {1, 0, 0, 0, 32, 0, 0, 0, 1, 0, 0, 0, 'x'};
	static const uint8_t bad[] = {1, 0, 0, 0, 32, 0, 9, 0, 1, 0, 0, 0, 'x'};
	int before = count_fds(), fds[40];

	(void)state;
	for (size_t n = 1; n <= ARRAY_SIZE(fds); n++) {
		for (int malformed = 0; malformed < 2; malformed++) {
			struct pair p = make_pair();
			struct frame f = {.fd = -1};

			for (size_t i = 0; i < n; i++)
				fds[i] = p.a;
			send_fds(p.a, malformed ? bad : good, 5, fds, n);
			send_fds(p.a, (malformed ? bad : good) + 5, sizeof(good) - 5, fds, n);
			assert_int_equal(wire_recv(p.b, &f, soon()), malformed ? -EPROTO : 0);
			assert_int_equal(f.fd >= 0, !malformed);
			assert_int_equal(count_fds(), before + 2 + !malformed);
			if (f.fd >= 0)
				close(f.fd);
			close(p.a);
			close(p.b);
			buf_done(&f.payload);
		}
	}
	assert_int_equal(count_fds(), before);
}

static void *send_great_with_fd(void *arg)
{
	static char data[FRAME_MAX];
	const struct pair *p = arg;
	intptr_t r = 0;

	for (uint32_t i = 0; r == 0 && i < 10; i++)
		r = wire_send(p->a, FRAME_SYNC, i, data, sizeof(data), p->a, soon());
	return (void *)r;
}

/* However many calls a frame takes, its descriptor goes once. */
static void test_descriptor_once(void **state)
{
	struct pair p = make_pair();
	size_t left = 10 * (FRAME_MAX + 12);
	char data[4096], control[CMSG_SPACE(8 * sizeof(int))];
	int messages = 0, fd;
	pthread_t thread;
	void *result;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, send_great_with_fd, &p), 0);
	while (left > 0) {
		struct iovec iov = {data, sizeof(data)};
		struct msghdr m = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(p.b, &m, MSG_CMSG_CLOEXEC);

		assert_true(n > 0);
		left -= (size_t)n;
		if (!CMSG_FIRSTHDR(&m))
			continue;
		messages++;
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
		close(fd);
	}
	pthread_join(thread, &result);
	assert_null(result);
	assert_int_equal(messages, 10);
	close(p.a);
	close(p.b);
}

static void test_frame_end(void **state)
{
	const struct frame_end e = {1, 2, 3, 4, UINT64_MAX, FRAME_END_COMPLETE, 6};
	struct frame_end back;
	uint8_t bytes[FRAME_END_SIZE];

	(void)state;
	frame_end_pack(&e, bytes);
	assert_int_equal(bytes[0], 1);
	assert_int_equal(bytes[40], 1);
	assert_int_equal(bytes[48], 6);
	assert_int_equal(frame_end_unpack(bytes, sizeof(bytes), &back), 0);
	assert_memory_equal(&back, &e, sizeof(e));
	assert_int_equal(frame_end_unpack(bytes, sizeof(bytes) - 1, &back), -EPROTO);
	assert_int_equal(frame_end_unpack(bytes, 0, &back), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),      cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_byte_by_byte),    cmocka_unit_test(test_greatest_frames),
		cmocka_unit_test(test_malformed),       cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_descriptor),      cmocka_unit_test(test_too_many_descriptors),
		cmocka_unit_test(test_descriptor_once), cmocka_unit_test(test_frame_end),
	};

	signal(SIGPIPE, SIG_DFL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
