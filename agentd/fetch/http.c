#include "agentd/fetch/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <nss.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "agentd/fetch/reply.h"
#include "config.h"

#define CONNECT_TIMEOUT_S 5L
#define TOTAL_TIMEOUT_S	  300L /* 256 MiB in this time are 7 Mbit/s */
#define SLOW_BYTES_S	  100L /* less than this … */
#define SLOW_TIME_S	  10L  /* … for so long: given up */

struct http {
	CURL *curl;
	struct curl_slist *headers; /* of every request */
	char error[CURL_ERROR_SIZE];
	/* Of the request being made. */
	const struct http_request *request;
	struct reply reply;
	int result; /* of our own callbacks: why it was ended */
};

int http_global_init(void)
{
	CURL *curl;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	/* Names from /etc/hosts and DNS, for which no module has to be loaded. */
	if (__nss_configure_lookup("hosts", "files dns") < 0)
		return -errno;
	curl = curl_easy_init(); /* loads what else is loaded on first use */
	curl_easy_cleanup(curl);
	return curl ? 0 : -ENOMEM;
}

/* What is not sent to a web server as it is in a path. */
static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~", c));
}

static int add_encoded(struct buf *b, const char *s)
{
	char code[4];
	int r = 0;

	for (; *s && r == 0; s++) {
		if (is_unreserved(*s)) {
			r = buf_add(b, s, 1);
			continue;
		}
		snprintf(code, sizeof(code), "%%%02X", (unsigned char)*s);
		r = buf_add(b, code, 3);
	}
	return r;
}

int http_expand(const char *url, const char *hostname, const char *system_id, char **ret)
{
	struct buf b = { 0 };
	int r = 0;

	for (; *url && r == 0; url++) {
		if (url[0] == '%' && (url[1] == 'h' || url[1] == 'i'))
			r = add_encoded(&b, *++url == 'h' ? hostname : system_id);
		else
			r = buf_add(&b, url, 1);
	}
	if (r == 0)
		r = buf_add(&b, "", 1);
	if (r < 0) {
		buf_done(&b);
		return r;
	}
	*ret = (char *)b.data;
	return 0;
}

/* Ends the transfer: libcurl stops when a callback takes less than it was given. */
static size_t end(struct http *h, int r)
{
	h->result = r;
	return 0;
}

static size_t on_header(char *line, size_t size, size_t n, void *context)
{
	struct http *h = context;
	int r = reply_header(&h->reply, line, size * n, time(NULL));

	return r < 0 ? end(h, r) : size * n;
}

static size_t on_body(char *data, size_t size, size_t n, void *context)
{
	struct http *h = context;
	int r = reply_body(&h->reply, size * n);

	if (r == 0)
		r = h->request->body(h->request->context, data, size * n);
	return r < 0 ? end(h, r) : size * n;
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct http *h = context;
	int r = h->request->tick(h->request->context);

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	if (r < 0)
		h->result = r;
	return r < 0;
}

