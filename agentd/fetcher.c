#include "agentd/fetcher.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agentd/refresh_answer.h"
#include "common/names.h"

#define EXIT_NO_EXEC  127
#define STOP_WAIT_MS  500
#define STOP_POLL_MS  5

/* From here on only system calls: the parent may have threads. */
static int give_up_rights(const struct fetcher_options *o)
{
	if (o->drop && (setgroups(0, NULL) < 0 || setresgid(o->gid, o->gid, o->gid) < 0 ||
			setresuid(o->uid, o->uid, o->uid) < 0))
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int only_descriptor(int sock)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -errno;
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	if (sock == FETCH_FD ? fcntl(sock, F_SETFD, 0) < 0 : dup2(sock, FETCH_FD) < 0)
		return -errno;
	return close_range(FETCH_FD + 1, ~0u, 0) < 0 ? -errno : 0;
}

static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become_fetcher(const struct fetcher_options *o, int sock, pid_t parent) __attribute__((noreturn));
static void become_fetcher(const struct fetcher_options *o, int sock, pid_t parent)
{
	char name[] = "muster-fetch", *arguments[] = {name, NULL}, *environment[] = {NULL};

	reset_signals();
	/* setresuid() clears the death signal: it comes after */
	if (only_descriptor(sock) == 0 && chdir("/") == 0 && give_up_rights(o) == 0 &&
	    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) == 0 &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent)
		execve(o->path, arguments, environment);
	_exit(EXIT_NO_EXEC);
}

static void begin(const struct fetcher_options *o, pid_t pid, int sock, struct fetcher *ret)
{
	*ret = (struct fetcher){.pid = pid,
				.sock = sock,
				.settings = o->settings,
				.idle_ms = o->idle_ms,
				.total_ms = o->total_ms};
	if (getrandom(&ret->request_id, sizeof(ret->request_id), GRND_NONBLOCK) < 0)
		ret->request_id = (uint32_t)wire_now_ms(); /* early in a boot: different enough */
}

static int spawn(const struct fetcher_options *o, struct fetcher *ret)
{
	pid_t parent = getpid(), child;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	child = fork();
	if (child == 0)
		become_fetcher(o, pair[1], parent);
	r = child < 0 ? -errno : 0;
	close(pair[1]);
	if (r < 0)
		close(TAKE_FD(pair[0]));
	begin(o, child > 0 ? child : 0, pair[0], ret);
	return r;
}

static bool is_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

