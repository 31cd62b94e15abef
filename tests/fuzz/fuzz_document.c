/*
 * F2: whatever a document says, what comes of it passes the rules (D1, D4, D5), and is the same however the bytes come.
 * Input: a byte of options, a byte for how the document is cut, the document.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agentd/fetch/known.h"
#include "tests/fuzz/seen.h"

/* What json-c's strict mode refuses must not have passed our scanner. */
static void require_json(const char *text, size_t len)
{
	struct json_tokener *t = json_tokener_new_ex(64);

	json_tokener_set_flags(t, JSON_TOKENER_STRICT);
	json_object_put(json_tokener_parse_ex(t, text, (int)len));
	REQUIRE(json_tokener_get_error(t) == json_tokener_success);
	json_tokener_free(t);
}

static struct document_options options_of(uint8_t flags)
{
	return (struct document_options){
		.secrets = flags & 1,
		.everywhere = flags & 2,
		.hostname = flags & 4 ? "host" : "",
		.system_id = flags & 8 ? "5cdc" : "",
	};
}

static int read_pieces(const struct document_options *o, const struct document_sink *sink, int fd, const char *text,
		       size_t len, uint8_t cut, struct document_result *result)
{
	CLEANUP(document_freep) struct document *d = NULL;
	int r = document_new(o, sink, result, &d);

	for (size_t done = 0, n; r == 0 && done < len; done += n) {
		n = 1 + (cut * (done + 1)) % 61;
		n = n > len - done ? len - done : n;
		r = document_feed(d, text + done, n);
	}
	return r < 0 ? r : document_parts(d, fd);
}

/* The same again, once it is known: what it says does not depend on that. */
static void require_same_known(struct document_options o, int fd, int r, const struct seen *whole)
{
	struct known *known;

	REQUIRE(known_new(&known) == 0);
	o.known = known;
	o.packed = seen_packed;
	for (int i = 0; i < 3; i++) {
		struct seen seen = { 0 };
		struct document_sink sink = seen_sink(&seen);
		struct document_result result;

		REQUIRE(document_read(fd, &o, &sink, &result) == r);
		REQUIRE(seen.records.len == whole->records.len);
		REQUIRE(seen.records.len == 0 || memcmp(seen.records.data, whole->records.data, seen.records.len) == 0);
		seen_done(&seen);
	}
	known_free(known);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct seen whole = { 0 }, pieces = { 0 };
	struct document_sink sink = seen_sink(&whole);
	struct document_options options;
	struct document_result result, result_pieces;
	const char *text;
	int r;

	if (size < 2)
		return 0;
	options = options_of(data[0]);
	text = (const char *)data + 2;
	size -= 2;
	if (fd < 0)
		fd = memfd_create("document", MFD_CLOEXEC);
	REQUIRE(ftruncate(fd, 0) == 0 && pwrite(fd, text, size, 0) == (ssize_t)size);
	r = document_read(fd, &options, &sink, &result);
	REQUIRE(r == 0 || r == -EBADMSG || r == -EACCES);
	REQUIRE(r == 0 || result.text[0]);
	sink.context = &pieces;
	REQUIRE(read_pieces(&options, &sink, fd, text, size, data[1], &result_pieces) == r);
	REQUIRE(whole.records.len == pieces.records.len);
	REQUIRE(whole.records.len == 0 || memcmp(whole.records.data, pieces.records.data, whole.records.len) == 0);
	REQUIRE(r == 0 || strcmp(result.text, result_pieces.text) == 0);
	if (r == 0)
		require_json(text, size);
	require_same_known(options, fd, r, &whole);
	seen_done(&whole);
	seen_done(&pieces);
	return 0;
}
