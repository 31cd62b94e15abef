/*
 * Cuts a JSON document into the values somebody wants, as the bytes come in, without a tree of
 * the whole: json-c's tree of 100,000 users takes 560 MB, this takes what the largest wanted
 * value takes.
 *
 * It is the grammar check as well, for every byte, wanted or not: RFC 8259 and no more. So none
 * of what json-c's strict mode still lets through comes past it (NaN, Infinity, single quotes,
 * raw newlines in strings, bytes after a NUL, text after the end), and it counts keys and odd \u
 * escapes for json_parse(), which cannot see them any more.
 */
#ifndef AGENTD_FETCH_SCANNER_H
#define AGENTD_FETCH_SCANNER_H

#include <sys/types.h>

#include "common/str.h"

#define SCAN_SIZE_MAX  (256u << 20) /* a document */
#define SCAN_DEPTH_MAX 32	    /* open containers */
#define SCAN_KEY_MAX   255
#define SCAN_TEXT_SIZE 256

/* Where a value is. */
struct scan_at {
	unsigned depth;	 /* 0 is the outermost value */
	char type;	 /* its first byte: { [ " t f n, and 0 for every number */
	const char *key; /* inside an object; escapes beyond ASCII stay as written; "" in an array or when overlong */
	uint64_t offset;
	uint32_t line;
	uint64_t line_offset; /* of that line's first byte */
};

/* A value that was taken. */
struct scan_value {
	const char *data; /* its exact bytes, or NULL: longer than take_max; valid during the call */
	size_t len;
	uint32_t n_keys;  /* of all objects in it together, as written */
	bool bad_unicode; /* \u0000 or half a surrogate pair in it */
};

enum scan_action {
	SCAN_SKIP = 0, /* checked and forgotten */
	SCAN_TAKE,     /* given to take() whole */
	SCAN_ENTER,    /* an object or array: its values are asked for one by one, then leave() */
};

/* Each returns 0 (begin: an action) or -errno, which ends the scan; scan_fail() says why. */
struct scan_handler {
	int (*begin)(void *context, const struct scan_at *at);
	int (*take)(void *context, const struct scan_at *at, const struct scan_value *value);
	int (*leave)(void *context, unsigned depth);
	void *context;
	size_t take_max;
	/*
	 * Optional: before begin() of a value, of which LEN bytes are at DATA, or fewer. How long it is, when it was read before, byte for
	 * byte, and need not be read again; 0: begin() is asked.
	 */
	ssize_t (*known)(void *context, const struct scan_at *at, const char *data, size_t len);
};

/* In place; scanner_done() frees what it holds. The fields are the scanner's own business. */
struct scanner {
	const struct scan_handler *handler;
	uint64_t offset, line_offset;
	uint32_t line;
	bool part; /* one value inside a document: what follows it is not looked at */
	int state;
	const char *literal;	/* what is left of true, false, null */
	unsigned unicode, n_hex;
	bool high;		/* the first half of a surrogate pair was read */
	bool is_key;
	unsigned depth;		/* open containers */
	uint64_t objects;	/* bit N: container N is an object */
	enum scan_action action; /* SKIP and TAKE: of the value being read, begun at at.depth; ENTER: between values */
	struct scan_at at;
	struct scan_value value;
	struct buf taken;
	bool too_long;
	const char *from; /* in this chunk: what is to be taken begins here */
	char key[SCAN_KEY_MAX + 1];
	size_t key_len;
	char text[SCAN_TEXT_SIZE];
};

void scanner_init(struct scanner *s, const struct scan_handler *handler);
/* As above, for the value AT of a document whose bytes from AT->offset on will be fed. */
void scanner_init_part(struct scanner *s, const struct scan_handler *handler, const struct scan_at *at);
void scanner_done(struct scanner *s);

/*
 * The next LEN bytes, cut anywhere. 0: go on; 1: the part is whole; -EBADMSG not JSON; -EFBIG;
 * -ENOMEM; or what a handler returned. After an error the scanner is good for scanner_text() and
 * scanner_done() only.
 */
int scanner_feed(struct scanner *s, const void *data, size_t len) MUST_CHECK;
/* There are no more bytes: 0 when the document is whole, else -EBADMSG. */
int scanner_finish(struct scanner *s) MUST_CHECK;

/* "line 17, column 5: …" for the administrator, or "". */
const char *scanner_text(const struct scanner *s);

/* For handlers: TEXT becomes "line N, column M: …" of AT; returns -EBADMSG. */
int scan_fail(char text[static SCAN_TEXT_SIZE], const struct scan_at *at, const char *format, ...)
	PRINTF_LIKE(3, 4);

#endif
