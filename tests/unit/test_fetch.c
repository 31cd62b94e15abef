/* The built muster-fetch, spoken to over its socket: right words, wrong words, no words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "agentd/fetch/protocol.h"
#include "common/record.h"
#include "common/wire.h"

#define WAIT_MS 20000

struct fetch {
	pid_t pid;
	int sock;
	struct frame answer;
};

static void start(struct fetch *f)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (f->pid == 0) {
		char *argv[] = { (char *)"muster-fetch", NULL }, *envp[] = { NULL };

		if (pair[1] == FETCH_FD ? fcntl(pair[1], F_SETFD, 0) < 0 : dup2(pair[1], FETCH_FD) < 0)
			_exit(126);
		execve("./muster-fetch", argv, envp);
		_exit(127);
	}
	close(pair[1]);
	f->sock = pair[0];
	f->answer = (struct frame){ .fd = -1 };
}

/* Hangs up, if that is not done, and wants it to end by itself with STATUS. */
static void stop(struct fetch *f, int status)
{
	int s = -1;

	if (f->sock >= 0)
		close(f->sock);
	assert_int_equal(waitpid(f->pid, &s, 0), f->pid);
	assert_true(WIFEXITED(s));
	assert_int_equal(WEXITSTATUS(s), status);
	buf_done(&f->answer.payload);
}

static void send_frame(struct fetch *f, enum frame_type type, uint32_t id, const void *data, size_t len, int fd)
{
	assert_int_equal(wire_send(f->sock, type, id, data, len, fd, wire_now_ms() + WAIT_MS), 0);
}

static void configure(struct fetch *f)
{
	static const char config[] = "driver\0document\0url\0file:///d.json\0hostname\0here\0system_id\0"
				     "5cdc80416e59bc2c5bbe63ef\0later\0thing\0secrets\0yes";

	send_frame(f, FRAME_CONFIG, 0, config, sizeof(config), -1);
}

