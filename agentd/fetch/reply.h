/*
 * What a web server's reply says beside its body, line by line as libcurl hands it over, and whether its body may be
 * taken for what was asked for (H4, H7). Knows nothing of sockets; fuzzed by F10.
 */
#ifndef AGENTD_FETCH_REPLY_H
#define AGENTD_FETCH_REPLY_H

#include "agentd/fetch/protocol.h"

#define REPLY_HEADERS_MAX 65536u /* bytes, of all lines together, trailers and interim replies too */
#define REPLY_RETRY_MAX_S 86400u
#define REPLY_REFUSAL_MAX 65536u /* bytes of an answer that is not wanted, read so that the connection stays */
#define REPLY_TEXT_SIZE	  128

struct reply {
	struct frame_server server;
	bool json, encoded;
	bool body; /* has begun: what comes as a header now is a trailer, and does not count */
	uint32_t headers_len;
	uint64_t body_len;
	int64_t total; /* X-Total-Count; -1: it did not say */
	char text[REPLY_TEXT_SIZE]; /* after an error: what is wrong */
};

/*
 * One line, CRLF and all, of a reply that was all zero at first, but for total, which was -1. NOW: our clock, for a Retry-After that is a date and
 * comes before the server has told its own. 0; -EPROTO too many.
 */
int reply_header(struct reply *r, const char *line, size_t len, int64_t now) MUST_CHECK;
/*
 * LEN bytes of body have come, of MAX at most. 1: they are wanted; 0: they are of a refusal, for nobody to read; else as
 * reply_check(); -EFBIG.
 */
int reply_body(struct reply *r, size_t len, uint64_t max) MUST_CHECK;

/*
 * Is it, by its head, a document? VALIDATOR: what was asked with, or "".
 * Returns 1 a document; 0 unchanged (304); -EPERM, -EBUSY, -EPROTO as protocol.h has them.
 */
int reply_check(struct reply *r, const char *validator) MUST_CHECK;

#endif
