/*
 * How the driver of JumpCloud asks (jumpcloud.h): over https, with an API key or with the tokens of a service account, and
 * with a few second tries that all requests of one sync share.
 */
#ifndef AGENTD_FETCH_JUMPCLOUD_CLIENT_H
#define AGENTD_FETCH_JUMPCLOUD_CLIENT_H

#include "agentd/fetch/http.h"
#include "agentd/fetch/jumpcloud.h"

struct jumpcloud_client;

/* Strings as in CONFIG: "" or set. The secrets are not kept here, but where they are: they must last as long as the client. */
struct jumpcloud_credentials {
	const char *org_id;
	const char *api_key;
	const char *client_id, *client_secret, *token_url; /* of a service account, when there is no key */
};

/* The url of OPTIONS is the API's address; the rest of it holds for the tokens' server, too. -EINVAL and RET_TEXT; -ENOMEM. */
int jumpcloud_client_new(const struct http_options *options, const struct jumpcloud_credentials *credentials,
			 struct jumpcloud_client **ret, char ret_text[static HTTP_TEXT_SIZE]) MUST_CHECK;
void jumpcloud_client_free(struct jumpcloud_client *c);

/* What the next sync or refresh may take. */
struct jumpcloud_limits {
	unsigned int retries;
	long request_s;	/* one request */
	uint64_t bytes; /* all replies together */
	/* About once a second. 0 or -errno, which ends the request and is returned. */
	int (*tick)(void *context);
	void *context;
};
struct jumpcloud_api jumpcloud_client_begin(struct jumpcloud_client *c, const struct jumpcloud_limits *limits);

/* What the server said of itself last since then; status 0: nothing. */
struct frame_server jumpcloud_client_server(const struct jumpcloud_client *c);

#endif
