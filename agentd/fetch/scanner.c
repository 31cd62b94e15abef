#include "agentd/fetch/scanner.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agentd/fetch/scanner_private.h"

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

int scanner_fail_at(struct scanner *s, const char *data, const char *p, const char *what)
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

/* The bytes from P to END are done with, whatever they say. */
static void pass(struct scanner *s, const char *data, const char *p, const char *end)
{
	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		p++;
		s->line++;
		s->line_offset = s->offset + (uint64_t)(p - data);
	}
}

/* The value at P, up to END in this chunk, begins. 1: it was known, and *RET_NEXT is behind it. */
static int value_begin(struct scanner *s, const char *data, const char *p, const char *end, char type,
		       const char **ret_next)
{
	ssize_t len = 0;
	int r;

	if (s->action != SCAN_ENTER)
		return 0;
	s->at = (struct scan_at){ .depth = s->depth,
				  .type = type,
				  .key = in_object(s) ? s->key : "",
				  .offset = s->offset + (uint64_t)(p - data),
				  .line = s->line,
				  .line_offset = s->line_offset };
	if (s->handler->known)
		len = s->handler->known(s->handler->context, &s->at, p, (size_t)(end - p));
	if (len < 0)
		return (int)len;
	if (len > 0) {
		pass(s, data, p, p + len);
		*ret_next = p + len;
		r = scanner_value_end(s, p + len);
		return r < 0 ? r : 1;
	}
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

int scanner_value_end(struct scanner *s, const char *p)
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
		return scanner_fail_at(s, data, p, "nested too deeply");
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
		return scanner_fail_at(s, data, p, object ? "expected , or }" : "expected , or ]");
	s->depth--;
	if (s->action == SCAN_ENTER) {
		r = s->handler->leave(s->handler->context, s->depth);
		if (r < 0)
			return r;
	}
	return scanner_value_end(s, p + 1);
}

/* What the first byte of a value says of it: the state that follows, and the type in struct scan_at. */
static int value_state(char c, char *ret_type)
{
	*ret_type = c;
	switch (c) {
	case '{':
		return S_FIRST_KEY;
	case '[':
		return S_FIRST;
	case '"':
		return S_STRING;
	case 't':
	case 'f':
	case 'n':
		return S_LITERAL;
	case '-':
	case '0' ... '9':
		*ret_type = '0';
		return c == '-' ? S_MINUS : c == '0' ? S_ZERO : S_DIGITS;
	}
	return -1;
}

/* *NEXT is behind the first byte of a value. */
static int step_value(struct scanner *s, const char *data, const char **next, const char *end)
{
	const char *p = *next - 1;
	char type;
	int state = value_state(*p, &type), r;

	if (state < 0)
		return scanner_fail_at(s, data, p, "expected a JSON value");
	r = value_begin(s, data, p, end, type, next);
	if (r != 0)
		return r < 0 ? r : 0;
	if (state == S_FIRST || state == S_FIRST_KEY)
		return container_begin(s, data, p);
	s->state = state;
	s->is_key = false;
	s->literal = type == 't' ? "rue" : type == 'f' ? "alse" : "ull";
	return 0;
}

static int step_key(struct scanner *s, const char *data, const char *p)
{
	if (*p != '"')
		return scanner_fail_at(s, data, p, "expected a key in double quotes");
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
			       : scanner_fail_at(s, data, p,
					 object ? "expected , or }" : "expected , or ]");
	s->state = object ? S_KEY : S_VALUE;
	return 0;
}

/* The states between tokens: **NEXT is no white space; *NEXT goes behind it, or behind a value that is known. */
static int step_between(struct scanner *s, const char *data, const char **next, const char *end)
{
	const char *p = (*next)++;

	switch ((enum state)s->state) {
	case S_FIRST:
		return *p == ']' ? container_end(s, data, p) : step_value(s, data, next, end);
	case S_FIRST_KEY:
		return *p == '}' ? container_end(s, data, p) : step_key(s, data, p);
	case S_KEY:
		return step_key(s, data, p);
	case S_COLON:
		if (*p != ':')
			return scanner_fail_at(s, data, p, "expected :");
		s->value.n_keys++;
		s->state = S_VALUE;
		return 0;
	case S_AFTER:
		return step_after(s, data, p);
	case S_END:
		return scanner_fail_at(s, data, p, "something follows the end of the document");
	default:
		return step_value(s, data, next, end);
	}
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
		return scanner_string(s, data, p, end);
	case S_ESCAPE:
		return scanner_escape(s, data, (*p)++);
	case S_UNICODE:
		return scanner_unicode(s, data, (*p)++);
	case S_LITERAL:
		return scanner_literal(s, data, (*p)++);
	case S_MINUS:
	case S_ZERO:
	case S_DIGITS:
	case S_POINT:
	case S_FRACTION:
	case S_E:
	case S_E_SIGN:
	case S_EXPONENT:
		return scanner_number(s, data, p, end);
	default:
		skip_space(s, data, p, end);
		return *p < end ? step_between(s, data, p, end) : 0;
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

	if (s->depth == 0 && scanner_number_complete(s->state)) {
		s->from = "";
		r = scanner_value_end(s, s->from);
		if (r < 0)
			return r;
	}
	if (s->state != S_END)
		return scan_fail(s->text, &at, "the document ends too early");
	return 0;
}
