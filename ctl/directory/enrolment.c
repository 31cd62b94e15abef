#include "ctl/directory/enrolment.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/str.h"

int enrolment_make_secret(char out[static TOTP_SECRET_SIZE])
{
	static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint8_t raw[TOTP_SECRET_SIZE - 1];

	/* Five of each eight random bits, so that nothing has to be carried from one to the next. */
	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return -EIO;
	for (size_t i = 0; i < sizeof(raw); i++)
		out[i] = base32[raw[i] & 31];
	out[sizeof(raw)] = '\0';
	wipe(raw, sizeof(raw));
	return 0;
}

/* As RFC 3986 has it: everything but its unreserved characters. */
static char *percent_encode(const char *text)
{
	char *out = malloc(3 * strlen(text) + 1), *p = out;

	if (!out)
		return NULL;
	for (; *text; text++) {
		if (isascii(*text) && (isalnum(*text) || strchr("-._~", *text)))
			*p++ = *text;
		else
			p += snprintf(p, 4, "%%%02X", (unsigned char)*text);
	}
	*p = '\0';
	return out;
}

char *enrolment_uri(const char *issuer, const char *name, const char *secret)
{
	AUTO_FREE char *i = percent_encode(issuer), *n = percent_encode(name);

	return i && n ? str_format("otpauth://totp/%s:%s?secret=%s&issuer=%s", i, n, secret, i)
		      : NULL;
}
