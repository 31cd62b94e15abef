/* The parent's side of muster-fetch, against children that lie, die, hang and flood; and what a child is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "agentd/fetch/protocol.h"
#include "agentd/fetcher.h"

static struct stage stage;
static struct fetcher_reply reply;
static const char *validator = "", *user; /* NULL: all are asked for */
static bool remote; /* no document goes along */
static char error[FETCHER_ERROR_SIZE];

/* One sync with a liar that does HOW; PATH: another program. */
static int sync_with(const char *path, const char *how)
{
	static char settings[300000];
	int len = snprintf(settings, sizeof(settings), FETCH_KEY_DRIVER "%c%s%c" FETCH_KEY_CA "%c", 0, how, 0, 0);
	struct fetcher_options o = {
		.path = path ? path : LIAR,
		.settings = {settings, sizeof(settings), 4},
		.idle_ms = 2000, /* machines are slow and loaded */
		.total_ms = 20000,
	};
	AUTO_CLOSE int document = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct fetcher f;
	int r;

	memset(settings + len, 'c', sizeof(settings) - (size_t)len - 1);
	stage_done(&stage);
	assert_int_equal(stage_init(&stage), 0);
	assert_int_equal(fetcher_start(&o, &f), 0);
	r = fetcher_sync(&f, &(struct fetcher_request){.document_fd = remote ? -1 : document, .validator = validator,
						       .user = user},
			 &stage, &reply, error);
	fetcher_stop(&f);
	assert_int_equal(f.pid, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* reaped */
	return r;
}

static void expect(const char *how, int r, const char *text)
{
	int got = sync_with(NULL, how);

	if (got != r || !strstr(error, text))
		fail_msg("%s: %d '%s', not %d '%s'", how, got, error, r, text);
}

static void test_right(void **state)
{
	(void)state;
	expect("right", 0, "");
	assert_string_equal(error, "");
	assert_int_equal(stage.n_records, 3);
	assert_int_equal(reply.end.serial, 7);
	assert_true(reply.end.flags & FRAME_END_COMPLETE);
}

static void test_wrong(void **state)
{
	(void)state;
	expect("die", -EPIPE, "died of signal 9");
	expect("leave", -EPIPE, "ended before the sync did");
	expect("few", -EPROTO, "broke the protocol");
	expect("many", -EPROTO, "broke the protocol");
	expect("foreign", -EPROTO, "broke the protocol");
	expect("descriptor", -EPROTO, "broke the protocol");
	expect("type", -EPROTO, "broke the protocol");
	expect("garbage", -EPROTO, "broke the protocol");
	expect("short", -EPROTO, "broke the protocol");
	expect("stream", -EPROTO, "broke the protocol");
	expect("result_zero", -EPROTO, "broke the protocol");
	expect("result_long", -EPROTO, "broke the protocol");
	expect("result_open", -EPROTO, "broke the protocol");
	expect("result", -EBADMSG, "line 1:\\x1b[2J no");
}

static int verify_with(const char *how, int64_t most_ms, int *result)
{
	char settings[64];
	int len = snprintf(settings, sizeof(settings), FETCH_KEY_DRIVER "%c%s%c", 0, how, 0), r;
	struct fetcher_options o = {.path = LIAR, .settings = {settings, (size_t)len, 2}};
	struct fetcher f;

	assert_int_equal(fetcher_start(&o, &f), 0);
	r = fetcher_verify(&f, &(struct fetcher_login){"dora", "secret", wire_now_ms() + most_ms}, result, error);
	assert_null(strstr(error, "secret"));
	fetcher_stop(&f);
	return r;
}

/* An answer is a whole RESULT to this very request; nothing else, and no failure of our own, looks like one. */
static void test_verify(void **state)
{
	static const char *const none[] = {"right", "die", "leave", "hang", "foreign", "foreign_result", "type", "garbage",
					   "stream", "result_long", "result_open", "busy", "descriptor"};
	int result = 1;

	(void)state;
	assert_int_equal(verify_with("result_zero", 20000, &result), 0);
	assert_int_equal(result, 0);
	assert_int_equal(verify_with("wrong_password", 20000, &result), 0);
	assert_int_equal(result, -EKEYREJECTED);
	assert_string_equal(error, "no");
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		result = 1;
		if (verify_with(none[i], 500, &result) >= 0 || result != 1 || !error[0])
			fail_msg("%s: %d '%s'", none[i], result, error);
	}
}

/* Left to itself, and by a thread that then ends: no child stays. */
static void test_leave(void **state)
{
	char settings[] = FETCH_KEY_DRIVER "\0hang";
	struct fetcher_options o = {.path = LIAR, .settings = {settings, sizeof(settings), 2}};
	struct fetcher f;
	pid_t pid;

	(void)state;
	assert_int_equal(fetcher_start(&o, &f), 0);
	pid = f.pid;
	fetcher_leave(&f);
	assert_int_equal(waitpid(pid, NULL, 0), pid); /* end of file */
}

