/*
 * F12: whatever JumpCloud's API answers, what comes of it passes the rules, and is the same each time; nothing is asked for
 * without end. Input: a byte 's' (sync) or 'r' (refresh), then answers, each up to a NUL: a letter for how the request ended,
 * a letter for X-Total-Count, and the body. When there are no more, all is refused.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "agentd/fetch/jumpcloud.h"
#include "tests/fuzz/seen.h"

#define REQUESTS_MAX 4096

struct answers {
	const char *next, *end;
	unsigned int asked;
};

/* "5": five; "-": it does not say. */
static int64_t total_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : -1;
}

static int error_of(char c)
{
	switch (c) {
	case 'N':
		return -ENOENT;
	case 'P':
		return -EPERM;
	case 'B':
		return -EBUSY;
	case 'E':
		return -EPROTO;
	}
	return 0;
}

static int ask(void *context, const struct jumpcloud_request *q, struct jumpcloud_reply *ret)
{
	struct answers *a = context;
	const char *answer = a->next, *nul;
	size_t len;

	REQUIRE(++a->asked < REQUESTS_MAX);
	REQUIRE(q->path[0] == '/' && !strpbrk(q->path, " \"\\\r\n"));
	if (a->end - answer < 2)
		return -EHOSTUNREACH;
	nul = memchr(answer, '\0', (size_t)(a->end - answer));
	len = nul ? (size_t)(nul - answer) : (size_t)(a->end - answer);
	a->next += len + (nul ? 1 : 0);
	if (len < 2)
		return -EHOSTUNREACH;
	ret->total = total_of(answer[1]);
	return error_of(answer[0]) ?: q->body(q->context, answer + 2, len - 2);
}

static int run(const uint8_t *data, size_t size, struct seen *seen)
{
	static const struct jumpcloud_options options = { "5f0000000000000000000001", "", 1 };
	struct answers a = { (const char *)data + 1, (const char *)data + size, 0 };
	const struct jumpcloud_api api = { ask, &a };
	const struct document_sink sink = seen_sink(seen);
	struct jumpcloud_memory memory = { .groups_known = false };
	char text[JUMPCLOUD_TEXT_SIZE] = "";
	int r;

	seen->strangers = true;
	if (data[0] == 'r')
		r = jumpcloud_refresh(&api, &options, "5a0000000000000000000001", &sink, text);
	else
		r = jumpcloud_sync(&api, &options, &memory, &sink, text);
	REQUIRE(r <= 0);
	REQUIRE(r == 0 || text[0]);
	jumpcloud_memory_done(&memory);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen first = { .strangers = true }, second = { .strangers = true };

	if (size < 1)
		return 0;
	REQUIRE(run(data, size, &first) == run(data, size, &second));
	REQUIRE(first.records.len == second.records.len);
	REQUIRE(!first.records.len || memcmp(first.records.data, second.records.data, first.records.len) == 0);
	seen_done(&first);
	seen_done(&second);
	return 0;
}
