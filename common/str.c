#include "common/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BUF_MAX ((size_t)1 << 30)

char *str_format(const char *format, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, format);
	int n = vasprintf(&s, format, ap);
	va_end(ap);
	return n < 0 ? NULL : s; /* a failed vasprintf leaves rubbish in the pointer */
}

int str_print(char *out, size_t size, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(out, size, format, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < size)
		return 0;
	if (size > 0)
		out[0] = '\0';
	return -ENAMETOOLONG;
}

/* The least code point that needs N bytes: anything lower is an overlong form. */
static const uint32_t utf8_least[] = {0, 0, 0x80, 0x800, 0x10000};

size_t utf8_decode(const char *s, size_t len, uint32_t *ret)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t n;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		n = 1;
	else if (p[0] >= 0xc2 && p[0] < 0xe0)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] < 0xf0)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] < 0xf5)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < utf8_least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

/* Eight bytes at once, as most text goes: each of 0x01..0x7f. */
static bool all_ascii(const char *s)
{
	uint64_t w;

	memcpy(&w, s, sizeof(w));
	return !((w | (w - UINT64_C(0x0101010101010101))) & UINT64_C(0x8080808080808080));
}

bool utf8_valid(const char *s, size_t len)
{
	uint32_t c;

	while (len > 0) {
		size_t n = 8;

		if (len < 8 || !all_ascii(s)) {
			n = utf8_decode(s, len, &c);
			if (n == 0 || c == 0)
				return false;
		}
		s += n;
		len -= n;
	}
	return true;
}

int buf_reserve(struct buf *b, size_t len)
{
	if (len > BUF_MAX || b->len > BUF_MAX - len)
		return -E2BIG;
	size_t need = b->len + len;
	if (need <= b->size)
		return 0;
	size_t size = b->size < 64 ? 64 : b->size;
	while (size < need)
		size *= 2;
	/* Not realloc: it may leave a copy of a secret behind. */
	uint8_t *data = malloc(size);
	if (!data)
		return -ENOMEM;
	if (b->len > 0)
		memcpy(data, b->data, b->len);
	if (b->data)
		wipe(b->data, b->size);
	free(b->data);
	b->data = data;
	b->size = size;
	return 0;
}

int buf_add(struct buf *b, const void *data, size_t len)
{
	int r = len > b->size - b->len ? buf_reserve(b, len) : 0;

	if (r < 0)
		return r;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	return 0;
}

void buf_done(struct buf *b)
{
	if (!b)
		return;
	free(b->data);
	*b = (struct buf){0};
}

void buf_wipe(struct buf *b)
{
	if (b && b->data)
		wipe(b->data, b->size);
	buf_done(b);
}

const char *strlist_next(const struct strlist *l, const char *s)
{
	const char *next = s ? s + strlen(s) + 1 : l->data;

	return l->len > 0 && next < l->data + l->len ? next : NULL;
}

bool strlist_valid(const struct strlist *l)
{
	uint32_t count = 0;

	if (l->len == 0)
		return l->count == 0;
	if (!l->data || l->data[l->len - 1] != '\0')
		return false;
	for (const char *s = NULL; (s = strlist_next(l, s));)
		count++;
	return count == l->count;
}

bool strlist_has(const struct strlist *l, const char *s)
{
	for (const char *i = NULL; (i = strlist_next(l, i));)
		if (strcmp(i, s) == 0)
			return true;
	return false;
}

void wipe(void *p, size_t len)
{
	explicit_bzero(p, len);
}

bool equal_ct(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= x[i] ^ y[i];
	return differ == 0;
}
