/* The head of a reply, line by line; and the frame that carries what it said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "agentd/fetch/http.h"
#include "agentd/fetch/reply.h"
#include "common/macros.h"

#define NOW   1795309300
#define OK    "HTTP/1.1 200 OK\r\n"
#define JSON  "Content-Type: application/json\r\n"
#define DATE  "Date: Sun, 22 Nov 2026 01:02:03 GMT\r\n"
#define DATE_S 1795309323

/* Lines as libcurl gives them, one by one. */
static struct reply read_head(const char *text)
{
	struct reply r = { .total = -1 };

	while (*text) {
		size_t len = strcspn(text, "\n") + 1;

		assert_int_equal(reply_header(&r, text, len, NOW), 0);
		text += len;
	}
	return r;
}

static void test_checks(void **state)
{
	static const struct {
		const char *head, *validator;
		int result;
	} cases[] = {
		{ OK JSON, "", 1 },
		{ OK JSON, "\"x\"", 1 },
		{ OK "content-type:application/JSON;charset=utf-8\r\n", "", 1 },
		{ OK "Content-Type: application/json; charset=utf-8\r\n", "", 1 },
		{ OK "Content-Type: application/json5\r\n", "", -EPROTO },
		{ OK "Content-Type: text/html\r\n" JSON, "", 1 },
		{ OK JSON "Content-Type: text/html\r\n", "", -EPROTO },
		{ OK JSON "Content-Encoding: identity\r\n", "", 1 },
		{ OK JSON "Content-Encoding: gzip\r\n", "", -EPROTO },
		{ OK, "", -EPROTO },
		{ "HTTP/1.1 304 Not Modified\r\n", "\"x\"", 0 },
		{ "HTTP/1.1 304 Not Modified\r\n", "", -EPROTO },
		{ "HTTP/1.1 100 Continue\r\n\r\n" OK JSON, "", 1 },
		{ OK JSON "HTTP/1.1 200 OK\r\n", "", -EPROTO }, /* nothing of the one before */
		{ "HTTP/1.1 201 Created\r\n" JSON, "", -EPROTO },
		{ "HTTP/1.1 206 Partial\r\n" JSON, "", -EPROTO },
		{ "HTTP/1.1 302 Found\r\n" JSON, "", -EPROTO },
		{ "HTTP/1.1 404 Not Found\r\n" JSON, "", -EPROTO },
		{ "HTTP/1.1 401 Unauthorized\r\n" JSON, "", -EPERM },
		{ "HTTP/1.1 403 Forbidden\r\n" JSON, "", -EPERM },
		{ "HTTP/1.1 429 Too Many\r\n" JSON, "", -EBUSY },
		{ "HTTP/1.1 500 Oops\r\n" JSON, "", -EBUSY },
		{ "HTTP/1.1 999 Oops\r\n" JSON, "", -EBUSY },
		{ "HTTP/1.1 20 OK\r\n" JSON, "", -EPROTO },
		{ "HTTP/1.1\r\n" JSON, "", -EPROTO },
		{ "HTTP/2 200\r\n" JSON, "", 1 },
		{ JSON, "", -EPROTO },
		{ "", "", -EPROTO },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reply r = read_head(cases[i].head);

		if (reply_check(&r, cases[i].validator) != cases[i].result)
			fail_msg("%s", cases[i].head);
		assert_true((cases[i].result < 0) == (r.text[0] != '\0'));
	}
}

