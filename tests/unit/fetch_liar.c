/*
 * Stands in for muster-fetch and does what it never should. Which wrong, comes as the setting "driver", since it has
 * neither arguments nor an environment.
 */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signal.h>

#include "agentd/fetch/protocol.h"
#include "common/record.h"
#include "common/wire.h"

extern char **environ;

static uint32_t request;
static size_t ca_len; /* of the setting "ca", from all its pieces */

static void put(enum frame_type type, uint32_t id, const void *data, size_t len)
{
	if (wire_send(FETCH_FD, type, id, data, len, -1, wire_now_ms() + 5000) < 0)
		_exit(0); /* the parent had enough */
}

static void put_end(uint64_t accounts, uint64_t rejects, uint64_t flags)
{
	struct frame_end end = {.accounts = accounts, .rejects = rejects, .flags = flags, .serial = 7};
	uint8_t packed[FRAME_END_SIZE];

	frame_end_pack(&end, packed);
	put(FRAME_END, request, packed, sizeof(packed));
}

/* One frame with N good rejects in it. */
static void put_records(unsigned int n)
{
	struct buf b = {0}, frame = {0};
	uint32_t len;
	int r = record_reject_pack(&(struct reject){"user", "u1", "", "x", ""}, &b);

	len = htole32((uint32_t)b.len);
	for (unsigned int i = 0; r == 0 && i < n; i++) {
		r = buf_add(&frame, &len, sizeof(len));
		if (r == 0)
			r = buf_add(&frame, b.data, b.len);
	}
	if (r < 0)
		_exit(9);
	put(FRAME_RECORD, request, frame.data, frame.len);
	buf_done(&b);
	buf_done(&frame);
}

static void put_result(uint32_t code, const char *text, size_t size)
{
	char payload[4096];

	code = htole32(code);
	memcpy(payload, &code, sizeof(code));
	memcpy(payload + sizeof(code), text, size);
	put(FRAME_RESULT, request, payload, sizeof(code) + size);
}

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = -3; /* ".", ".." and the folder itself */

	while (d && readdir(d))
		n++;
	return n;
}

/* What this process was given. */
static void put_look(void)
{
	char text[256], cwd[128] = "";
	sigset_t blocked;
	int death = 0;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	prctl(PR_GET_PDEATHSIG, &death);
	snprintf(text, sizeof(text), "env %d fds %d nnp %d death %d blocked %d cwd %s", environ[0] != NULL,
		 count_fds(), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), death, sigismember(&blocked, SIGTERM),
		 getcwd(cwd, sizeof(cwd)) ? cwd : "?");
	put_result(EIO, text, strlen(text) + 1);
}

static void put_server(uint32_t status, const char *said)
{
	struct frame_server s = {.date = 1700000000, .status = status, .retry_after_s = 7};
	uint8_t packed[FRAME_SERVER_SIZE_MAX];

	snprintf(s.validator, sizeof(s.validator), "%s", said);
	put(FRAME_SERVER, request, packed, frame_server_pack(&s, packed));
}

static void lie_of_server(const char *how)
{
	char text[32];

	if (!strcmp(how, "busy")) {
		put_server(503, "");
		put_result(EBUSY, "busy", 5);
	} else if (!strcmp(how, "unchanged")) {
		put_server(304, "\"v1\"");
		put_end(0, 0, FRAME_END_UNCHANGED);
	} else if (!strcmp(how, "unchanged_records")) {
		put_records(1);
		put_end(0, 1, FRAME_END_UNCHANGED);
	} else if (!strcmp(how, "server_twice")) {
		put_server(200, "");
		put_server(200, "");
	} else if (!strcmp(how, "server_none")) {
		put_server(0, "");
	} else if (!strcmp(how, "server_validator")) {
		put_server(200, "v1");
	} else if (!strcmp(how, "wrong_password")) {
		put_result(EKEYREJECTED, "no", 3);
	} else if (!strcmp(how, "foreign_result")) {
		request++;
		put_result(0, "", 1);
	} else if (!strcmp(how, "user")) {
		put_records(1);
		put_end(0, 1, 0);
	} else if (!strcmp(how, "config")) {
		snprintf(text, sizeof(text), "ca %zu", ca_len);
		put_result(EIO, text, strlen(text) + 1);
	}
}

