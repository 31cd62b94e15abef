/*
 * F4: what comes over the agent's sockets, on either side. A stream is frames or is refused within its deadline; what
 * unpacks packs to the same bytes, and nothing but the exact values admits.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/socket.h>

#include "common/agent.h"
#include "common/wire.h"

#define STREAM_MAX 65536

static void check_request(const struct buf *payload)
{
	CLEANUP(buf_done) struct buf again = {0};
	struct agent_request q;

	if (agent_request_unpack(payload->data, payload->len, &q) < 0)
		return;
	REQUIRE(q.phase == VERDICT_AUTH || q.phase == VERDICT_ACCOUNT);
	REQUIRE(agent_request_pack(&q, &again) == 0);
	REQUIRE(again.len == payload->len && !memcmp(again.data, payload->data, again.len));
}

static void check_answer(const struct buf *payload)
{
	CLEANUP(buf_done) struct buf again = {0};
	struct agent_answer a, b;

	if (agent_answer_unpack(payload->data, payload->len, &a) < 0)
		return;
	REQUIRE(agent_answer_pack(&a, &again) == 0);
	REQUIRE(agent_answer_unpack(again.data, again.len, &b) == 0);
	REQUIRE(a.reason == b.reason && a.password == b.password && !strcmp(a.user, b.user));
	if (a.reason == REASON_OK) /* version, nonce, uid; then the reason, little-endian */
		REQUIRE(!memcmp(payload->data + 24, "\x3d\x5e\x4c\x0a", 4));
	if (a.password == AGENT_PASSWORD_RIGHT)
		REQUIRE(!memcmp(payload->data + 28, "\x6e\xc9\xb3\x51", 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(frame_done) struct frame f = {.fd = -1};
	int s[2];

	if (size > STREAM_MAX)
		return 0;
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == 0);
	REQUIRE(send(s[0], data, size, MSG_DONTWAIT) == (ssize_t)size);
	close(s[0]);
	while (wire_recv(s[1], &f, wire_now_ms() + 1000) == 0) {
		REQUIRE(f.payload.len <= FRAME_MAX && f.fd < 0);
		check_request(&f.payload);
		check_answer(&f.payload);
	}
	close(s[1]);
	return 0;
}
