#include "agentd/fetch/sync_jumpcloud.h"

#include <errno.h>
#include <string.h>

#include "agentd/fetch/jumpcloud_client.h"
#include "common/names.h"

#define SYNC_BYTES	  (64u << 20)
#define SYNC_RETRIES	  3
#define SYNC_REQUEST_S	  30L
#define REFRESH_BYTES	  (8u << 20)
#define REFRESH_REQUEST_S 8L

struct jumpcloud_link {
	struct jumpcloud_client *client;
	struct jumpcloud_memory memory;
};

static const char *get(const struct session *s, enum setting i)
{
	return settings_get(&s->settings, i);
}

void jumpcloud_link_free(struct jumpcloud_link *l)
{
	if (l) {
		jumpcloud_client_free(l->client);
		jumpcloud_memory_done(&l->memory);
	}
	free(l);
}

static int connect_link(struct session *s, char ret_text[static HTTP_TEXT_SIZE])
{
	const struct http_options options = {
		.url = get(s, SETTING_URL),
		.ca = get(s, SETTING_CA),
		.client_cert = get(s, SETTING_CLIENT_CERT),
		.client_key = get(s, SETTING_CLIENT_KEY),
		.proxy = get(s, SETTING_PROXY),
	};
	const struct jumpcloud_credentials credentials = {
		.org_id = get(s, SETTING_ORG_ID),
		.api_key = get(s, SETTING_API_KEY),
		.client_id = get(s, SETTING_CLIENT_ID),
		.client_secret = get(s, SETTING_CLIENT_SECRET),
		.token_url = get(s, SETTING_TOKEN_URL),
	};
	struct jumpcloud_link *l = calloc(1, sizeof(*l));
	int r = l ? jumpcloud_client_new(&options, &credentials, &l->client, ret_text) : -ENOMEM;

	if (r < 0) {
		free(l);
		return r;
	}
	s->jumpcloud = l;
	return 0;
}

static int on_tick(void *context)
{
	return outlet_alive(context);
}

/* Settings that cannot be used are found at each request. */
static int prepare(struct session *s, char ret_text[static HTTP_TEXT_SIZE])
{
	if (!object_id_valid(get(s, SETTING_SYSTEM_ID))) {
		memcpy(ret_text, "no system_id", sizeof("no system_id"));
		return -EINVAL;
	}
	return s->jumpcloud ? 0 : connect_link(s, ret_text);
}

static struct jumpcloud_options options_of(const struct session *s)
{
	return (struct jumpcloud_options){
		.system_id = get(s, SETTING_SYSTEM_ID),
		.org_id = get(s, SETTING_ORG_ID),
		.now_ms = wire_now_ms(),
	};
}

/* 404 of something that has to be there is no answer. */
static int finish(struct session *s, struct outlet *o, int r, const char *text)
{
	const struct frame_server server = jumpcloud_client_server(s->jumpcloud->client);
	int sent = server.status && o->error == 0 ? outlet_server(o, &server) : 0;

	if (sent < 0)
		return sent;
	return r < 0 ? outlet_fail(o, r == -ENOENT ? -EPROTO : r, text) : outlet_end(o, 0, 0, 0);
}

int sync_jumpcloud(struct session *s, struct outlet *o, const struct frame *f)
{
	const struct jumpcloud_limits limits = { SYNC_RETRIES, SYNC_REQUEST_S, SYNC_BYTES, on_tick, o };
	const struct jumpcloud_options options = options_of(s);
	const struct document_sink sink = outlet_sink(o);
	char text[HTTP_TEXT_SIZE] = "";
	struct jumpcloud_api api;
	int r = prepare(s, text);

	(void)f; /* the API has no validator for all of it */
	if (r < 0)
		return outlet_fail(o, r, text);
	api = jumpcloud_client_begin(s->jumpcloud->client, &limits);
	r = jumpcloud_sync(&api, &options, &s->jumpcloud->memory, &sink, text);
	return finish(s, o, r, text);
}

/* The one id that F is about; NULL: it has none. */
static const char *id_of(const struct frame *f)
{
	const char *id = (const char *)f->payload.data;

	if (!f->payload.len || strnlen(id, f->payload.len) != f->payload.len - 1 || !object_id_valid(id))
		return NULL;
	return id;
}

int refresh_jumpcloud(struct session *s, struct outlet *o, const struct frame *f)
{
	const struct jumpcloud_limits limits = { 0, REFRESH_REQUEST_S, REFRESH_BYTES, on_tick, o };
	const struct jumpcloud_options options = options_of(s);
	const struct document_sink sink = outlet_sink(o);
	const char *id = id_of(f);
	char text[HTTP_TEXT_SIZE] = "";
	struct jumpcloud_api api;
	int r;

	if (!id)
		return outlet_fail(o, -EPROTO, "not an id");
	r = prepare(s, text);
	if (r < 0)
		return outlet_fail(o, r, text);
	api = jumpcloud_client_begin(s->jumpcloud->client, &limits);
	r = jumpcloud_refresh(&api, &options, id, &sink, text);
	return finish(s, o, r, text);
}

/* Not tried again here: musterd keeps what was not told, and whether a broken attempt has arrived, its next sync will show. */
int report_jumpcloud(struct session *s, struct outlet *o, const struct frame *f)
{
	const struct jumpcloud_limits limits = { 0, REFRESH_REQUEST_S, REFRESH_BYTES, on_tick, o };
	const char *id = id_of(f);
	char text[HTTP_TEXT_SIZE] = "";
	struct jumpcloud_api api;
	int r;

	if (!id)
		return outlet_fail(o, -EPROTO, "not an id");
	r = prepare(s, text);
	if (r == 0) {
		api = jumpcloud_client_begin(s->jumpcloud->client, &limits);
		r = jumpcloud_lock(&api, id, text);
	}
	return r < 0 ? outlet_fail(o, r, text) : outlet_result(o, 0, "");
}

int systems_jumpcloud(struct session *s, struct outlet *o, const struct frame *f)
{
	const struct jumpcloud_limits limits = { SYNC_RETRIES, SYNC_REQUEST_S, SYNC_BYTES, on_tick, o };
	const struct document_sink sink = outlet_sink(o);
	char text[HTTP_TEXT_SIZE] = "";
	struct jumpcloud_api api;
	int r = prepare(s, text);

	(void)f; /* says nothing more */
	if (r < 0)
		return outlet_fail(o, r, text);
	api = jumpcloud_client_begin(s->jumpcloud->client, &limits);
	r = jumpcloud_systems(&api, &sink, text);
	return finish(s, o, r, text);
}
