#include <errno.h>
#include <nss.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agentd/fetch/http_private.h"
#include "config.h"

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

size_t http_on_header(char *line, size_t size, size_t n, void *context)
{
	struct http *h = context;
	int r = reply_header(&h->reply, line, size * n, time(NULL));

	return r < 0 ? end(h, r) : size * n;
}

size_t http_on_body(char *data, size_t size, size_t n, void *context)
{
	struct http *h = context;
	int r = reply_body(&h->reply, size * n, h->request->max);

	if (r > 0)
		r = h->request->body(h->request->context, data, size * n);
	return r < 0 ? end(h, r) : size * n;
}

int http_on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
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

int http_header(struct http *h, const char *name, const char *value)
{
	AUTO_FREE char *line = str_format("%s: %s", name, value);
	size_t i = 0;

	if (!line)
		return -ENOMEM;
	while (i < HTTP_HEADERS_MAX - 1 && h->headers[i] && strncmp(h->headers[i], line, strlen(name) + 1) != 0)
		i++;
	if (i == HTTP_HEADERS_MAX - 1)
		return -E2BIG;
	for (const char *c = value; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			return -EINVAL;
	if (h->headers[i])
		wipe(h->headers[i], strlen(h->headers[i]));
	free(h->headers[i]);
	h->headers[i] = TAKE(line);
	return 0;
}

int http_bearer(struct http *h, const char *token)
{
	AUTO_FREE char *value = str_format("Bearer %s", token);
	int r;

	if (!value)
		return -ENOMEM;
	r = strchr(token, ' ') ? -EINVAL : http_header(h, "Authorization", value);
	wipe(value, strlen(value));
	return r;
}

static int prepare(struct http *h, const struct http_options *o)
{
	int r;

	h->curl = curl_easy_init();
	h->url = strdup(o->url);
	if (!h->curl || !h->url)
		return -ENOMEM;
	r = http_header(h, "Accept", "application/json");
	if (r == 0)
		r = http_header(h, "User-Agent", "muster/" PACKAGE_VERSION);
	return r < 0 ? r : http_setup(h, o);
}

int http_new(const struct http_options *options, struct http **ret, char ret_text[static HTTP_TEXT_SIZE])
{
	const char *why = http_refused(options);
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

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	for (char **line = h->headers; *line; line++) {
		wipe(*line, strlen(*line));
		free(*line);
	}
	free(h->url);
	free(h);
}

void http_freep(struct http **h)
{
	http_free(*h);
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

/* What is sent in one request, in libcurl's list, which it does not change. */
struct head {
	struct curl_slist lines[HTTP_HEADERS_MAX + 2];
	size_t n;
};

static void head_add(struct head *head, char *line)
{
	head->lines[head->n] = (struct curl_slist){ line, NULL };
	if (head->n > 0)
		head->lines[head->n - 1].next = &head->lines[head->n];
	head->n++;
}

static CURLcode set_request(struct http *h, const char *url, struct head *head)
{
	const struct http_request *q = h->request;
	CURLcode code = curl_easy_setopt(h->curl, CURLOPT_URL, url);

	if (code == CURLE_OK)
		code = curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, head->lines);
	if (code == CURLE_OK)
		code = curl_easy_setopt(h->curl, CURLOPT_TIMEOUT, q->timeout_s);
	if (code == CURLE_OK)
		code = curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, q->post);
	if (code == CURLE_OK)
		code = q->post ? curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(q->post))
			       : curl_easy_setopt(h->curl, CURLOPT_HTTPGET, 1L);
	if (code == CURLE_OK) /* NULL: its own word */
		code = curl_easy_setopt(h->curl, CURLOPT_CUSTOMREQUEST, q->put ? "PUT" : NULL);
	return code;
}

/* The lines of this request alone go in front of those that stay. */
static int perform(struct http *h, const struct http_request *q)
{
	AUTO_FREE char *url = str_format("%s%s", h->url, q->path);
	AUTO_FREE char *first = q->post ? str_format("Content-Type: %s", q->post_type)
					: str_format("If-None-Match: %s", q->validator);
	struct head head = { .n = 0 };
	CURLcode code;

	if (!url || !first)
		return -ENOMEM;
	if (q->post || *q->validator)
		head_add(&head, first);
	for (char **line = h->headers; *line; line++)
		head_add(&head, *line);
	code = set_request(h, url, &head);
	if (code == CURLE_OK)
		code = curl_easy_perform(h->curl);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
	return error_of(code);
}

int http_ask(struct http *h, const struct http_request *request, struct http_answer *ret)
{
	int r;

	h->request = request;
	h->reply = (struct reply){ .total = -1 };
	h->result = 0;
	h->error[0] = '\0';
	r = perform(h, request);
	if (h->result < 0)
		r = h->result;
	else if (r == 0)
		r = reply_check(&h->reply, request->validator);
	*ret = (struct http_answer){ .server = h->reply.server, .total = h->reply.total };
	snprintf(ret->text, sizeof(ret->text), "%s", h->reply.text[0] ? h->reply.text : h->error);
	return r;
}