static void test_fields(void **state)
{
	static const struct {
		const char *head;
		int64_t date;
		uint32_t retry_after_s;
		const char *validator;
	} cases[] = {
		{ OK DATE, DATE_S, 0, "" },
		{ OK "date:\tSun, 22 Nov 2026 01:02:03 GMT \r\n", DATE_S, 0, "" },
		{ OK "Date: Sun, 22 Nov 2026 01:02:03\r\n", 0, 0, "" },
		{ OK "Date: Sun, 22 Nov 2026 01:02:03 GMT x\r\n", 0, 0, "" },
		{ OK "Date: Sun, 22 Nov 1926 01:02:03 GMT\r\n", 0, 0, "" },
		{ OK DATE "Date: x\r\n", 0, 0, "" },
		{ OK "Retry-After: 120\r\n", 0, 120, "" },
		{ OK "Retry-After: 18446744073709551615\r\n", 0, REPLY_RETRY_MAX_S, "" },
		{ OK "Retry-After: 18446744073709551616\r\n", 0, 0, "" },
		{ OK "Retry-After: 1.5\r\n", 0, 0, "" },
		{ OK "Retry-After: Sun, 22 Nov 2026 01:02:03 GMT\r\n", 0, DATE_S - NOW, "" },
		{ OK DATE "Retry-After: Sun, 22 Nov 2026 01:02:13 GMT\r\n", DATE_S, 10, "" },
		{ OK DATE "Retry-After: Sun, 22 Nov 2026 01:02:02 GMT\r\n", DATE_S, 0, "" },
		{ OK "ETag: \"abc\"\r\n", 0, 0, "\"abc\"" },
		{ OK "ETag: W/\"a-b\"\r\n", 0, 0, "W/\"a-b\"" },
		{ OK "ETag: \"\"\r\n", 0, 0, "\"\"" },
		{ OK "ETag: abc\r\n", 0, 0, "" },
		{ OK "ETag: \"a\"b\"\r\n", 0, 0, "" },
		{ OK "ETag: \"\r\n", 0, 0, "" },
		{ OK "ETag: W/\"\r\n", 0, 0, "" },
		{ OK "ETag: \"a\x7f\"\r\n", 0, 0, "" },
		{ OK "ETag \"abc\"\r\n", 0, 0, "" },
		{ OK "X-ETag: \"abc\"\r\n", 0, 0, "" },
		{ "HTTP/1.1 103 Hints\r\n" DATE "ETag: \"a\"\r\nRetry-After: 5\r\n\r\n" OK, 0, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reply r = read_head(cases[i].head);

		if (r.server.date != cases[i].date || r.server.retry_after_s != cases[i].retry_after_s ||
		    strcmp(r.server.validator, cases[i].validator) != 0)
			fail_msg("%s: %lld %u %s", cases[i].head, (long long)r.server.date,
				 r.server.retry_after_s, r.server.validator);
	}
}

static void test_total(void **state)
{
	static const struct {
		const char *head;
		int64_t total;
	} cases[] = {
		{ OK, -1 },
		{ OK "x-total-count: 0\r\n", 0 },
		{ OK "X-Total-Count: 20000\r\n", 20000 },
		{ OK "X-Total-Count: -1\r\n", -1 },
		{ OK "X-Total-Count: 5\r\nX-Total-Count: 5,5\r\n", -1 },
		{ OK "X-Total-Count: 9223372036854775808\r\n", -1 },
		{ "HTTP/1.1 103 Hints\r\nX-Total-Count: 5\r\n\r\n" OK, -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(read_head(cases[i].head).total, cases[i].total);
}

static void test_body(void **state)
{
	struct reply r = read_head(OK JSON), bad = read_head("HTTP/1.1 500 x\r\n"), html = read_head(OK);

	(void)state;
	/* A refusal is read, but not for anybody, and not for long. */
	assert_int_equal(reply_body(&bad, 1, 1000), 0);
	assert_int_equal(reply_body(&bad, REPLY_REFUSAL_MAX - 1, 1000), 0);
	assert_int_equal(reply_body(&bad, 1, 1000), -EBUSY);
	assert_int_equal(reply_body(&html, 1, 1000), -EPROTO);
	assert_int_equal(reply_body(&r, 900, 1000), 1);
	assert_int_equal(reply_body(&r, 100, 1000), 1);
	assert_int_equal(reply_body(&r, 1, 1000), -EFBIG);
	/* Trailers say nothing. */
	assert_int_equal(reply_header(&r, DATE, strlen(DATE), NOW), 0);
	assert_int_equal(r.server.date, 0);
}

static void test_bounds(void **state)
{
	static char line[REPLY_HEADERS_MAX];
	struct reply r = { .json = false };

	(void)state;
	memset(line, 'a', sizeof(line));
	assert_int_equal(reply_header(&r, line, sizeof(line) - 1, NOW), 0);
	assert_int_equal(reply_header(&r, line, 1, NOW), 0);
	assert_int_equal(reply_header(&r, line, 1, NOW), -EPROTO);
	assert_int_equal(reply_header(&r, line, 0, NOW), 0);
}

static void test_frame(void **state)
{
	struct frame_server s = { DATE_S, 200, 120, "\"v1\"" }, back;
	uint8_t frame[FRAME_SERVER_SIZE_MAX];
	size_t len = frame_server_pack(&s, frame);

	(void)state;
	assert_int_equal(len, 21);
	assert_int_equal(frame_server_unpack(frame, len, &back), 0);
	assert_true(back.date == DATE_S && back.status == 200 && back.retry_after_s == 120);
	assert_string_equal(back.validator, "\"v1\"");
	for (size_t i = 0; i < len; i++)
		assert_int_equal(frame_server_unpack(frame, i, &back), -EPROTO);
	frame[17] = '"';
	assert_int_equal(frame_server_unpack(frame, len, &back), -EPROTO);
	frame[17] = '\0';
	assert_int_equal(frame_server_unpack(frame, len, &back), -EPROTO);
	s.validator[0] = '\0';
	len = frame_server_pack(&s, frame);
	assert_int_equal(len, 17);
	assert_int_equal(frame_server_unpack(frame, len, &back), 0);
}

static void test_expand(void **state)
{
	static const char *const cases[][2] = {
		{ "https://x/", "https://x/" },
		{ "https://x/%h.json", "https://x/my-host.example.json" },
		{ "https://x/%i/%h?%i", "https://x/a%2Fb%3F%C3%A4/my-host.example?a%2Fb%3F%C3%A4" },
		{ "https://x/%20%%h%", "https://x/%20%my-host.example%" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *url = NULL;

		assert_int_equal(http_expand(cases[i][0], "my-host.example", "a/b?\xc3\xa4", &url), 0);
		assert_string_equal(url, cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks), cmocka_unit_test(test_fields), cmocka_unit_test(test_total),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_frame),  cmocka_unit_test(test_expand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