static void flood(void)
{
	for (;;)
		put_records(1000);
}

static void lie(const char *how)
{
	static const char garbage[] = "\xff\xff\xff\xffgarbage";
	static const char cut[] = "d\0\0\0R\1";
	static char long_text[RESULT_TEXT_MAX + 1];

	memset(long_text, 'x', sizeof(long_text) - 1);
	if (!strcmp(how, "right")) {
		put_records(3);
		put_end(0, 3, FRAME_END_COMPLETE);
	} else if (!strcmp(how, "die")) {
		put_records(3);
		raise(SIGKILL);
	} else if (!strcmp(how, "leave")) {
		put_records(3);
	} else if (!strcmp(how, "hang")) {
		put_records(3);
		sleep(60);
	} else if (!strcmp(how, "flood")) {
		flood();
	} else if (!strcmp(how, "few")) {
		put_records(2);
		put_end(0, 3, FRAME_END_COMPLETE);
	} else if (!strcmp(how, "many")) {
		put_records(4);
		put_end(0, 3, FRAME_END_COMPLETE);
	} else if (!strcmp(how, "foreign")) {
		put(FRAME_RECORD, request + 1, "", 0);
	} else if (!strcmp(how, "descriptor")) {
		if (wire_send(FETCH_FD, FRAME_RECORD, request, "", 0, 0, wire_now_ms() + 5000) < 0)
			_exit(9);
	} else if (!strcmp(how, "type")) {
		put(FRAME_VERIFY, request, "", 0);
	} else if (!strcmp(how, "garbage")) {
		put(FRAME_RECORD, request, garbage, sizeof(garbage));
	} else if (!strcmp(how, "short")) {
		put(FRAME_RECORD, request, cut, sizeof(cut)); /* 100 bytes are promised */
	} else if (!strcmp(how, "stream")) {
		if (write(FETCH_FD, garbage, sizeof(garbage)) < 0)
			_exit(9);
		sleep(60);
	} else if (!strcmp(how, "result")) {
		put_result(EBADMSG, "line 1:\x1b[2J no", 15);
	} else if (!strcmp(how, "result_zero")) {
		put_result(0, "fine", 5);
	} else if (!strcmp(how, "result_long")) {
		put_result(EIO, long_text, sizeof(long_text));
	} else if (!strcmp(how, "result_open")) {
		put_result(EIO, "no end", 6);
	} else if (!strcmp(how, "look")) {
		put_look();
	} else {
		lie_of_server(how);
	}
}

static void take_config(const struct frame *f, char *how, size_t size)
{
	const char *key = (const char *)f->payload.data, *value = key + strlen(key) + 1;

	if (!strcmp(key, FETCH_KEY_DRIVER))
		snprintf(how, size, "%s", value);
	if (!strcmp(key, FETCH_KEY_CA))
		ca_len += strlen(value);
}

int main(void)
{
	struct frame f = {.fd = -1};
	char how[64] = "";

	do {
		if (wire_recv(FETCH_FD, &f, wire_now_ms() + 5000) < 0)
			return 9;
		if (f.type == FRAME_CONFIG)
			take_config(&f, how, sizeof(how));
	} while (f.type == FRAME_CONFIG);
	if (f.type != FRAME_SYNC && f.type != FRAME_VERIFY && (f.type != FRAME_REFRESH || f.payload.len != 3))
		return 9;
	request = f.request_id;
	closep(&f.fd);
	lie(how);
	buf_done(&f.payload);
	return 0;
}
