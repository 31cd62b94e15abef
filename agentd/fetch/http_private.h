/*
 * Shared by http.c (requests) and http_setup.c (what libcurl may and may not do).
 */
#ifndef AGENTD_FETCH_HTTP_PRIVATE_H
#define AGENTD_FETCH_HTTP_PRIVATE_H

#include <curl/curl.h>

#include "agentd/fetch/http.h"
#include "agentd/fetch/reply.h"

#define HTTP_HEADERS_MAX 8

struct http {
	CURL *curl;
	char *url;
	char *headers[HTTP_HEADERS_MAX]; /* of every request, NULL behind the last */
	char error[CURL_ERROR_SIZE];
	/* Of the request being made. */
	const struct http_request *request;
	struct reply reply;
	int result; /* of our own callbacks: why it was ended */
};

/* libcurl's callbacks; the context is the struct http. */
size_t http_on_header(char *line, size_t size, size_t n, void *context);
size_t http_on_body(char *data, size_t size, size_t n, void *context);
int http_on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d);

/* Why O cannot be used, or NULL. */
const char *http_refused(const struct http_options *o);
/* All that stays as it is between requests. 0; -EINVAL, -ENOMEM. */
int http_setup(struct http *h, const struct http_options *o) MUST_CHECK;

#endif