static void sync_document(struct fetch *f, uint32_t id, const char *text)
{
	int fd = memfd_create("document", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	send_frame(f, FRAME_SYNC, id, "", 1, fd);
	close(fd);
}

static void expect_frame(struct fetch *f, enum frame_type type, uint32_t id)
{
	assert_int_equal(wire_recv(f->sock, &f->answer, wire_now_ms() + WAIT_MS), 0);
	assert_int_equal(f->answer.type, type);
	assert_int_equal(f->answer.request_id, id);
}

static void expect_result(struct fetch *f, uint32_t id, int error, const char *text)
{
	uint32_t code;

	expect_frame(f, FRAME_RESULT, id);
	memcpy(&code, f->answer.payload.data, sizeof(code));
	assert_int_equal(le32toh(code), error);
	assert_string_equal((char *)f->answer.payload.data + sizeof(code), text);
}

static void expect_end(struct fetch *f, uint32_t id, uint64_t accounts, uint64_t serial)
{
	struct frame_end end;

	expect_frame(f, FRAME_END, id);
	assert_int_equal(frame_end_unpack(f->answer.payload.data, f->answer.payload.len, &end), 0);
	assert_int_equal(end.accounts, accounts);
	assert_int_equal(end.serial, serial);
	assert_int_equal(end.flags, FRAME_END_COMPLETE);
}

#define HEAD "{\"format\":\"muster-directory/1\","

/* Takes the record at *OFFSET of the frame that came last. */
static const uint8_t *next_record(struct fetch *f, size_t *offset, size_t *ret_len)
{
	const struct buf *p = &f->answer.payload;
	uint32_t len;

	assert_true(p->len >= *offset + sizeof(len));
	memcpy(&len, p->data + *offset, sizeof(len));
	*ret_len = le32toh(len);
	*offset += sizeof(len) + *ret_len;
	assert_true(*offset <= p->len);
	return p->data + *offset - *ret_len;
}

static void test_sync(void **state)
{
	struct fetch f;
	struct account a;
	struct reject r;
	struct lockout_policy l;
	const uint8_t *record;
	size_t offset = 0, len;

	(void)state;
	start(&f);
	configure(&f);
	sync_document(&f, 7,
		      HEAD "\"serial\":3,\"policy\":{\"maxLoginAttempts\":5},\"users\":[{\"id\":\"a\",\"username\":\"alice\","
			   "\"unix_uid\":5001},{\"id\":\"b\",\"username\":\"bob\",\"unix_uid\":\"5002\"}],"
			   "\"bindings\":{\"Here\":{\"users\":[\"a\",\"b\"]}}}");
	expect_frame(&f, FRAME_RECORD, 7);
	record = next_record(&f, &offset, &len);
	assert_int_equal(record_lockout_unpack(record, len, &l), 0);
	assert_true(l.has_max_attempts && l.max_attempts == 5);
	record = next_record(&f, &offset, &len);
	assert_int_equal(record_account_unpack(record, len, &a), 0);
	assert_string_equal(a.name, "alice");
	assert_int_equal(a.uid, 5001);
	record = next_record(&f, &offset, &len);
	assert_int_equal(record_reject_unpack(record, len, &r), 0);
	assert_string_equal(r.reason, "uid_type");
	assert_int_equal(offset, f.answer.payload.len);
	expect_end(&f, 7, 1, 3);

	/* The same process goes on, also after a bad document. */
	sync_document(&f, 8, HEAD "\n\"users\":[NaN]}");
	expect_result(&f, 8, EBADMSG, "line 2, column 10: expected a JSON value");
	sync_document(&f, 9, HEAD "\"users\":[]}");
	expect_end(&f, 9, 0, 0);
	stop(&f, 0);
}

/* More records than go into a frame: all of them, whole, in frames that are full. */
static void test_frames(void **state)
{
	struct fetch f;
	struct buf text = { 0 };
	char user[128];
	unsigned n_users = 5000, found = 0, frames = 0;

	(void)state;
	assert_int_equal(buf_add(&text, HEAD "\"users\":[", strlen(HEAD "\"users\":[")), 0);
	for (unsigned i = 0; i < n_users; i++) {
		int n = snprintf(user, sizeof(user), "%s{\"id\":\"%024u\",\"username\":\"u%u\"}", i ? "," : "", i, i);

		assert_int_equal(buf_add(&text, user, (size_t)n), 0);
	}
	assert_int_equal(buf_add(&text, "]}", 3), 0);
	start(&f);
	configure(&f);
	sync_document(&f, 1, (char *)text.data);
	while (found < n_users) {
		expect_frame(&f, FRAME_RECORD, 1);
		for (size_t offset = 0, len; offset < f.answer.payload.len;) {
			const uint8_t *record = next_record(&f, &offset, &len);
			struct account a;

			assert_int_equal(record_account_unpack(record, len, &a), 0);
			assert_int_equal(strtoul(a.name + 1, NULL, 10), found++);
		}
		frames++;
	}
	expect_end(&f, 1, n_users, 0);
	assert_in_range(frames, 2, n_users / 50);
	stop(&f, 0);
	buf_done(&text);
}

static void test_refused_requests(void **state)
{
	struct fetch f;

	(void)state;
	start(&f);
	send_frame(&f, FRAME_SYNC, 1, "", 1, -1); /* before CONFIG */
	expect_result(&f, 1, EPROTO, "no driver of this name");
	configure(&f);
	sync_document(&f, 2, HEAD "\"users\":[]}"); /* what came before was no less whole */
	expect_end(&f, 2, 0, 0);
	stop(&f, 0);
	start(&f);
	configure(&f);
	send_frame(&f, FRAME_SYNC, 2, "", 1, -1);
	expect_result(&f, 2, EPROTO, "no document came along");
	send_frame(&f, FRAME_SYNC, 3, "", 1, f.sock); /* no regular file */
	expect_result(&f, 3, EINVAL, "not a regular file");
	stop(&f, 0);
}

static void test_config(void **state)
{
	static const char odd[] = "driver", unterminated[] = { 'a', 0, 'b' };
	struct fetch f;

	(void)state;
	start(&f);
	send_frame(&f, FRAME_CONFIG, 0, odd, sizeof(odd), -1);
	stop(&f, 1);
	start(&f);
	send_frame(&f, FRAME_CONFIG, 0, unterminated, sizeof(unterminated), -1);
	stop(&f, 1);
	start(&f);
	send_frame(&f, FRAME_CONFIG, 0, "", 0, -1);
	stop(&f, 0);
}

/* Settings that come again are all there is; and what reads files never goes to the network. */
static void test_config_again(void **state)
{
	static const char document[] = HEAD "\"users\":[{\"id\":\"a\",\"username\":\"alice\"},"
				       "{\"id\":\"b\",\"username\":\"bob\"}],\"bindings\":{\"there\":{\"users\":[\"b\"]},"
				       "\"here\":{\"users\":[\"a\",\"b\"]}}}";
	static const char there[] = "hostname\0there", others[] = "driver\0document\0url\0file:///d.json";
	static const char network[] = "driver\0document\0url\0https://localhost/\0ca\0x";
	struct fetch f;

	(void)state;
	start(&f);
	configure(&f);
	sync_document(&f, 1, document);
	expect_frame(&f, FRAME_RECORD, 1);
	expect_end(&f, 1, 2, 0);
	for (uint32_t id = 2; id < 4; id++) { /* the same settings twice */
		send_frame(&f, FRAME_CONFIG, 0, there, sizeof(there), -1);
		send_frame(&f, FRAME_CONFIG, 0, others, sizeof(others), -1);
		sync_document(&f, id, document);
		expect_frame(&f, FRAME_RECORD, id);
		expect_end(&f, id, 1, 0);
	}
	sync_document(&f, 4, document);
	expect_frame(&f, FRAME_RECORD, 4);
	expect_end(&f, 4, 1, 0);
	send_frame(&f, FRAME_CONFIG, 0, network, sizeof(network), -1);
	send_frame(&f, FRAME_SYNC, 5, "", 1, -1);
	stop(&f, 1);
}

/* Sends DATA as it is and wants the process to end by itself with STATUS. */
static void send_raw(const void *data, size_t len, int status)
{
	struct fetch f;

	start(&f);
	assert_int_equal(send(f.sock, data, len, MSG_NOSIGNAL), len);
	stop(&f, status);
}

static void test_garbage(void **state)
{
	static const uint8_t giant[12] = { 1, 0, 1, 0, 1 }, long_giant[12] = { 0xff, 0xff, 0xff, 0xff, 1 };
	static const uint8_t unknown[12] = { 0, 0, 0, 0, 77 }, half[] = { 9, 0, 0 }, cut[14] = { 9, 0, 0, 0, 1 };
	static const uint8_t not_zero[12] = { 0, 0, 0, 0, 1, 0, 1, 0 };
	uint8_t noise[4096];
	uint32_t x = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++) {
		x = x * 1103515245 + 12345;
		noise[i] = (uint8_t)(x >> 16);
	}
	send_raw(giant, sizeof(giant), 1);
	send_raw(long_giant, sizeof(long_giant), 1);
	send_raw(unknown, sizeof(unknown), 1);
	send_raw(not_zero, sizeof(not_zero), 1);
	send_raw(half, sizeof(half), 0);
	send_raw(cut, sizeof(cut), 0);
	send_raw("", 0, 0);
	send_raw(noise, sizeof(noise), 1);
}

