/*
 * Access tokens of a service account: OAuth 2.0, client credentials. Kept in memory alone, renewed before they end.
 */
#ifndef AGENTD_FETCH_JUMPCLOUD_TOKEN_H
#define AGENTD_FETCH_JUMPCLOUD_TOKEN_H

#include "agentd/fetch/jumpcloud_client.h"

struct jumpcloud_token;

/* All but the url of OPTIONS holds for the tokens' server. -EINVAL and RET_TEXT; -ENOMEM. */
int jumpcloud_token_new(const struct http_options *options, const struct jumpcloud_credentials *credentials,
			struct jumpcloud_token **ret, char ret_text[static HTTP_TEXT_SIZE]) MUST_CHECK;
void jumpcloud_token_free(struct jumpcloud_token *t);

/*
 * Makes HTTP show a token that is good for now; asks for one if need be, with the time limit and tick of REQUEST. 0; or an
 * error of protocol.h, and RET says why.
 */
int jumpcloud_token_use(struct jumpcloud_token *t, struct http *http, const struct http_request *request,
			struct http_answer *ret) MUST_CHECK;

/* The server does not take it. True: another one is worth asking for, since this one is not new. */
bool jumpcloud_token_refused(struct jumpcloud_token *t);

#endif
