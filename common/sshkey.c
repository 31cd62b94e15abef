#include "common/sshkey.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/account.h"

#define BLOB_MAX       (ACCOUNT_KEY_SIZE_MAX / 4 * 3)
#define RSA_BITS_MIN   3072
#define RSA_BITS_MAX   16384
#define RSA_E_BITS_MAX 64 /* libcrypto takes no more for keys of this size */

enum key_kind {
	KEY_UNKNOWN = 0,
	KEY_ED25519,
	KEY_ECDSA,
	KEY_RSA,
	KEY_REFUSED, /* a key, but none that we publish */
};

struct key_type {
	const char *name;
	enum key_kind kind;
	bool sk;           /* on a security key: the application follows */
	const char *curve; /* KEY_ECDSA */
	size_t point_len;
};

static const struct key_type key_types[] = {
	{.name = "ssh-ed25519", .kind = KEY_ED25519},
	{.name = "sk-ssh-ed25519@openssh.com", .kind = KEY_ED25519, .sk = true},
	{.name = "ecdsa-sha2-nistp256", .kind = KEY_ECDSA, .curve = "nistp256", .point_len = 65},
	{.name = "ecdsa-sha2-nistp384", .kind = KEY_ECDSA, .curve = "nistp384", .point_len = 97},
	{.name = "ecdsa-sha2-nistp521", .kind = KEY_ECDSA, .curve = "nistp521", .point_len = 133},
	{.name = "sk-ecdsa-sha2-nistp256@openssh.com",
	 .kind = KEY_ECDSA,
	 .sk = true,
	 .curve = "nistp256",
	 .point_len = 65},
	{.name = "ssh-rsa", .kind = KEY_RSA},
	{.name = "ssh-dss", .kind = KEY_REFUSED},
	{.name = "ssh-xmss@openssh.com", .kind = KEY_REFUSED},
	{.name = "ssh-rsa-cert-v01@openssh.com", .kind = KEY_REFUSED},
	{.name = "ssh-dss-cert-v01@openssh.com", .kind = KEY_REFUSED},
	{.name = "ssh-ed25519-cert-v01@openssh.com", .kind = KEY_REFUSED},
	{.name = "ecdsa-sha2-nistp256-cert-v01@openssh.com", .kind = KEY_REFUSED},
	{.name = "ecdsa-sha2-nistp384-cert-v01@openssh.com", .kind = KEY_REFUSED},
	{.name = "ecdsa-sha2-nistp521-cert-v01@openssh.com", .kind = KEY_REFUSED},
	{.name = "sk-ssh-ed25519-cert-v01@openssh.com", .kind = KEY_REFUSED},
	{.name = "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", .kind = KEY_REFUSED},
};

