/* H1-H3, H5: what libcurl may do, fixed before the first request. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "agentd/fetch/http_private.h"

#define CONNECT_TIMEOUT_S 5L
#define SLOW_BYTES_S	  100L /* less than this … */
#define SLOW_TIME_S	  10L  /* … for so long: given up */

static const char *text_of(const char *s)
{
	return s ? s : "";
}

#define SET(option, value)                                                          \
	do {                                                                        \
		CURLcode code_ = curl_easy_setopt(h->curl, CURLOPT_##option, value); \
		if (code_ != CURLE_OK)                                              \
			return code_;                                               \
	} while (0)

static CURLcode set_limits(struct http *h, const struct http_options *o)
{
	(void)o;
	SET(NOSIGNAL, 1L);
	SET(CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	SET(LOW_SPEED_LIMIT, SLOW_BYTES_S);
	SET(LOW_SPEED_TIME, SLOW_TIME_S);
	SET(ERRORBUFFER, h->error);
	SET(WRITEFUNCTION, http_on_body);
	SET(WRITEDATA, h);
	SET(HEADERFUNCTION, http_on_header);
	SET(HEADERDATA, h);
	SET(NOPROGRESS, 0L);
	SET(XFERINFOFUNCTION, http_on_progress);
	SET(XFERINFODATA, h);
	return CURLE_OK;
}

/* H1, H2. A proxy's own headers are none of the server's: it is not inside TLS. */
static CURLcode set_route(struct http *h, const struct http_options *o)
{
	SET(PROTOCOLS_STR, "https");
	SET(REDIR_PROTOCOLS_STR, "https"); /* "" is not taken; and nobody is followed */
	SET(FOLLOWLOCATION, 0L);
	SET(DISALLOW_USERNAME_IN_URL, 1L);
	SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(HTTP09_ALLOWED, 0L);
	SET(NETRC, (long)CURL_NETRC_IGNORED);
	SET(PROXY, text_of(o->proxy));
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
	struct curl_blob ca = blob_of(o->ca), cert = blob_of(text_of(o->client_cert)),
			 key = blob_of(text_of(o->client_key));

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

static bool is_url(const char *s)
{
	for (const char *c = s; *c; c++)
		if (*c < 0x21 || *c > 0x7e)
			return false;
	return strncmp(s, "https://", 8) == 0;
}

const char *http_refused(const struct http_options *o)
{
	const char *proxy = text_of(o->proxy);

	if (!is_url(o->url))
		return "url: not an https:// URL";
	if (!*text_of(o->ca))
		return "ca: none, so that no server can be trusted";
	if (!*text_of(o->client_cert) != !*text_of(o->client_key))
		return "client_cert and client_key: one without the other";
	if (*proxy && strncasecmp(proxy, "http://", 7) != 0 && strncasecmp(proxy, "https://", 8) != 0)
		return "proxy: not an http:// or https:// URL";
	return NULL;
}

/* One where this server wants to know who asks, and the only one it is told to. */
static CURLcode set_login(struct http *h, const struct http_options *o)
{
	if (!*text_of(o->user))
		return CURLE_OK;
	SET(HTTPAUTH, CURLAUTH_BASIC);
	SET(USERNAME, o->user);
	SET(PASSWORD, text_of(o->password));
	return CURLE_OK;
}

int http_setup(struct http *h, const struct http_options *o)
{
	static CURLcode (*const steps[])(struct http *, const struct http_options *) = {
		set_limits, set_route, set_tls, set_login,
	};
	CURLcode code = CURLE_OK;

	for (size_t i = 0; code == CURLE_OK && i < ARRAY_SIZE(steps); i++)
		code = steps[i](h, o);
	return code == CURLE_OK ? 0 : code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}
