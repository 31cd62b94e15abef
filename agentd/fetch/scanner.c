#include "agentd/fetch/scanner.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum state {
	S_VALUE = 0,
	S_FIRST, /* a value, or the end of an empty array */
	S_FIRST_KEY, /* a key, or the end of an empty object */
	S_KEY,
	S_COLON,
	S_AFTER, /* ',' or the end of the container */
	S_END,	 /* white space only */
	S_STRING,
	S_ESCAPE,
	S_UNICODE,
	S_LITERAL,
	S_MINUS,
	S_ZERO,
	S_DIGITS,
	S_POINT,
	S_FRACTION,
	S_E,
	S_E_SIGN,
	S_EXPONENT,
};

void scanner_init(struct scanner *s, const struct scan_handler *handler)
{
	*s = (struct scanner){ .handler = handler, .line = 1, .action = SCAN_ENTER };
}

void scanner_init_part(struct scanner *s, const struct scan_handler *handler,
		       const struct scan_at *at)
{
	scanner_init(s, handler);
	s->offset = at->offset;
	s->line = at->line;
	s->line_offset = at->line_offset;
	s->part = true;
}

void scanner_done(struct scanner *s)
{
	buf_done(&s->taken);
}

const char *scanner_text(const struct scanner *s)
{
	return s->text;
}

int scan_fail(char text[static SCAN_TEXT_SIZE], const struct scan_at *at, const char *format, ...)
{
	va_list args;
	int n;

	n = snprintf(text, SCAN_TEXT_SIZE, "line %" PRIu32 ", column %" PRIu64 ": ", at->line,
		     at->offset - at->line_offset + 1);
	va_start(args, format);
	vsnprintf(text + n, SCAN_TEXT_SIZE - (size_t)n, format, args);
	va_end(args);
	return -EBADMSG;
}

/* Fails at the byte P of the chunk that begins at DATA. */
static int fail_at(struct scanner *s, const char *data, const char *p, const char *what)
{
	struct scan_at at = { .offset = s->offset + (uint64_t)(p - data),
			      .line = s->line,
			      .line_offset = s->line_offset };

	return scan_fail(s->text, &at, "%s", what);
}