/* Value + 1 of each character; 0: none of base64. */
static const uint8_t base64_values[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8, ['I'] = 9,
	['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
	['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27,
	['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
	['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45,
	['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
	['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63,
	['/'] = 64,
};

/* Bytes not yet read: of the line first, of the blob later. */
struct span {
	const uint8_t *p;
	size_t len;
};

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(uint8_t c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

/* The next word of S, up to a blank. */
static struct span take_word(struct span *s)
{
	size_t begin = 0, end;

	while (begin < s->len && is_blank(s->p[begin]))
		begin++;
	for (end = begin; end < s->len && !is_blank(s->p[end]);)
		end++;
	struct span word = {s->p + begin, end - begin};
	*s = (struct span){s->p + end, s->len - end};
	return word;
}

static bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

static const struct key_type *find_type(struct span name)
{
	for (size_t i = 0; i < ARRAY_SIZE(key_types); i++)
		if (span_is(name, key_types[i].name))
			return &key_types[i];
	return NULL;
}

/* Strict: whole quads, padding at the end only, unused bits zero. -EINVAL, else the length. */
static ssize_t base64_decode(struct span in, uint8_t *out, size_t size)
{
	size_t used = 0, pad = 0;

	if (in.len == 0 || in.len % 4 != 0 || in.len / 4 * 3 > size)
		return -EINVAL;
	while (pad < 2 && in.p[in.len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < in.len; i += 4) {
		bool last = i + 4 == in.len;
		uint32_t quad = 0;

		for (size_t j = 0; j < 4; j++) {
			uint32_t value = 1; /* padding counts as zero bits */

			if (!last || j < 4 - pad)
				value = base64_values[in.p[i + j]];
			if (!value)
				return -EINVAL;
			quad = quad << 6 | (value - 1);
		}
		size_t n = last ? 3 - pad : 3;
		if (quad & (0xffffffu >> (8 * n)))
			return -EINVAL;
		for (size_t j = 0; j < n; j++)
			out[used++] = (uint8_t)(quad >> (16 - 8 * j));
	}
	return (ssize_t)used;
}

/* RFC 4251 string: u32 length, big-endian, bytes. */
static bool take_string(struct span *s, struct span *ret)
{
	if (s->len < 4)
		return false;
	size_t len = (size_t)s->p[0] << 24 | s->p[1] << 16 | s->p[2] << 8 | s->p[3];
	if (len > s->len - 4)
		return false;
	*ret = (struct span){s->p + 4, len};
	s->p += 4 + len;
	s->len -= 4 + len;
	return true;
}

/* A positive mpint in its shortest form; its size in bits. */
static bool take_mpint(struct span *s, struct span *ret, size_t *ret_bits)
{
	struct span n;

	if (!take_string(s, &n) || n.len == 0 || (n.p[0] & 0x80))
		return false;
	if (n.p[0] == 0) { /* only to keep the sign bit clear */
		if (n.len == 1 || !(n.p[1] & 0x80))
			return false;
		n.p++;
		n.len--;
	}
	*ret = n;
	*ret_bits = n.len * 8 - (size_t)(__builtin_clz(n.p[0]) - 24);
	return true;
}

static bool is_odd(struct span n)
{
	return n.p[n.len - 1] & 1;
}

static int check_rsa(struct span *s)
{
	struct span e, n;
	size_t e_bits, n_bits;

	if (!take_mpint(s, &e, &e_bits) || !take_mpint(s, &n, &n_bits))
		return -EINVAL;
	if (e_bits < 2 || e_bits > RSA_E_BITS_MAX || !is_odd(e) || !is_odd(n))
		return -EKEYREJECTED;
	return n_bits < RSA_BITS_MIN || n_bits > RSA_BITS_MAX ? -EKEYREJECTED : 0;
}

static int check_ecdsa(const struct key_type *t, struct span *s)
{
	struct span curve, point;

	if (!take_string(s, &curve) || !span_is(curve, t->curve) || !take_string(s, &point))
		return -EINVAL;
	return point.len == t->point_len && point.p[0] == 4 ? 0 : -EINVAL; /* 4: uncompressed */
}

static int check_ed25519(struct span *s)
{
	struct span point;

	return take_string(s, &point) && point.len == 32 ? 0 : -EINVAL;
}

/* The blob holds a key of type T and nothing else. */
static int check_blob(const struct key_type *t, struct span s)
{
	struct span inner, application;
	int r = -EINVAL;

	if (!take_string(&s, &inner) || !span_is(inner, t->name))
		return -EINVAL;
	switch (t->kind) {
	case KEY_ED25519:
		r = check_ed25519(&s);
		break;
	case KEY_ECDSA:
		r = check_ecdsa(t, &s);
		break;
	case KEY_RSA:
		r = check_rsa(&s);
		break;
	case KEY_REFUSED:
	case KEY_UNKNOWN:
		break;
	}
	if (r == 0 && t->sk && (!take_string(&s, &application) || application.len == 0))
		r = -EINVAL;
	if (r == 0 && s.len > 0)
		r = -EINVAL;
	return r;
}

int sshkey_normalise(const char *line, size_t len, char *out, size_t size)
{
	struct span s = {.p = (const uint8_t *)line, .len = len};
	uint8_t blob[BLOB_MAX];

	if (len > ACCOUNT_KEY_SIZE_MAX)
		return -EINVAL;
	while (s.len > 0 && is_space(s.p[s.len - 1]))
		s.len--;
	while (s.len > 0 && is_space(*s.p))
		s.p++, s.len--;
	if (s.len == 0)
		return -EINVAL;
	if (memchr(s.p, '\n', s.len) || memchr(s.p, '\r', s.len) || memchr(s.p, '\0', s.len))
		return -EINVAL;
	struct span name = take_word(&s);
	const struct key_type *t = find_type(name);
	if (!t)
		return -EINVAL;
	if (t->kind == KEY_REFUSED)
		return -EKEYREJECTED;
	struct span base64 = take_word(&s);
	ssize_t blob_len = base64_decode(base64, blob, sizeof(blob));
	if (blob_len < 0)
		return -EINVAL;
	int r = check_blob(t, (struct span){blob, (size_t)blob_len});
	if (r < 0)
		return r;
	if (name.len + 1 + base64.len + 1 > size)
		return -ENOSPC;
	memcpy(out, t->name, name.len);
	out[name.len] = ' ';
	memcpy(out + name.len + 1, base64.p, base64.len); /* what was decoded is written in one way only */
	out[name.len + 1 + base64.len] = '\0';
	return 0;
}
