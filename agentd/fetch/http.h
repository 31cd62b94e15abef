/*
 * GET over https, by libcurl under H1-H8 of security.md: no other protocol, no redirect, no proxy but the configured one,
 * nothing from environment or files, no compression, everything bounded. There is no switch that makes it insecure.
 */
#ifndef AGENTD_FETCH_HTTP_H
#define AGENTD_FETCH_HTTP_H

#include "agentd/fetch/protocol.h"
#include "common/macros.h"

#define HTTP_TEXT_SIZE 512

struct http; /* a server, and the connection to it, kept between requests */

/* Strings as in CONFIG; they must last as long as the struct http, which does not copy secrets. */
struct http_options {
	const char *url; /* https://…, nothing left to expand */
	const char *ca, *client_cert, *client_key, *bearer, *proxy;
};

/* Once in a process, before sandbox_filter(): what libcurl and OpenSSL read at their start. -ENOMEM. */
int http_global_init(void) MUST_CHECK;

/* 0; -EINVAL the options cannot be used: ret_text says which; -ENOMEM. */
int http_new(const struct http_options *options, struct http **ret, char ret_text[static HTTP_TEXT_SIZE]) MUST_CHECK;
void http_free(struct http *h);

struct http_request {
	const char *validator; /* "" = none */
	/* The document, in pieces. 0, or -errno, which ends it and is returned. */
	int (*body)(void *context, const void *data, size_t len);
	/* Called about once a second, also when nothing comes. 0, or -errno as above. */
	int (*tick)(void *context);
	void *context;
};

/*
 * Returns 1: the document came, whole; 0: it has not changed; what a callback returned; or an error of protocol.h, and
 * ret_text says why. RET is filled in every case: status 0 when no server answered.
 */
int http_get(struct http *h, const struct http_request *request, struct frame_server *ret,
	     char ret_text[static HTTP_TEXT_SIZE]) MUST_CHECK;

/* URL with %h and %i replaced, percent-encoded; freed by the caller. -ENOMEM. */
int http_expand(const char *url, const char *hostname, const char *system_id, char **ret) MUST_CHECK;

#endif
