#include "agentd/fetch/reply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define VALUE_SIZE 512

static int fail(struct reply *r, int error, const char *text)
{
	snprintf(r->text, sizeof(r->text), "%s", text);
	return error;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", the one form that HTTP/1.1 still writes; 0: none. */
static int64_t parse_http_date(const char *s)
{
	struct tm tm = { .tm_isdst = 0 };
	const char *end = strptime(s, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	int64_t t;

	if (!end || *end)
		return 0;
	t = timegm(&tm);
	return t > 0 && tm.tm_year < 9999 - 1900 ? t : 0;
}

static void retry_after(struct reply *r, const char *value, int64_t now)
{
	int64_t date = parse_http_date(value);
	uint64_t seconds = 0;

	if (r->server.date)
		now = r->server.date;
	if (date > now)
		seconds = (uint64_t)(date - now);
	else if (parse_u64(value, 0, UINT64_MAX, &seconds) < 0)
		return;
	r->server.retry_after_s = seconds < REPLY_RETRY_MAX_S ? (uint32_t)seconds : REPLY_RETRY_MAX_S;
}

/* "application/json; charset=utf-8" */
static bool is_json(const char *type)
{
	static const char json[] = "application/json";
	const char *rest = type + sizeof(json) - 1;

	return strncasecmp(type, json, sizeof(json) - 1) == 0 && (!*rest || strchr("; \t", *rest));
}

static void take_total(struct reply *r, const char *value)
{
	uint64_t total;

	r->total = parse_u64(value, 0, INT64_MAX, &total) < 0 ? -1 : (int64_t)total;
}

static void take_field(struct reply *r, const char *name, const char *value, int64_t now)
{
	if (strcasecmp(name, "Date") == 0)
		r->server.date = parse_http_date(value);
	else if (strcasecmp(name, "Retry-After") == 0)
		retry_after(r, value, now);
	else if (strcasecmp(name, "Content-Type") == 0)
		r->json = is_json(value);
	else if (strcasecmp(name, "Content-Encoding") == 0)
		r->encoded = strcasecmp(value, "identity") != 0;
	else if (strcasecmp(name, "X-Total-Count") == 0)
		take_total(r, value);
	else if (strcasecmp(name, "ETag") == 0 && validator_valid(value))
		memcpy(r->server.validator, value, strlen(value) + 1);
}

/* A status line begins a new reply: those before it were interim ones. */
static bool take_status(struct reply *r, const char *line)
{
	const char *space = strchr(line, ' ');
	char digits[4] = "";
	uint32_t status;

	if (strncmp(line, "HTTP/", 5) != 0)
		return false;
	r->server = (struct frame_server){ 0 };
	r->json = r->encoded = false;
	r->total = -1;
	if (space)
		memcpy(digits, space + 1, strnlen(space + 1, 3));
	if (parse_u32(digits, 100, 999, &status) == 0)
		r->server.status = status;
	return true;
}

int reply_header(struct reply *r, const char *line, size_t len, int64_t now)
{
	char text[VALUE_SIZE], *colon, *value;

	if (len > REPLY_HEADERS_MAX - r->headers_len)
		return fail(r, -EPROTO, "the headers are too long");
	r->headers_len += (uint32_t)len;
	if (r->body || len >= sizeof(text) || memchr(line, '\0', len))
		return 0;
	memcpy(text, line, len);
	while (len > 0 && strchr("\r\n \t", text[len - 1]))
		len--;
	text[len] = '\0';
	if (take_status(r, text))
		return 0;
	colon = strchr(text, ':');
	if (!colon)
		return 0;
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	take_field(r, text, value, now);
	return 0;
}

int reply_check(struct reply *r, const char *validator)
{
	uint32_t status = r->server.status;
	char text[REPLY_TEXT_SIZE];

	if (status == 200 && r->json && !r->encoded)
		return 1;
	if (status == 200)
		return fail(r, -EPROTO, r->encoded ? "the answer is compressed, which was not asked for"
						   : "the answer's Content-Type is not application/json");
	if (status == 304 && *validator)
		return 0;
	snprintf(text, sizeof(text), "the server answered with HTTP status %" PRIu32, status);
	fail(r, 0, text);
	if (status == 401 || status == 403)
		return -EPERM;
	return status == 429 || status >= 500 ? -EBUSY : -EPROTO;
}

int reply_body(struct reply *r, size_t len, uint64_t max)
{
	int check = r->body ? 1 : reply_check(r, "");
	bool refusal = check < 0 && r->server.status != 200;

	if (refusal)
		max = REPLY_REFUSAL_MAX;
	else if (check < 0)
		return check;
	r->body = !refusal;
	if (len > max - r->body_len) {
		if (refusal)
			return check;
		snprintf(r->text, sizeof(r->text), "larger than %" PRIu64 " MiB", max >> 20);
		return -EFBIG;
	}
	r->body_len += len;
	return !refusal;
}
