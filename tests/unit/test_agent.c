/* common/agent: requests and answers survive the wire; anything else is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/agent.h"

static const struct agent_request request = {
	.nonce = "0123456789abcde",
	.phase = VERDICT_AUTH,
	.flags = AGENT_NOWAIT,
	.user = "dora",
	.password = "s\xc3\xa9" "cret",
	.service = "sshd",
	.rhost = "192.0.2.7",
	.tty = "ssh",
	.code = "123456",
};

static const struct agent_answer answer = {
	.nonce = "0123456789abcde",
	.user = "dora",
	.uid = 1900000001,
	.reason = REASON_SUSPENDED,
	.password = AGENT_PASSWORD_RIGHT,
	.generation = 1ull << 40,
	.expires_at = -1,
	.online = true,
	.code_asked = true,
};

static void test_round_trip(void **state)
{
	struct buf b = {0};
	struct agent_request q;
	struct agent_answer a;

	(void)state;
	assert_int_equal(agent_request_pack(&request, &b), 0);
	assert_int_equal(agent_request_unpack(b.data, b.len, &q), 0);
	assert_memory_equal(q.nonce, request.nonce, AGENT_NONCE_SIZE);
	assert_int_equal(q.phase, VERDICT_AUTH);
	assert_int_equal(q.flags, AGENT_NOWAIT);
	assert_string_equal(q.user, "dora");
	assert_string_equal(q.password, request.password);
	assert_string_equal(q.service, "sshd");
	assert_string_equal(q.rhost, "192.0.2.7");
	assert_string_equal(q.tty, "ssh");
	assert_string_equal(q.code, "123456");
	buf_wipe(&b);
	assert_int_equal(agent_answer_pack(&answer, &b), 0);
	assert_int_equal(agent_answer_unpack(b.data, b.len, &a), 0);
	assert_memory_equal(a.nonce, answer.nonce, AGENT_NONCE_SIZE);
	assert_int_equal(a.uid, answer.uid);
	assert_int_equal(a.reason, REASON_SUSPENDED);
	assert_int_equal(a.password, AGENT_PASSWORD_RIGHT);
	assert_int_equal(a.generation, answer.generation);
	assert_int_equal(a.expires_at, -1);
	assert_true(a.online && a.code_asked);
	assert_string_equal(a.user, "dora");
	buf_done(&b);
}

/* Every truncation and any tail is refused, and what was to be filled stays as it was. */
static void test_length(void **state)
{
	struct buf q = {0}, a = {0};
	struct agent_request rq = {.flags = 77};
	struct agent_answer ra = {.uid = 77};

	(void)state;
	assert_int_equal(agent_request_pack(&request, &q), 0);
	assert_int_equal(agent_answer_pack(&answer, &a), 0);
	for (size_t n = 0; n < q.len; n++)
		assert_int_equal(agent_request_unpack(q.data, n, &rq), -EBADMSG);
	for (size_t n = 0; n < a.len; n++)
		assert_int_equal(agent_answer_unpack(a.data, n, &ra), -EBADMSG);
	assert_int_equal(buf_add(&q, "", 1), 0);
	assert_int_equal(buf_add(&a, "", 1), 0);
	assert_int_equal(agent_request_unpack(q.data, q.len, &rq), -EBADMSG);
	assert_int_equal(agent_answer_unpack(a.data, a.len, &ra), -EBADMSG);
	assert_int_equal(rq.flags, 77);
	assert_int_equal(ra.uid, 77);
	buf_done(&q);
	buf_done(&a);
}

/* No single flipped bit turns a refusal into an admission. */
static void test_flipped_bits(void **state)
{
	struct agent_answer bad = answer, got;
	struct buf b = {0};

	(void)state;
	bad.password = AGENT_PASSWORD_WRONG;
	assert_int_equal(agent_answer_pack(&bad, &b), 0);
	for (size_t bit = 0; bit < b.len * 8; bit++) {
		b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (agent_answer_unpack(b.data, b.len, &got) == 0) {
			assert_int_not_equal(got.reason, REASON_OK);
			assert_int_not_equal(got.password, AGENT_PASSWORD_RIGHT);
		}
		b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	buf_done(&b);
}

/* Without a code nothing is new: musterd and modules from before codes understand each other with those of today. */
static void test_versions(void **state)
{
	struct agent_request q = request, got;
	struct agent_answer a = answer;
	struct buf b = {0};

	(void)state;
	assert_int_equal(agent_request_pack(&request, &b), 0);
	assert_memory_equal(b.data, "\2\0\0\0", 4);
	b.data[0] = 1; /* there is more than such a request has */
	assert_int_equal(agent_request_unpack(b.data, b.len, &got), -EBADMSG);
	b.data[0] = 3;
	assert_int_equal(agent_request_unpack(b.data, b.len, &got), -EBADMSG);
	buf_wipe(&b);
	q.code = "";
	assert_int_equal(agent_request_pack(&q, &b), 0);
	assert_memory_equal(b.data, "\1\0\0\0", 4);
	assert_int_equal(agent_request_unpack(b.data, b.len, &got), 0);
	assert_string_equal(got.code, "");
	b.data[0] = 2; /* there is less */
	assert_int_equal(agent_request_unpack(b.data, b.len, &got), -EBADMSG);
	assert_int_equal(buf_add(&b, "", 1), 0); /* an empty code is none */
	assert_int_equal(agent_request_unpack(b.data, b.len, &got), -EBADMSG);
	buf_wipe(&b);
	for (uint32_t flags = 0; flags < 4; flags++) {
		a.online = flags & 1;
		a.code_asked = flags & 2;
		assert_int_equal(agent_answer_pack(&a, &b), 0);
		assert_int_equal(b.data[48], flags);
		b.data[48] |= 4;
		assert_int_equal(agent_answer_unpack(b.data, b.len, &a), -EBADMSG);
		buf_wipe(&b);
	}
}

static void test_limits(void **state)
{
	char text[AGENT_TEXT_MAX + 2];
	struct agent_request r = request;
	struct buf b = {0};

	(void)state;
	memset(text, 'x', sizeof(text));
	text[AGENT_TEXT_MAX + 1] = 0;
	r.password = text;
	assert_int_equal(agent_request_pack(&r, &b), -EINVAL);
	buf_wipe(&b);
	text[AGENT_TEXT_MAX] = 0;
	assert_int_equal(agent_request_pack(&r, &b), 0);
	assert_int_equal(agent_request_unpack(b.data, b.len, &r), 0);
	assert_int_equal(strlen(r.password), AGENT_TEXT_MAX);
	buf_wipe(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