/* musterd goes away in the middle of a sync. */
static void test_hang_up(void **state)
{
	struct fetch f;

	(void)state;
	start(&f);
	configure(&f);
	sync_document(&f, 1, HEAD "\"users\":[{\"id\":\"a\",\"username\":\"alice\"}]}");
	stop(&f, 0);
}

static void expect_status(const struct fetch *f, const char *line)
{
	char path[64], text[8192] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)f->pid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	if (!strstr(text, line))
		fail_msg("no \"%s\" in\n%s", line, text);
}

/* Before it reads anything from outside it has given up what it does not need. */
static void test_sandbox(void **state)
{
	struct fetch f;

	(void)state;
	start(&f);
	configure(&f);
	sync_document(&f, 1, HEAD "\"users\":[]}");
	expect_end(&f, 1, 0, 0);
	expect_status(&f, "\nNoNewPrivs:\t1\n");
#ifndef __SANITIZE_ADDRESS__
	expect_status(&f, "\nSeccomp:\t2\n");
#endif
	stop(&f, 0);
}

/* Without a socket on descriptor 3 it says what it is. */
static void test_by_hand(void **state)
{
	pid_t pid;
	int s = -1;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(FETCH_FD);
		if (!freopen("/dev/null", "w", stderr))
			_exit(126);
		execl("./muster-fetch", "muster-fetch", (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &s, 0), pid);
	assert_true(WIFEXITED(s));
	assert_int_equal(WEXITSTATUS(s), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sync),	cmocka_unit_test(test_frames),	cmocka_unit_test(test_refused_requests),
		cmocka_unit_test(test_config),	cmocka_unit_test(test_garbage), cmocka_unit_test(test_hang_up),
		cmocka_unit_test(test_by_hand), cmocka_unit_test(test_sandbox), cmocka_unit_test(test_config_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
