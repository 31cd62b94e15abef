#include "agentd/fetch/jumpcloud_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "agentd/fetch/jumpcloud_token.h"
#include "common/wire.h"

#define RETRY_WAIT_S	 1
#define RETRY_WAIT_MAX_S 5 /* who is to come back later than this is not waited for here */
#define REPLY_MAX	 (16u << 20)

struct jumpcloud_client {
	struct http *http;
	struct jumpcloud_token *token; /* NULL: an API key */
	struct jumpcloud_limits limits;
	uint64_t bytes;
	struct frame_server server;
};

static char *base_of(const char *url)
{
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	return str_format("%.*s", (int)len, url);
}

static int identify(struct jumpcloud_client *c, const struct http_options *o, const struct jumpcloud_credentials *k,
		    char *text)
{
	int r = *k->org_id ? http_header(c->http, "x-org-id", k->org_id) : 0;

	if (r == 0 && *k->api_key)
		r = http_header(c->http, "x-api-key", k->api_key);
	else if (r == 0)
		return jumpcloud_token_new(o, k, &c->token, text);
	if (r == -EINVAL)
		snprintf(text, HTTP_TEXT_SIZE, "api_key, org_id: other than visible ASCII in it");
	return r;
}

int jumpcloud_client_new(const struct http_options *options, const struct jumpcloud_credentials *credentials,
			 struct jumpcloud_client **ret, char ret_text[static HTTP_TEXT_SIZE])
{
	AUTO_FREE char *base = base_of(options->url);
	struct jumpcloud_client *c = calloc(1, sizeof(*c));
	struct http_options http = *options;
	int r = base && c ? 0 : -ENOMEM;

	http.url = base;
	if (r == 0)
		r = http_new(&http, &c->http, ret_text);
	if (r == 0)
		r = identify(c, options, credentials, ret_text);
	if (r < 0) {
		jumpcloud_client_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void jumpcloud_client_free(struct jumpcloud_client *c)
{
	if (!c)
		return;
	http_free(c->http);
	jumpcloud_token_free(c->token);
	free(c);
}

/* One try of a request: its reply may go to somebody else only while nothing of it has been passed on. */
struct attempt {
	struct jumpcloud_client *client;
	const struct jumpcloud_request *request;
	bool passed_on;
	bool no_token;
};

static int on_body(void *context, const void *data, size_t len)
{
	struct attempt *a = context;

	if (len > a->client->limits.bytes - a->client->bytes)
		return -EFBIG;
	a->client->bytes += len;
	a->passed_on = true;
	return a->request->body(a->request->context, data, len);
}

static int on_tick(void *context)
{
	const struct attempt *a = context;

	return a->client->limits.tick(a->client->limits.context);
}

static int try_once(struct attempt *a, struct http_answer *ret)
{
	struct jumpcloud_client *c = a->client;
	const struct http_request request = {
		.path = a->request->path,
		.validator = "",
		.post = a->request->post,
		.post_type = "application/json",
		.put = a->request->put,
		.max = REPLY_MAX,
		.timeout_s = c->limits.request_s,
		.body = on_body,
		.tick = on_tick,
		.context = a,
	};
	int r = c->token ? jumpcloud_token_use(c->token, c->http, &request, ret) : 0;

	a->no_token = r < 0;
	if (r == 0)
		r = http_ask(c->http, &request, ret);
	if (ret->server.status)
		c->server = ret->server;
	return r;
}

/* Is there a next time, and is it soon? Waits for it. */
static bool wait_for_retry(struct attempt *a, int r, const struct http_answer *answer)
{
	struct jumpcloud_client *c = a->client;
	uint32_t seconds = answer->server.retry_after_s ? answer->server.retry_after_s : RETRY_WAIT_S;

	if ((r != -EBUSY && r != -EHOSTUNREACH) || a->passed_on || c->limits.retries == 0 ||
	    seconds > RETRY_WAIT_MAX_S)
		return false;
	c->limits.retries--;
	for (; seconds > 0; seconds--) {
		poll(NULL, 0, 1000);
		if (on_tick(a) < 0)
			return false;
	}
	return true;
}

static void explain(const struct attempt *a, const struct http_answer *answer, int r, char *text)
{
	const char *path = a->no_token ? "token_url" : a->request->path;
	const char *remedy = "", *what = *answer->text ? answer->text : strerror(-r);

	if (!a->no_token && (answer->server.status == 401 || answer->server.status == 403))
		remedy = a->client->token ?
				 "; check the role of the service account, and org_id" :
				 "; check api_key_file, the role of the key's administrator, and org_id";
	snprintf(text, JUMPCLOUD_TEXT_SIZE, "%.*s: %.200s%s", (int)strcspn(path, "?"), path, what, remedy);
}

static int ask(void *context, const struct jumpcloud_request *request, struct jumpcloud_reply *ret)
{
	struct attempt a = { .client = context, .request = request };
	struct http_answer answer = { .text = "" };
	int r;

	do {
		r = try_once(&a, &answer);
		/* a token that was revoked before its end: a new one, once */
		if (r == -EPERM && answer.server.status == 401 && a.client->token &&
		    jumpcloud_token_refused(a.client->token))
			r = try_once(&a, &answer);
	} while (wait_for_retry(&a, r, &answer));
	ret->total = answer.total;
	if (r < 0)
		explain(&a, &answer, r, ret->text);
	if (r < 0 && !a.no_token && answer.server.status == 404)
		return -ENOENT; /* of what was asked for, not of the tokens' server */
	return r > 0 ? 0 : r;
}

struct jumpcloud_api jumpcloud_client_begin(struct jumpcloud_client *c, const struct jumpcloud_limits *limits)
{
	c->limits = *limits;
	c->bytes = 0;
	c->server = (struct frame_server){ 0 };
	return (struct jumpcloud_api){ ask, c };
}

struct frame_server jumpcloud_client_server(const struct jumpcloud_client *c)
{
	struct frame_server s = c->server;

	s.validator[0] = '\0'; /* of one reply among many: of no use for the next sync */
	return s;
}