static void test_server(void **state)
{
	(void)state;
	expect("busy", -EPROTO, "broke the protocol"); /* of a file no server speaks */
	remote = true;
	expect("busy", -EBUSY, "busy");
	assert_int_equal(reply.server.status, 503);
	assert_int_equal(reply.server.retry_after_s, 7);
	assert_int_equal(reply.server.date, 1700000000);
	expect("right", -EPROTO, "broke the protocol"); /* and no server's list is explicit */
	assert_int_equal(reply.server.status, 0);
	expect("server_twice", -EPROTO, "broke the protocol");
	expect("server_none", -EPROTO, "broke the protocol");
	expect("server_validator", -EPROTO, "broke the protocol");
	expect("unchanged", -EPROTO, "broke the protocol"); /* nothing was known */
	validator = "\"v1\"";
	expect("unchanged", 0, "");
	assert_true(reply.end.flags & FRAME_END_UNCHANGED);
	assert_string_equal(reply.server.validator, validator);
	expect("unchanged_records", -EPROTO, "broke the protocol");
	validator = "";
	remote = false;
}

/* Of one user: what comes for another is no answer (the rest is test_refresh.c's). */
static void test_user(void **state)
{
	(void)state;
	remote = true;
	user = "u1";
	expect("user", 0, "");
	assert_int_equal(stage.n_records, 1);
	user = "u2";
	expect("user", -EPROTO, "broke the protocol");
	user = NULL;
	expect("user", 0, "");
	remote = false;
}

static void test_config(void **state)
{
	char text[32];

	(void)state;
	/* driver NUL config NUL ca NUL … NUL */
	snprintf(text, sizeof(text), "ca %d", 300000 - 7 - 7 - 3 - 1);
	expect("config", -EIO, text);
}

static void test_slow(void **state)
{
	int64_t begun = wire_now_ms();

	(void)state;
	expect("hang", -ETIMEDOUT, "did not answer in time");
	assert_true(wire_now_ms() - begun < 15000); /* idle limit and the wait before the kill */
}

static void test_flood(void **state)
{
	(void)state;
	expect("flood", -E2BIG, "sent more than is taken");
	assert_true(stage.n_records <= SYNC_RECORDS_MAX);
}

static void test_no_program(void **state)
{
	(void)state;
	assert_int_equal(sync_with("/nonexistent/muster-fetch", "right"), -EPIPE);
	assert_string_equal(error, "muster-fetch could not be started");
}

/* Descriptors 0 to 3, no environment, no way to new rights, and death with the parent. */
static void test_given(void **state)
{
	AUTO_CLOSE int extra = open("/dev/null", O_RDONLY); /* not close-on-exec */
	AUTO_CLOSE int high = fcntl(extra, F_DUPFD, 100);
	sigset_t set;

	(void)state;
	assert_true(high >= 100);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	setenv("SECRET", "1", 1);
	expect("look", -EIO, "env 0 fds 4 nnp 1 death 9 blocked 0 cwd /");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/*
 * One that others keep: its socket stays open, settings come before each request, and what was an answer to others is none.
 */
static void test_adopted(void **state)
{
	static const char settings[] = FETCH_KEY_DRIVER "\0document";
	struct fetcher_options o = {
		.settings = {settings, sizeof(settings), 2},
		.idle_ms = 300,
		.total_ms = 300,
	};
	const struct fetcher_request request = {.document_fd = -1, .validator = ""};
	struct frame frame = {.fd = -1};
	uint32_t id, last = 0;
	struct fetcher f;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fetcher_adopt(&o, pair[0], &f), 0);
		assert_int_equal(fetcher_sync(&f, &request, &stage, &reply, error), -ETIMEDOUT);
		fetcher_stop(&f);
		assert_int_equal(wire_recv(pair[1], &frame, wire_now_ms() + 5000), 0);
		assert_int_equal(frame.type, FRAME_CONFIG);
		assert_int_equal(wire_recv(pair[1], &frame, wire_now_ms() + 5000), 0);
		assert_int_equal(frame.type, FRAME_SYNC);
		id = frame.request_id;
		assert_true(id != 0 && id != last);
		last = id;
	}
	o.idle_ms = o.total_ms = 20000;
	assert_int_equal(wire_send(pair[1], FRAME_RECORD, last, "", 0, -1, wire_now_ms() + 5000), 0);
	assert_int_equal(fetcher_adopt(&o, pair[0], &f), 0);
	assert_int_equal(fetcher_sync(&f, &request, &stage, &reply, error), -EPROTO);
	fetcher_stop(&f);
	close(pair[1]);
	assert_int_equal(fetcher_adopt(&o, pair[0], &f), 0);
	assert_int_equal(fetcher_sync(&f, &request, &stage, &reply, error), -EPIPE);
	assert_string_equal(error, "muster-fetch ended before the sync did");
	fetcher_stop(&f);
	frame_done(&frame);
	assert_int_equal(close(pair[0]), 0);
}

static int set_up(void **state)
{
	(void)state;
	stage.fd = -1;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stage_done(&stage);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right), cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_slow),  cmocka_unit_test(test_flood),
		cmocka_unit_test(test_given), cmocka_unit_test(test_no_program),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_server), cmocka_unit_test(test_config), cmocka_unit_test(test_adopted),
		cmocka_unit_test(test_user),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
