/*
 * Requests over https to one server, by libcurl under H1-H8 of security.md: no other protocol, no redirect, no proxy but the
 * configured one, nothing from environment or files, no compression, everything bounded. There is no switch that makes it
 * insecure.
 */
#ifndef AGENTD_FETCH_HTTP_H
#define AGENTD_FETCH_HTTP_H

#include "agentd/fetch/protocol.h"
#include "common/macros.h"

#define HTTP_TEXT_SIZE 512

struct http; /* a server, and the connection to it, kept between requests */

/* Strings as in CONFIG; NULL is "". They must last as long as the struct http, which does not copy secrets. */
struct http_options {
	const char *url; /* https://…, nothing left to expand; paths of requests come after it */
	const char *ca, *client_cert, *client_key, *proxy;
	const char *user, *password; /* Basic authentication, or "" */
};

/* Once in a process, before sandbox_filter(): what libcurl and OpenSSL read at their start. -ENOMEM. */
int http_global_init(void) MUST_CHECK;

/* 0; -EINVAL the options cannot be used: ret_text says which; -ENOMEM. */
int http_new(const struct http_options *options, struct http **ret, char ret_text[static HTTP_TEXT_SIZE]) MUST_CHECK;
void http_free(struct http *h);
void http_freep(struct http **h);

/*
 * From now on each request says "NAME: VALUE", instead of what it said under NAME before. Copied, and wiped with H.
 * Names differ by their first letters. -EINVAL VALUE has other than visible characters and spaces; -ENOMEM; -E2BIG too many.
 */
int http_header(struct http *h, const char *name, const char *value) MUST_CHECK;
/* The same of "Authorization: Bearer TOKEN", which is one word. */
int http_bearer(struct http *h, const char *token) MUST_CHECK;

struct http_request {
	const char *path;      /* after the url, as it is; "" the url alone */
	const char *validator; /* "" = none */
	const char *post, *post_type; /* a text and its Content-Type; NULL: GET */
	bool put; /* and it goes by PUT, not by POST */
	uint64_t max;	       /* bytes of an answer at most */
	long timeout_s;	       /* for all of it; less than 100 bytes/s for 10 s end it as well */
	/* The answer, in pieces. 0, or -errno, which ends it and is returned. */
	int (*body)(void *context, const void *data, size_t len);
	/* Called about once a second, also when nothing comes. 0, or -errno as above. */
	int (*tick)(void *context);
	void *context;
};

struct http_answer {
	struct frame_server server; /* status 0: no server answered */
	int64_t total;		    /* X-Total-Count, -1: it did not say */
	char text[HTTP_TEXT_SIZE];  /* after an error: why */
};

/*
 * Returns 1: what was asked for came, whole; 0: it has not changed; what a callback returned; or an error of protocol.h.
 * RET is filled in every case. No answer but JSON with status 200 reaches body().
 */
int http_ask(struct http *h, const struct http_request *request, struct http_answer *ret) MUST_CHECK;

/* URL with %h and %i replaced, percent-encoded; freed by the caller. -ENOMEM. */
int http_expand(const char *url, const char *hostname, const char *system_id, char **ret) MUST_CHECK;

#endif
