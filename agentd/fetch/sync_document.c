#include "agentd/fetch/sync_document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "agentd/fetch/http.h"
#include "agentd/fetch/known.h"
#include "agentd/file.h"

#define PIECE_SIZE (256u << 10)
#define TOTAL_TIMEOUT_S 300L /* 256 MiB in this time are 7 Mbit/s */

static const char *get(const struct session *s, enum setting i)
{
	return settings_get(&s->settings, i);
}

static struct document_options options_of(const struct session *s)
{
	return (struct document_options){
		.hostname = get(s, SETTING_HOSTNAME),
		.system_id = get(s, SETTING_SYSTEM_ID),
		.passwords_elsewhere = strcmp(get(s, SETTING_PASSWORDS), "ldap") == 0,
		.secrets = strcmp(get(s, SETTING_SECRETS), "yes") == 0,
	};
}

/* The document in FD is the directory itself: who is not in it was removed. */
static int answer_file(struct session *s, struct outlet *o, int fd)
{
	const struct document_options options = options_of(s);
	const struct document_sink sink = outlet_sink(o);
	struct document_result result;
	int r;

	if (fd < 0)
		return outlet_fail(o, -EPROTO, "no document came along");
	r = document_read(fd, &options, &sink, &result);
	if (r < 0)
		return outlet_fail(o, r, result.text);
	return outlet_end(o, result.serial, 0, FRAME_END_COMPLETE);
}

/* A document on its way in: checked as it comes, in larger pieces than TLS has, and kept for its parts to be read. */
struct download {
	struct document *document;
	struct outlet *outlet;
	int spool;
	struct buf piece;
};

static int end_piece(struct download *d)
{
	int r = document_feed(d->document, d->piece.data, d->piece.len);

	if (r == 0)
		r = write_all(d->spool, d->piece.data, d->piece.len);
	d->piece.len = 0;
	return r;
}

static int on_body(void *context, const void *data, size_t len)
{
	struct download *d = context;
	int r = d->piece.len + len > PIECE_SIZE ? end_piece(d) : 0;

	if (r == 0 && !d->piece.size)
		r = buf_reserve(&d->piece, PIECE_SIZE);
	return r < 0 ? r : buf_add(&d->piece, data, len);
}

static int on_tick(void *context)
{
	struct download *d = context;

	return outlet_alive(d->outlet);
}

/* 1: there is a document in s->spool, and DOCUMENT knows its outline; 0: unchanged; -errno and RET's text. */
static int download(struct session *s, struct outlet *o, struct document *document, const char *validator,
		    struct http_answer *ret)
{
	struct download d = { document, o, s->spool, { 0 } };
	const struct http_request request = {
		.path = "",
		.validator = validator,
		.max = SYNC_DOCUMENT_MAX,
		.timeout_s = TOTAL_TIMEOUT_S,
		.body = on_body,
		.tick = on_tick,
		.context = &d,
	};
	int r = http_ask(s->http, &request, ret), whole = r > 0 ? end_piece(&d) : 0;
	int sent = ret->server.status && o->error == 0 ? outlet_server(o, &ret->server) : 0;

	buf_wipe(&d.piece);
	return sent < 0 ? sent : whole < 0 ? whole : r;
}

static int answer_https(struct session *s, struct outlet *o, const char *validator)
{
	struct document_options options = options_of(s);
	const struct document_sink sink = outlet_sink(o);
	CLEANUP(document_freep) struct document *document = NULL;
	struct document_result result = { .text = "" };
	struct http_answer answer = { .text = "" };
	int r = s->known ? 0 : known_new(&s->known);

	options.known = s->known;
	options.packed = outlet_packed;
	if (r == 0)
		r = document_new(&options, &sink, &result, &document);
	if (r == 0 && (ftruncate(s->spool, 0) < 0 || lseek(s->spool, 0, SEEK_SET) < 0))
		r = -errno;
	if (r == 0)
		r = download(s, o, document, validator, &answer);
	if (r == 0)
		return outlet_end(o, 0, 0, FRAME_END_UNCHANGED);
	if (r > 0)
		r = document_parts(document, s->spool);
	if (r < 0)
		r = outlet_fail(o, r, result.text[0] ? result.text : answer.text);
	else
		r = outlet_end(o, result.serial, result.confirmed_at, 0);
	if (ftruncate(s->spool, 0) < 0 && r == 0) /* it is memory: given back as soon as nobody waits */
		r = -errno;
	return r;
}

/* Settings that cannot be used are found at the first request, and at each one after it. */
static int connect_https(struct session *s, char ret_text[static HTTP_TEXT_SIZE])
{
	const struct http_options options = {
		.ca = get(s, SETTING_CA),
		.client_cert = get(s, SETTING_CLIENT_CERT),
		.client_key = get(s, SETTING_CLIENT_KEY),
		.proxy = get(s, SETTING_PROXY),
		.url = s->url,
	};
	CLEANUP(http_freep) struct http *http = NULL;
	int r;

	if (s->spool < 0)
		s->spool = memfd_create("document", MFD_CLOEXEC);
	if (s->spool < 0)
		return -errno;
	r = http_new(&options, &http, ret_text);
	if (r == 0 && *get(s, SETTING_BEARER)) {
		r = http_bearer(http, get(s, SETTING_BEARER));
		snprintf(ret_text, HTTP_TEXT_SIZE, "%s",
			 r == -EINVAL ? "bearer: a token has visible characters only" : "");
	}
	if (r == 0)
		s->http = TAKE(http);
	return r;
}

int sync_document(struct session *s, struct outlet *o, const struct frame *f)
{
	const char *validator = (const char *)f->payload.data;
	char text[HTTP_TEXT_SIZE] = "";
	int r = 0;

	if (strncmp(get(s, SETTING_URL), "https://", 8) != 0)
		return answer_file(s, o, f->fd);
	if (!f->payload.len || strnlen(validator, f->payload.len) != f->payload.len - 1 ||
	    (*validator && !validator_valid(validator)))
		return outlet_fail(o, -EPROTO, "not a validator");
	if (!s->http)
		r = connect_https(s, text);
	return r < 0 ? outlet_fail(o, r, text) : answer_https(s, o, validator);
}