#define SET(option, value)                                                          \
	do {                                                                        \
		CURLcode code_ = curl_easy_setopt(h->curl, CURLOPT_##option, value); \
		if (code_ != CURLE_OK)                                              \
			return code_;                                               \
	} while (0)

static CURLcode set_limits(struct http *h)
{
	SET(NOSIGNAL, 1L);
	SET(CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	SET(TIMEOUT, TOTAL_TIMEOUT_S);
	SET(LOW_SPEED_LIMIT, SLOW_BYTES_S);
	SET(LOW_SPEED_TIME, SLOW_TIME_S);
	SET(ERRORBUFFER, h->error);
	SET(WRITEFUNCTION, on_body);
	SET(WRITEDATA, h);
	SET(HEADERFUNCTION, on_header);
	SET(HEADERDATA, h);
	SET(NOPROGRESS, 0L);
	SET(XFERINFOFUNCTION, on_progress);
	SET(XFERINFODATA, h);
	return CURLE_OK;
}

/* H1, H2. A proxy's own headers are none of the server's: it is not inside TLS. */
static CURLcode set_route(struct http *h, const struct http_options *o)
{
	SET(URL, o->url);
	SET(PROTOCOLS_STR, "https");
	SET(REDIR_PROTOCOLS_STR, "https"); /* "" is not taken; and nobody is followed */
	SET(FOLLOWLOCATION, 0L);
	SET(DISALLOW_USERNAME_IN_URL, 1L);
	SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(HTTP09_ALLOWED, 0L);
	SET(NETRC, (long)CURL_NETRC_IGNORED);
	SET(PROXY, o->proxy);
	SET(NOPROXY, "");
	SET(SUPPRESS_CONNECT_HEADERS, 1L);
	SET(HEADEROPT, (long)CURLHEADER_SEPARATE); /* the token is not the proxy's either */
	return CURLE_OK;
}

static struct curl_blob blob_of(const char *pem)
{
	return (struct curl_blob){ (void *)(uintptr_t)pem, strlen(pem), CURL_BLOB_NOCOPY };
}

/* H3. Only the CA that was given: without CAPATH NULL, Debian's libcurl adds all of the system's. */
static CURLcode set_tls(struct http *h, const struct http_options *o)
{
	struct curl_blob ca = blob_of(o->ca), cert = blob_of(o->client_cert), key = blob_of(o->client_key);

	SET(SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(SSL_VERIFYPEER, 1L);
	SET(SSL_VERIFYHOST, 2L);
	SET(CAINFO, NULL);
	SET(CAPATH, NULL);
	SET(CAINFO_BLOB, &ca);
	SET(PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(PROXY_CAINFO, NULL);
	SET(PROXY_CAPATH, NULL);
	SET(PROXY_CAINFO_BLOB, &ca);
	if (!cert.len)
		return CURLE_OK;
	SET(SSLCERTTYPE, "PEM");
	SET(SSLKEYTYPE, "PEM");
	SET(KEYPASSWD, ""); /* or OpenSSL would ask at a terminal */
	SET(SSLCERT_BLOB, &cert);
	SET(SSLKEY_BLOB, &key);
	return CURLE_OK;
}

static int add_header(struct curl_slist **list, const char *name, const char *value)
{
	AUTO_FREE char *line = str_format("%s %s", name, value);
	struct curl_slist *longer = line ? curl_slist_append(*list, line) : NULL;

	if (line)
		wipe(line, strlen(line));
	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

static bool is_visible(const char *s)
{
	for (; *s; s++)
		if (*s < 0x21 || *s > 0x7e)
			return false;
	return true;
}

static const char *refused(const struct http_options *o)
{
	if (strncmp(o->url, "https://", 8) != 0 || !is_visible(o->url))
		return "url: not an https:// URL";
	if (!*o->ca)
		return "ca: none, so that no server can be trusted";
	if (!*o->client_cert != !*o->client_key)
		return "client_cert and client_key: one without the other";
	if (!is_visible(o->bearer))
		return "bearer: a token has visible characters only";
	if (*o->proxy && strncasecmp(o->proxy, "http://", 7) != 0 && strncasecmp(o->proxy, "https://", 8) != 0)
		return "proxy: not an http:// or https:// URL";
	return NULL;
}

static int prepare(struct http *h, const struct http_options *o)
{
	CURLcode code;
	int r;

	h->curl = curl_easy_init();
	if (!h->curl)
		return -ENOMEM;
	r = add_header(&h->headers, "Accept:", "application/json");
	if (r == 0)
		r = add_header(&h->headers, "User-Agent:", "muster/" PACKAGE_VERSION);
	if (r == 0 && *o->bearer)
		r = add_header(&h->headers, "Authorization: Bearer", o->bearer);
	if (r < 0)
		return r;
	code = set_limits(h);
	if (code == CURLE_OK)
		code = set_route(h, o);
	if (code == CURLE_OK)
		code = set_tls(h, o);
	return code == CURLE_OK ? 0 : code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

int http_new(const struct http_options *options, struct http **ret, char ret_text[static HTTP_TEXT_SIZE])
{
	const char *why = refused(options);
	struct http *h;
	int r;

	snprintf(ret_text, HTTP_TEXT_SIZE, "%s", why ? why : "libcurl cannot do what is needed");
	if (why)
		return -EINVAL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	r = prepare(h, options);
	if (r < 0) {
		http_free(h);
		return r;
	}
	*ret = h;
	return 0;
}

static void wipe_headers(struct curl_slist *list)
{
	for (struct curl_slist *l = list; l; l = l->next)
		wipe(l->data, strlen(l->data));
	curl_slist_free_all(list);
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	wipe_headers(h->headers);
	free(h);
}

/* One place where CURLcode becomes errno. */
static int error_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
		return -EHOSTUNREACH;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_CLIENTCERT:
		return -EKEYREJECTED;
	default:
		return -EPROTO;
	}
}

/* If-None-Match is of this request alone, so it goes in front of a list that stays. */
static int perform(struct http *h, const char *validator)
{
	AUTO_FREE char *line = str_format("If-None-Match: %s", validator);
	struct curl_slist first = { line, h->headers };
	CURLcode code;

	if (!line)
		return -ENOMEM;
	code = curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, *validator ? &first : h->headers);
	if (code == CURLE_OK)
		code = curl_easy_perform(h->curl);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, h->headers);
	return error_of(code);
}

int http_get(struct http *h, const struct http_request *request, struct frame_server *ret,
	     char ret_text[static HTTP_TEXT_SIZE])
{
	int r;

	h->request = request;
	h->reply = (struct reply){ 0 };
	h->result = 0;
	h->error[0] = '\0';
	r = perform(h, request->validator);
	if (h->result < 0)
		r = h->result;
	else if (r == 0)
		r = reply_check(&h->reply, request->validator);
	*ret = h->reply.server;
	snprintf(ret_text, HTTP_TEXT_SIZE, "%s", h->reply.text[0] ? h->reply.text : h->error);
	return r;
}
