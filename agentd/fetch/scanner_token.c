/* Strings, keys, numbers and literals, as far as a chunk goes. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "agentd/fetch/scanner_private.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
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

/* Of the eight bytes of W: is any of them a quote, a backslash or a control? The lowest one that is, is marked rightly. */
static uint64_t special(uint64_t w)
{
	const uint64_t each = UINT64_C(0x0101010101010101), top = each * 0x80;
	uint64_t quote = w ^ (each * '"'), backslash = w ^ (each * '\\');

	return ((quote - each) | (backslash - each) | (w - each * 0x20)) & ~w & top;
}

/* Up to the first byte that is not simply part of a string: most of a document comes through here. */
static const char *skip_plain(const char *p, const char *end)
{
	uint64_t w, found;

	for (; end - p >= 8; p += 8) {
		memcpy(&w, p, sizeof(w));
		found = special(le64toh(w));
		if (found)
			return p + __builtin_ctzll(found) / 8;
	}
	while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
		p++;
	return p;
}

int scanner_string(struct scanner *s, const char *data, const char **p, const char *end)
{
	const char *q = *p;

	if (*q != '\\')
		surrogate_missing(s);
	q = skip_plain(q, end);
	key_add(s, *p, q);
	*p = q;
	if (q == end)
		return 0;
	if ((unsigned char)*q < 0x20)
		return scanner_fail_at(s, data, q, "control character in a string");
	*p = q + 1;
	if (*q == '\\') {
		key_add(s, q, q + 1);
		s->state = S_ESCAPE;
		return 0;
	}
	if (!s->is_key)
		return scanner_value_end(s, q + 1);
	if (s->action == SCAN_ENTER)
		key_end(s);
	s->state = S_COLON;
	return 0;
}

int scanner_escape(struct scanner *s, const char *data, const char *p)
{
	if (!*p || !strchr("\"\\/bfnrtu", *p))
		return scanner_fail_at(s, data, p, "no such escape");
	key_add(s, p, p + 1);
	s->state = *p == 'u' ? S_UNICODE : S_STRING;
	s->unicode = s->n_hex = 0;
	if (*p != 'u')
		surrogate_missing(s);
	return 0;
}

int scanner_unicode(struct scanner *s, const char *data, const char *p)
{
	int digit = hex_digit(*p);
	bool low;

	if (digit < 0)
		return scanner_fail_at(s, data, p, "no such escape");
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

int scanner_literal(struct scanner *s, const char *data, const char *p)
{
	if (*p != *s->literal)
		return scanner_fail_at(s, data, p, "expected a JSON value");
	return *++s->literal ? 0 : scanner_value_end(s, p + 1);
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

bool scanner_number_complete(int state)
{
	return state == S_ZERO || state == S_DIGITS || state == S_FRACTION || state == S_EXPONENT;
}

int scanner_number(struct scanner *s, const char *data, const char **p, const char *end)
{
	int next = 0;

	while (*p < end && (next = number_next((enum state)s->state, **p)) >= 0) {
		s->state = next;
		++*p;
	}
	if (*p == end)
		return 0;
	if (!scanner_number_complete(s->state))
		return scanner_fail_at(s, data, *p, "not a number");
	return scanner_value_end(s, *p);
}
