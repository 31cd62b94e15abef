#include "agentd/fetch/jumpcloud_token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agentd/fetch/json.h"
#include "common/wire.h"

#define REPLY_MAX      16384u
#define TOKEN_LEN_MAX  8192
#define LIFETIME_MAX_S 86400u
#define EARLY_S	       60 /* so long before its end a token is renewed, if it lasts twice as long */

struct jumpcloud_token {
	struct http *http;
	struct http *shown_to; /* NULL: there is no token */
	int64_t until_ms;
	bool fresh; /* not used yet */
	/* The reply on its way in. */
	struct buf reply;
	const struct http_request *asked_for;
};

int jumpcloud_token_new(const struct http_options *options, const struct jumpcloud_credentials *credentials,
			struct jumpcloud_token **ret, char ret_text[static HTTP_TEXT_SIZE])
{
	struct http_options http = *options;
	struct jumpcloud_token *t;
	int r;

	if (!*credentials->client_id || !*credentials->client_secret) {
		snprintf(ret_text, HTTP_TEXT_SIZE, "neither api_key nor client_id and client_secret");
		return -EINVAL;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	http.url = credentials->token_url;
	http.user = credentials->client_id;
	http.password = credentials->client_secret;
	r = http_new(&http, &t->http, ret_text);
	if (r < 0) {
		free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void jumpcloud_token_free(struct jumpcloud_token *t)
{
	if (!t)
		return;
	http_free(t->http);
	buf_wipe(&t->reply);
	free(t);
}

static int on_body(void *context, const void *data, size_t len)
{
	struct jumpcloud_token *t = context;

	return buf_add(&t->reply, data, len);
}

static int on_tick(void *context)
{
	const struct jumpcloud_token *t = context;

	return t->asked_for->tick(t->asked_for->context);
}

struct token_reply {
	struct json_parser json;
	struct json_node node;
	struct json_fault fault;
	int result;
};

static int take_all(void *context, const struct scan_at *at)
{
	(void)context;
	(void)at;
	return SCAN_TAKE;
}

static int take(void *context, const struct scan_at *at, const struct scan_value *value)
{
	struct token_reply *r = context;

	(void)at;
	return json_parse(&r->json, value, &r->fault, &r->node);
}

static int leave(void *context, unsigned depth)
{
	(void)context;
	(void)depth;
	return 0;
}

/* JSON of the whole reply. 0; -EBADMSG; -ENOMEM. */
static int parse(const struct buf *reply, struct token_reply *ret)
{
	const struct scan_handler handler = { take_all, take, leave, ret, REPLY_MAX, NULL };
	struct scanner s;
	int r;

	scanner_init(&s, &handler);
	r = scanner_feed(&s, reply->data, reply->len);
	if (r == 0)
		r = scanner_finish(&s);
	scanner_done(&s);
	return r == 0 && !json_is_object(&ret->node) ? -EBADMSG : r;
}

/* {"access_token": …, "token_type": "bearer", "expires_in": seconds} */
static int read_token(struct token_reply *reply, const char **ret_token, uint32_t *ret_lifetime_s)
{
	const struct json_node *n = &reply->node;
	const char *type = "bearer";

	*ret_lifetime_s = 0;
	if (json_get_text(n, JSON_FIELD("access_token", "token"), TOKEN_LEN_MAX, ret_token) <= 0 || !**ret_token ||
	    json_get_text(n, JSON_FIELD("token_type", "token"), 32, &type) < 0 || strcasecmp(type, "bearer") != 0 ||
	    json_get_u32(n, JSON_FIELD("expires_in", "token"), 0, LIFETIME_MAX_S, ret_lifetime_s) < 0)
		return -EBADMSG;
	return 0;
}

/* The token goes from the reply into HTTP's headers, and is wiped where it was. */
static int show(struct jumpcloud_token *t, struct http *http)
{
	struct token_reply reply = { .node = { NULL, &reply.fault } };
	const char *token = "";
	uint32_t lifetime_s = 0;
	int r = parse(&t->reply, &reply);

	if (r == 0)
		r = read_token(&reply, &token, &lifetime_s);
	if (r == 0)
		r = http_bearer(http, token);
	if (r == 0) {
		t->shown_to = http;
		t->fresh = true;
		t->until_ms = wire_now_ms() +
			      INT64_C(1000) * (lifetime_s > 2 * EARLY_S ? lifetime_s - EARLY_S : lifetime_s / 2);
	}
	wipe((char *)(uintptr_t)token, strlen(token));
	json_parser_done(&reply.json);
	return r == -EINVAL ? -EBADMSG : r;
}

static int ask(struct jumpcloud_token *t, struct http_answer *ret)
{
	const struct http_request request = {
		.path = "",
		.validator = "",
		.post = "grant_type=client_credentials&scope=api",
		.post_type = "application/x-www-form-urlencoded",
		.max = REPLY_MAX,
		.timeout_s = t->asked_for->timeout_s,
		.body = on_body,
		.tick = on_tick,
		.context = t,
	};
	int r = http_ask(t->http, &request, ret);

	if (ret->server.status == 400 || r == -EPERM) {
		r = -EPERM;
		snprintf(ret->text, sizeof(ret->text), "no token for the service account (HTTP status %u); check "
			 "client_id and client_secret_file", (unsigned int)ret->server.status);
	}
	return r > 0 ? 0 : r;
}

int jumpcloud_token_use(struct jumpcloud_token *t, struct http *http, const struct http_request *request,
			struct http_answer *ret)
{
	int r;

	if (t->shown_to == http && wire_now_ms() < t->until_ms) {
		t->fresh = false;
		return 0;
	}
	t->shown_to = NULL;
	t->asked_for = request;
	r = ask(t, ret);
	if (r == 0) {
		r = show(t, http);
		if (r == -EBADMSG)
			snprintf(ret->text, sizeof(ret->text), "what should be a token is none");
	}
	buf_wipe(&t->reply);
	return r;
}

bool jumpcloud_token_refused(struct jumpcloud_token *t)
{
	bool again = t->shown_to && !t->fresh;

	t->shown_to = NULL;
	return again;
}
