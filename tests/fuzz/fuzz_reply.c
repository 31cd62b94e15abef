/*
 * F10: the way of a reply, from its head's lines through its body into a document. Whatever a server says, what is told to
 * musterd is bounded, and a document is taken only from a plain 200. (The bytes before that are libcurl's.)
 * Input: lines up to an empty one, then the body.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "agentd/fetch/reply.h"

#define NOW 1795309323

static void require_told(const struct frame_server *s)
{
	uint8_t frame[FRAME_SERVER_SIZE_MAX];
	struct frame_server back;

	REQUIRE(s->date >= 0 && s->date < INT64_C(253402300800)); /* the year 10000 */
	REQUIRE(s->retry_after_s <= REPLY_RETRY_MAX_S);
	REQUIRE(s->status <= 999);
	REQUIRE(!*s->validator || validator_valid(s->validator));
	REQUIRE(frame_server_unpack(frame, frame_server_pack(s, frame), &back) == 0);
	REQUIRE(back.date == s->date && strcmp(back.validator, s->validator) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply r = { .total = -1 };
	const char *p = (const char *)data, *end = p + size;
	struct frame_server before;
	int check;

	while (p < end && *p != '\n') {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		size_t len = eol ? (size_t)(eol - p) + 1 : (size_t)(end - p);
		AUTO_FREE char *line = malloc(len); /* no NUL behind it */

		REQUIRE(line);
		memcpy(line, p, len);
		if (reply_header(&r, line, len, NOW) < 0)
			return 0;
		require_told(&r.server);
		p += len;
	}
	check = reply_check(&r, "\"v\"");
	REQUIRE(check == 1 || check == 0 || check == -EPROTO || check == -EPERM || check == -EBUSY);
	REQUIRE((check < 0) == (r.text[0] != '\0'));
	REQUIRE(check != 1 || (r.server.status == 200 && r.json && !r.encoded));
	REQUIRE(r.total >= -1);
	check = reply_body(&r, (size_t)(end - p), size);
	REQUIRE(check <= 0 || r.server.status == 200);
	before = r.server;
	if (check > 0)
		REQUIRE(reply_header(&r, "ETag: \"late\"\r\n", 14, NOW) == 0 &&
			memcmp(&before, &r.server, sizeof(before)) == 0);
	return 0;
}
