#include "common/totp.h"

#include <errno.h>
#include <string.h>

#include <liboath/oath.h>

#include "common/str.h"

#define SECRET_MAX 128 /* bytes, decoded; no directory gives longer ones */

bool totp_code_valid(const char *code)
{
	return strspn(code, "0123456789") == TOTP_DIGITS && !code[TOTP_DIGITS];
}

size_t totp_joined(const char *password)
{
	const char *comma = strrchr(password, ',');

	return comma && totp_code_valid(comma + 1) ? (size_t)(comma - password) : 0;
}

/* Base32 as liboath reads it, but not the empty secret, with which everybody could compute codes. */
static int decode(const char *secret, char **ret, size_t *ret_len)
{
	switch (oath_base32_decode(secret, strlen(secret), ret, ret_len)) {
	case OATH_OK:
		break;
	case OATH_MALLOC_ERROR:
		return -ENOMEM;
	default:
		return -EINVAL;
	}
	return *ret_len == 0 || *ret_len > SECRET_MAX ? -EINVAL : 0;
}

static int match(const char *secret, size_t len, const char *code, int64_t step, uint32_t *ret_step)
{
	char expected[TOTP_DIGITS + 1];
	int r = -EKEYREJECTED;

	for (int64_t s = step - TOTP_SKEW; s <= step + TOTP_SKEW; s++) {
		if (oath_hotp_generate(secret, len, (uint64_t)s, TOTP_DIGITS, false,
				       OATH_HOTP_DYNAMIC_TRUNCATION, expected) != OATH_OK) {
			r = -EINVAL;
			break;
		}
		if (equal_ct(expected, code, TOTP_DIGITS)) {
			*ret_step = (uint32_t)s;
			r = 0;
		}
	}
	wipe(expected, sizeof(expected));
	return r;
}

int totp_match(const char *secret, const char *code, int64_t now, uint32_t *ret_step)
{
	static const char none[TOTP_DIGITS] = "??????";
	char *bytes = NULL;
	size_t len = 0;
	int r;

	if (now < TOTP_STEP_S * TOTP_SKEW || now / TOTP_STEP_S >= UINT32_MAX - TOTP_SKEW)
		return -EINVAL;
	r = decode(secret, &bytes, &len);
	if (r == 0)
		r = match(bytes, len, totp_code_valid(code) ? code : none, now / TOTP_STEP_S,
			  ret_step);
	if (bytes)
		wipe(bytes, len);
	free(bytes);
	return r;
}