static bool in_object(const struct scanner *s)
{
	return s->depth && s->objects >> (s->depth - 1) & 1;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Keeps what this chunk has, up to END, of the value being taken. */
static int capture(struct scanner *s, const char *end)
{
	size_t len = (size_t)(end - s->from);

	if (s->too_long || s->taken.len + len > s->handler->take_max) {
		s->too_long = true;
		return 0;
	}
	return buf_add(&s->taken, s->from, len);
}

static int value_begin(struct scanner *s, const char *data, const char *p, char type)
{
	int r;

	if (s->action != SCAN_ENTER)
		return 0;
	s->at = (struct scan_at){ .depth = s->depth,
				  .type = type,
				  .key = in_object(s) ? s->key : "",
				  .offset = s->offset + (uint64_t)(p - data),
				  .line = s->line,
				  .line_offset = s->line_offset };
	r = s->handler->begin(s->handler->context, &s->at);
	if (r < 0)
		return r;
	s->action = (enum scan_action)r;
	s->taken.len = 0;
	s->too_long = false;
	s->value = (struct scan_value){ 0 };
	s->from = p;
	return 0;
}

/* A value has ended before P: hand it over if it is the one that was asked for. */
static int value_end(struct scanner *s, const char *p)
{
	int r = 0;

	s->state = s->depth ? S_AFTER : S_END;
	if (s->action == SCAN_ENTER || s->depth != s->at.depth)
		return 0;
	if (s->action == SCAN_TAKE) {
		if (s->taken.len || s->too_long) {
			r = capture(s, p);
			if (r < 0)
				return r;
			s->value.data = (const char *)s->taken.data;
			s->value.len = s->taken.len;
		} else {
			s->value.data = s->from;
			s->value.len = (size_t)(p - s->from);
		}
		if (s->too_long || s->value.len > s->handler->take_max)
			s->value.data = NULL;
		r = s->handler->take(s->handler->context, &s->at, &s->value);
	}
	s->action = SCAN_ENTER;
	return r;
}

static int container_begin(struct scanner *s, const char *data, const char *p)
{
	bool object = *p == '{';

	if (s->depth == SCAN_DEPTH_MAX)
		return fail_at(s, data, p, "nested too deeply");
	s->objects &= ~(UINT64_C(1) << s->depth);
	s->objects |= (uint64_t)object << s->depth;
	s->depth++;
	s->state = object ? S_FIRST_KEY : S_FIRST;
	return 0;
}

static int container_end(struct scanner *s, const char *data, const char *p)
{
	bool object = in_object(s);
	int r;

	if (object != (*p == '}'))
		return fail_at(s, data, p, object ? "expected , or }" : "expected , or ]");
	s->depth--;
	if (s->action == SCAN_ENTER) {
		r = s->handler->leave(s->handler->context, s->depth);
		if (r < 0)
			return r;
	}
	return value_end(s, p + 1);
}

/* *P is the first byte of a value. */
static int step_value(struct scanner *s, const char *data, const char *p)
{
	char c = *p;
	int r;

	if (!c || !strchr("{[\"tfn-0123456789", c))
		return fail_at(s, data, p, "expected a JSON value");
	r = value_begin(s, data, p, c == '-' || is_digit(c) ? '0' : c);
	if (r < 0)
		return r;
	switch (c) {
	case '{':
	case '[':
		return container_begin(s, data, p);
	case '"':
		s->is_key = false;
		s->state = S_STRING;
		return 0;
	case 't':
	case 'f':
	case 'n':
		s->literal = c == 't' ? "rue" : c == 'f' ? "alse" : "ull";
		s->state = S_LITERAL;
		return 0;
	case '-':
		s->state = S_MINUS;
		return 0;
	case '0':
		s->state = S_ZERO;
		return 0;
	}
	s->state = S_DIGITS;
	return 0;
}

static int step_key(struct scanner *s, const char *data, const char *p)
{
	if (*p != '"')
		return fail_at(s, data, p, "expected a key in double quotes");
	s->is_key = true;
	s->state = S_STRING;
	if (s->action == SCAN_ENTER) {
		s->key[0] = '\0';
		s->key_len = 0;
	}
	return 0;
}

static int step_after(struct scanner *s, const char *data, const char *p)
{
	bool object = in_object(s);

	if (*p != ',')
		return *p == '}' || *p == ']'
			       ? container_end(s, data, p)
			       : fail_at(s, data, p,
					 object ? "expected , or }" : "expected , or ]");
	s->state = object ? S_KEY : S_VALUE;
	return 0;
}

/* The states between tokens: *P is no white space. */
static int step_between(struct scanner *s, const char *data, const char *p)
{
	switch ((enum state)s->state) {
	case S_FIRST:
		return *p == ']' ? container_end(s, data, p) : step_value(s, data, p);
	case S_FIRST_KEY:
		return *p == '}' ? container_end(s, data, p) : step_key(s, data, p);
	case S_KEY:
		return step_key(s, data, p);
	case S_COLON:
		if (*p != ':')
			return fail_at(s, data, p, "expected :");
		s->value.n_keys++;
		s->state = S_VALUE;
		return 0;
	case S_AFTER:
		return step_after(s, data, p);
	case S_END:
		return fail_at(s, data, p, "something follows the end of the document");
	default:
		return step_value(s, data, p);
	}
}

static void key_add(struct scanner *s, const char *p, const char *end)
{
	size_t len = (size_t)(end - p);

	if (s->action != SCAN_ENTER || !s->is_key || s->key_len > SCAN_KEY_MAX)
		return;
	if (s->key_len + len > SCAN_KEY_MAX) {
		s->key_len = SCAN_KEY_MAX + 1; /* overlong: nobody's key */
		s->key[0] = '\0';
		return;
	}
	memcpy(s->key + s->key_len, p, len);
	s->key_len += len;
	s->key[s->key_len] = '\0';
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What the escape at *P stands for, and *P moves behind it; 0: nothing in ASCII, *P stays. */
static char unescape(const char **p)
{
	static const char names[] = "\"\\/bfnrt", chars[] = "\"\\/\b\f\n\r\t";
	const char *q = *p + 1;
	const char *name = strchr(names, *q);
	unsigned c = 0;

	if (name) {
		*p = q + 1;
		return chars[name - names];
	}
	for (int i = 1; i <= 4; i++)
		c = c << 4 | (unsigned)hex_digit(q[i]);
	if (c == 0 || c >= 0x80)
		return 0;
	*p = q + 5;
	return (char)c;
}

/* The key is whole: "\u0069d" is "id" to json-c, so it must be to us. */
static void key_end(struct scanner *s)
{
	const char *p = s->key;
	char *out = s->key, c;

	if (!strchr(s->key, '\\'))
		return;
	while (*p) {
		c = *p == '\\' ? unescape(&p) : 0;
		*out++ = c ? c : *p++;
	}
	*out = '\0';
}

static void surrogate_missing(struct scanner *s)
{
	s->value.bad_unicode |= s->high;
	s->high = false;
}

/* Inside a string: as far as it goes in one run. */
static int step_string(struct scanner *s, const char *data, const char **p, const char *end)
{
	const char *q = *p;

	if (*q != '\\')
		surrogate_missing(s);
	while (q < end && *q != '"' && *q != '\\' && (unsigned char)*q >= 0x20)
		q++;
	key_add(s, *p, q);
	*p = q;
	if (q == end)
		return 0;
	if ((unsigned char)*q < 0x20)
		return fail_at(s, data, q, "control character in a string");
	*p = q + 1;
	if (*q == '\\') {
		key_add(s, q, q + 1);
		s->state = S_ESCAPE;
		return 0;
	}
	if (!s->is_key)
		return value_end(s, q + 1);
	if (s->action == SCAN_ENTER)
		key_end(s);
	s->state = S_COLON;
	return 0;
}

static int step_escape(struct scanner *s, const char *data, const char *p)
{
	if (!*p || !strchr("\"\\/bfnrtu", *p))
		return fail_at(s, data, p, "no such escape");
	key_add(s, p, p + 1);
	s->state = *p == 'u' ? S_UNICODE : S_STRING;
	s->unicode = s->n_hex = 0;
	if (*p != 'u')
		surrogate_missing(s);
	return 0;
}

static int step_unicode(struct scanner *s, const char *data, const char *p)
{
	int digit = hex_digit(*p);
	bool low;

	if (digit < 0)
		return fail_at(s, data, p, "no such escape");
	key_add(s, p, p + 1);
	s->unicode = s->unicode << 4 | (unsigned)digit;
	if (++s->n_hex < 4)
		return 0;
	low = (s->unicode & 0xfc00) == 0xdc00;
	if (low != s->high || !s->unicode)
		s->value.bad_unicode = true;
	s->high = (s->unicode & 0xfc00) == 0xd800;
	s->state = S_STRING;
	return 0;
}

static int step_literal(struct scanner *s, const char *data, const char *p)
{
	if (*p != *s->literal)
		return fail_at(s, data, p, "expected a JSON value");
	return *++s->literal ? 0 : value_end(s, p + 1);
}

/* The state after C inside a number; -1 when C does not belong to it. */
static int number_next(enum state state, char c)
{
	bool e = c == 'e' || c == 'E';

	switch (state) {
	case S_MINUS:
		return c == '0' ? S_ZERO : is_digit(c) ? S_DIGITS : -1;
	case S_DIGITS:
		if (is_digit(c))
			return S_DIGITS;
		return c == '.' ? S_POINT : e ? S_E : -1;
	case S_ZERO:
		return c == '.' ? S_POINT : e ? S_E : -1;
	case S_POINT:
		return is_digit(c) ? S_FRACTION : -1;
	case S_FRACTION:
		return is_digit(c) ? S_FRACTION : e ? S_E : -1;
	case S_E:
		if (c == '+' || c == '-')
			return S_E_SIGN;
		return is_digit(c) ? S_EXPONENT : -1;
	case S_E_SIGN:
	case S_EXPONENT:
		return is_digit(c) ? S_EXPONENT : -1;
	default:
		return -1;
	}
}

static bool number_complete(int state)
{
	return state == S_ZERO || state == S_DIGITS || state == S_FRACTION || state == S_EXPONENT;
}

static int step_number(struct scanner *s, const char *data, const char **p, const char *end)
{
	int next = 0;

	while (*p < end && (next = number_next((enum state)s->state, **p)) >= 0) {
		s->state = next;
		++*p;
	}
	if (*p == end)
		return 0;
	if (!number_complete(s->state))
		return fail_at(s, data, *p, "not a number");
	return value_end(s, *p);
}

static void skip_space(struct scanner *s, const char *data, const char **p, const char *end)
{
	for (; *p < end && (**p == ' ' || **p == '\n' || **p == '\t' || **p == '\r'); ++*p)
		if (**p == '\n') {
			s->line++;
			s->line_offset = s->offset + (uint64_t)(*p - data) + 1;
		}
}

static int step(struct scanner *s, const char *data, const char **p, const char *end)
{
	switch ((enum state)s->state) {
	case S_STRING:
		return step_string(s, data, p, end);
	case S_ESCAPE:
		return step_escape(s, data, (*p)++);
	case S_UNICODE:
		return step_unicode(s, data, (*p)++);
	case S_LITERAL:
		return step_literal(s, data, (*p)++);
	case S_MINUS:
	case S_ZERO:
	case S_DIGITS:
	case S_POINT:
	case S_FRACTION:
	case S_E:
	case S_E_SIGN:
	case S_EXPONENT:
		return step_number(s, data, p, end);
	default:
		skip_space(s, data, p, end);
		return *p < end ? step_between(s, data, (*p)++) : 0;
	}
}

int scanner_feed(struct scanner *s, const void *bytes, size_t len)
{
	const char *data = bytes, *p = data, *end = data + len;
	int r;

	if (len > SCAN_SIZE_MAX || s->offset > SCAN_SIZE_MAX - len) {
		snprintf(s->text, sizeof(s->text), "larger than %u MiB", SCAN_SIZE_MAX >> 20);
		return -EFBIG;
	}
	s->from = data;
	while (p < end) {
		r = step(s, data, &p, end);
		if (r < 0)
			return r;
		if (s->part && s->state == S_END)
			return 1;
	}
	if (s->action == SCAN_TAKE) {
		r = capture(s, end);
		if (r < 0)
			return r;
	}
	s->offset += len;
	return 0;
}

int scanner_finish(struct scanner *s)
{
	struct scan_at at = { .offset = s->offset, .line = s->line, .line_offset = s->line_offset };
	int r;

	if (s->depth == 0 && number_complete(s->state)) {
		s->from = "";
		r = value_end(s, s->from);
		if (r < 0)
			return r;
	}
	if (s->state != S_END)
		return scan_fail(s->text, &at, "the document ends too early");
	return 0;
}