/* Whoever listens is asked for, too: a service manager, as root. */
static int connect_to(const char *path, const struct stat *st, int *ret)
{
	AUTO_CLOSE int sock = -1;
	uid_t peer;

	if (!S_ISSOCK(st->st_mode) || !is_trusted(st->st_uid) || st->st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	sock = wire_connect(path, &peer);
	if (sock < 0)
		return sock;
	if (!is_trusted(peer))
		return -EPERM;
	*ret = TAKE_FD(sock);
	return 0;
}

int fetcher_start(const struct fetcher_options *o, struct fetcher *ret)
{
	struct stat st;
	int sock = -1, r;

	if (!o->socket || lstat(o->socket, &st) < 0)
		return spawn(o, ret);
	r = connect_to(o->socket, &st, &sock);
	begin(o, 0, sock, ret);
	return r;
}

int fetcher_adopt(const struct fetcher_options *o, int sock, struct fetcher *ret)
{
	int copy = fcntl(sock, F_DUPFD_CLOEXEC, 0);

	begin(o, 0, copy, ret);
	return copy < 0 ? -errno : 0;
}

/* Reap it within WAIT_MS. Its status, or -1. */
static int reap(struct fetcher *f, int wait_ms)
{
	int64_t deadline = wire_now_ms() + wait_ms;
	int status;

	for (;;) {
		pid_t done = waitpid(f->pid, &status, wait_ms < 0 ? 0 : WNOHANG);

		if (done == f->pid || (done < 0 && errno != EINTR))
			break;
		if (done == 0 && wire_now_ms() >= deadline)
			return -1;
		if (done == 0)
			usleep(STOP_POLL_MS * 1000);
	}
	f->pid = 0;
	return status;
}

void fetcher_stop(struct fetcher *f)
{
	closep(&f->sock);
	f->sock = -1;
	if (f->pid <= 0 || reap(f, STOP_WAIT_MS) >= 0)
		return;
	kill(f->pid, SIGKILL);
	reap(f, -1);
}

void fetcher_leave(struct fetcher *f)
{
	closep(&f->sock);
	f->sock = -1;
}

/* A RESULT, {u32 errno, text NUL}: *RET_CODE negative or 0. -EPROTO. */
static int read_result(const struct frame *frame, int *ret_code, char *error)
{
	const char *text = (const char *)frame->payload.data + sizeof(uint32_t);
	size_t len = frame->payload.len;
	uint32_t code;

	if (len <= sizeof(code) || len > sizeof(code) + RESULT_TEXT_MAX ||
	    frame->payload.data[len - 1] != '\0')
		return -EPROTO;
	memcpy(&code, frame->payload.data, sizeof(code));
	code = le32toh(code);
	if (code > 4095)
		return -EPROTO;
	text_show(text, error, FETCHER_ERROR_SIZE);
	*ret_code = -(int)code;
	return 0;
}

/* Of a sync: it always failed. */
static int take_result(const struct frame *frame, char *error)
{
	int code, r = read_result(frame, &code, error);

	if (r == 0 && code < 0)
		return code;
	error[0] = '\0';
	return -EPROTO;
}

/* One exchange: what was asked, and what came so far. */
struct exchange {
	const struct fetcher_request *request;
	struct stage *stage;
	struct fetcher_reply *reply;
	char *error;
};

/* Unchanged is only what was known, and only a file is whole and explicit. */
static int take_end(const struct frame *frame, struct exchange *x)
{
	const struct stage *stage = x->stage;
	struct frame_end *ret = &x->reply->end;

	if (frame_end_unpack(frame->payload.data, frame->payload.len, ret) < 0)
		return -EPROTO;
	if (ret->accounts != stage->n_kind[RECORD_ACCOUNT] || ret->groups != stage->n_kind[RECORD_GROUP] ||
	    ret->memberships != stage->n_kind[RECORD_MEMBERSHIP] ||
	    ret->rejects != stage->n_kind[RECORD_REJECT])
		return -EPROTO;
	if (ret->confirmed_at < 0)
		return -EPROTO;
	if (ret->flags & FRAME_END_UNCHANGED && (!*x->request->validator || stage->n_records))
		return -EPROTO;
	if (ret->flags & FRAME_END_COMPLETE && (x->request->document_fd < 0 || stage->n_kind[RECORD_KEPT]))
		return -EPROTO;
	return 0;
}

/* A server speaks once. */
static int take_server(const struct frame *frame, struct exchange *x)
{
	struct frame_server *ret = &x->reply->server;
	int r;

	if (x->request->document_fd >= 0 || ret->status)
		return -EPROTO;
	r = frame_server_unpack(frame->payload.data, frame->payload.len, ret);
	return r < 0 ? r : ret->status && ret->date >= 0 ? 1 : -EPROTO;
}

/* 1: go on; 0: END; negative: over. */
static int take_frame(const struct fetcher *f, const struct frame *frame, struct exchange *x)
{
	int r;

	if (frame->request_id != f->request_id || frame->fd >= 0)
		return -EPROTO;
	if (frame->type == FRAME_RECORD) {
		r = stage_add_frame(x->stage, frame->payload.data, frame->payload.len);
		return r < 0 ? r : 1;
	}
	if (frame->type == FRAME_RESULT)
		return take_result(frame, x->error);
	if (frame->type == FRAME_SERVER)
		return take_server(frame, x);
	return frame->type == FRAME_END ? take_end(frame, x) : -EPROTO;
}

static int receive(struct fetcher *f, struct exchange *x)
{
	struct frame frame = {.fd = -1};
	int64_t total = wire_now_ms() + f->total_ms;
	int r;

	do {
		int64_t idle = wire_now_ms() + f->idle_ms;

		r = wire_recv(f->sock, &frame, idle < total ? idle : total);
		if (r < 0)
			break;
		r = take_frame(f, &frame, x);
		closep(&frame.fd);
		frame.fd = -1;
	} while (r > 0);
	buf_wipe(&frame.payload);
	return r;
}

/* What happened, when the child did not say it. */
static void describe(struct fetcher *f, int r, char *error)
{
	int status = r == -EPIPE && f->pid ? reap(f, STOP_WAIT_MS) : -1;

	if (r == -EPIPE && status >= 0 && WIFSIGNALED(status))
		snprintf(error, FETCHER_ERROR_SIZE, "muster-fetch died of signal %d", WTERMSIG(status));
	else if (r == -EPIPE && status >= 0 && WEXITSTATUS(status) == EXIT_NO_EXEC)
		snprintf(error, FETCHER_ERROR_SIZE, "muster-fetch could not be started");
	else if (r == -EPIPE)
		snprintf(error, FETCHER_ERROR_SIZE, "muster-fetch ended before the sync did");
	else if (r == -ETIMEDOUT)
		snprintf(error, FETCHER_ERROR_SIZE, "muster-fetch did not answer in time");
	else if (r == -EPROTO)
		snprintf(error, FETCHER_ERROR_SIZE, "muster-fetch broke the protocol");
	else if (r == -E2BIG)
		snprintf(error, FETCHER_ERROR_SIZE, "muster-fetch sent more than is taken");
	else
		snprintf(error, FETCHER_ERROR_SIZE, "muster-fetch: %s", strerror(-r));
}

/* One setting. What does not fit a frame goes on in the next under the same key. */
static int send_setting(struct fetcher *f, const char *key, const char *value, int64_t deadline)
{
	CLEANUP(buf_wipe) struct buf b = {0};
	size_t key_size = strlen(key) + 1, left = strlen(value);
	int r;

	do {
		size_t n = left < FRAME_MAX - 1 - key_size ? left : FRAME_MAX - 1 - key_size;

		b.len = 0;
		r = buf_add(&b, key, key_size);
		if (r == 0)
			r = buf_add(&b, value, n);
		if (r == 0)
			r = buf_add(&b, "", 1);
		if (r == 0)
			r = wire_send(f->sock, FRAME_CONFIG, 0, b.data, b.len, -1, deadline);
		value += n;
		left -= n;
	} while (r == 0 && left > 0);
	return r;
}

/* CONFIG goes before our first request: of one that is kept nobody remembers what it has heard. */
static int send_settings(struct fetcher *f, int64_t deadline)
{
	const char *key, *value = NULL;
	int r = 0;

	while (r == 0 && !f->told && (key = strlist_next(&f->settings, value))) {
		value = strlist_next(&f->settings, key);
		r = value ? send_setting(f, key, value, deadline) : -EINVAL;
	}
	f->told = true;
	if (++f->request_id == 0) /* CONFIG's */
		f->request_id++;
	return r;
}

static int send_request(struct fetcher *f, const struct fetcher_request *request)
{
	int64_t deadline = wire_now_ms() + f->idle_ms;
	int r = send_settings(f, deadline);

	if (r < 0)
		return r;
	if (request->user)
		return wire_send(f->sock, FRAME_REFRESH, f->request_id, request->user, strlen(request->user) + 1, -1,
				 deadline);
	return wire_send(f->sock, request->systems ? FRAME_SYSTEMS : FRAME_SYNC, f->request_id, request->validator,
			 strlen(request->validator) + 1, request->document_fd, deadline);
}

int fetcher_sync(struct fetcher *f, const struct fetcher_request *request, struct stage *stage,
		 struct fetcher_reply *ret, char ret_error[static FETCHER_ERROR_SIZE])
{
	struct exchange x = {request, stage, ret, ret_error};
	int r;

	ret_error[0] = '\0';
	*ret = (struct fetcher_reply){0};
	r = send_request(f, request);
	if (r == 0)
		r = receive(f, &x);
	if (r == 0)
		r = stage_flush(stage);
	if (r == 0 && request->user)
		r = refresh_check(stage, request->user);
	if (r < 0 && !ret_error[0])
		describe(f, r, ret_error);
	return r;
}

static int send_login(struct fetcher *f, const struct fetcher_login *login)
{
	CLEANUP(buf_wipe) struct buf b = {0};
	size_t user_size = strlen(login->user) + 1, password_size = strlen(login->password) + 1;
	int r = buf_reserve(&b, user_size + password_size); /* so that no piece of it stays behind */

	if (r == 0)
		r = buf_add(&b, login->user, user_size);
	if (r == 0)
		r = buf_add(&b, login->password, password_size);
	if (r == 0)
		r = send_settings(f, login->deadline_ms);
	return r < 0 ? r : wire_send(f->sock, FRAME_VERIFY, f->request_id, b.data, b.len, -1, login->deadline_ms);
}

int fetcher_verify(struct fetcher *f, const struct fetcher_login *login, int *ret_result,
		   char ret_error[static FETCHER_ERROR_SIZE])
{
	CLEANUP(frame_done) struct frame frame = {.fd = -1};
	int r = send_login(f, login);

	ret_error[0] = '\0';
	if (r == 0)
		r = wire_recv(f->sock, &frame, login->deadline_ms);
	if (r == 0 && (frame.type != FRAME_RESULT || frame.request_id != f->request_id || frame.fd >= 0))
		r = -EPROTO;
	if (r == 0)
		r = read_result(&frame, ret_result, ret_error);
	if (r < 0)
		snprintf(ret_error, FETCHER_ERROR_SIZE, "muster-fetch: %s", strerror(-r));
	return r;
}

/* RESULT, after any number of signs of life. */
static int receive_result(struct fetcher *f, int64_t deadline, int *ret_result, char *error)
{
	CLEANUP(frame_done) struct frame frame = {.fd = -1};
	int r;

	do {
		r = wire_recv(f->sock, &frame, deadline);
		if (r == 0 && (frame.request_id != f->request_id || frame.fd >= 0))
			r = -EPROTO;
	} while (r == 0 && frame.type == FRAME_RECORD && frame.payload.len == 0);
	if (r == 0)
		r = frame.type == FRAME_RESULT ? read_result(&frame, ret_result, error) : -EPROTO;
	return r;
}

int fetcher_report(struct fetcher *f, const char *id, char ret_error[static FETCHER_ERROR_SIZE])
{
	int64_t deadline = wire_now_ms() + f->idle_ms;
	int result = 0, r = send_settings(f, deadline);

	ret_error[0] = '\0';
	if (r == 0)
		r = wire_send(f->sock, FRAME_REPORT, f->request_id, id, strlen(id) + 1, -1, deadline);
	if (r == 0)
		r = receive_result(f, deadline, &result, ret_error);
	if (r < 0)
		describe(f, r, ret_error);
	return r < 0 ? r : result;
}
