#include "common/verifier.h"

#include <crypt.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/str.h"

#define ALPHABET "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

#define YESCRYPT_MEMORY_MAX ((uint64_t)256 << 20)
#define YESCRYPT_ONE_CHAR   47 /* greater values take a second character */
#define YESCRYPT_SALT_MAX   86
#define YESCRYPT_HASH_LEN   43
#define YESCRYPT_COST       5
#define BCRYPT_COST_MAX     14
#define BCRYPT_LEN          53 /* salt and hash */
#define SHA_ROUNDS_MIN      1000
#define SHA_ROUNDS_MAX      1000000
#define SHA_SALT_MAX        16
#define SHA256_HASH_LEN     43
#define SHA512_HASH_LEN     86

/* *s begins with PREFIX: moves behind it. */
static bool take_prefix(const char **s, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*s, prefix, len) != 0)
		return false;
	*s += len;
	return true;
}

/* As strspn(S, ALPHABET), which makes a table at each call. */
static size_t alphabet_span(const char *s)
{
	size_t n = 0;

	while ((s[n] >= '.' && s[n] <= '9') || (s[n] >= 'A' && s[n] <= 'Z') || (s[n] >= 'a' && s[n] <= 'z'))
		n++;
	return n;
}

/* "SALT$HASH" and the end. */
static bool salt_and_hash(const char *s, size_t salt_max, size_t hash_len)
{
	size_t salt_len = alphabet_span(s);

	if (salt_len > salt_max || s[salt_len] != '$')
		return false;
	s += salt_len + 1;
	return strlen(s) == hash_len && alphabet_span(s) == hash_len;
}

/* A parameter of one character, counted from 1; 0: not one. */
static unsigned int yescrypt_number(char c)
{
	const char *p = c != '\0' ? strchr(ALPHABET, c) : NULL;

	return p && p - ALPHABET <= YESCRYPT_ONE_CHAR ? (unsigned int)(p - ALPHABET) + 1 : 0;
}

static int check_yescrypt(const char *s)
{
	unsigned int n_log2, r;

	if (*s++ != 'j') /* YESCRYPT_DEFAULTS; all that crypt_gensalt() makes */
		return -EINVAL;
	n_log2 = yescrypt_number(*s);
	if (n_log2 == 0)
		return -EINVAL;
	r = yescrypt_number(*++s);
	if (r == 0 || *++s != '$' || !salt_and_hash(s + 1, YESCRYPT_SALT_MAX, YESCRYPT_HASH_LEN))
		return -EINVAL;
	return ((uint64_t)128 * r) << n_log2 > YESCRYPT_MEMORY_MAX ? -E2BIG : 0;
}

static int check_bcrypt(const char *s)
{
	char number[3] = {0};
	uint32_t cost;

	if (strnlen(s, 3) < 3 || s[2] != '$')
		return -EINVAL;
	memcpy(number, s, 2);
	s += 3;
	if (parse_u32(number, 4, 31, &cost) < 0 || strlen(s) != BCRYPT_LEN ||
	    alphabet_span(s) != BCRYPT_LEN)
		return -EINVAL;
	return cost > BCRYPT_COST_MAX ? -E2BIG : 0;
}

/* "rounds=N$"; *s is moved behind it. crypt(3) knows no other spelling of N. */
static int take_rounds(const char **s)
{
	char number[11] = {0};
	uint32_t rounds;
	size_t len = strspn(*s, "0123456789");

	if (len == 0 || (*s)[0] == '0' || (*s)[len] != '$')
		return -EINVAL;
	if (len >= sizeof(number))
		return -E2BIG;
	memcpy(number, *s, len);
	*s += len + 1;
	int r = parse_u32(number, 0, UINT32_MAX, &rounds);
	if (r < 0 || rounds > SHA_ROUNDS_MAX)
		return -E2BIG;
	return rounds < SHA_ROUNDS_MIN ? -EINVAL : 0;
}

static int check_sha(const char *s, size_t hash_len)
{
	int r = take_prefix(&s, "rounds=") ? take_rounds(&s) : 0;

	if (r < 0)
		return r;
	return salt_and_hash(s, SHA_SALT_MAX, hash_len) ? 0 : -EINVAL;
}

int verifier_check(const char *hash)
{
	if (take_prefix(&hash, "$y$"))
		return check_yescrypt(hash);
	if (take_prefix(&hash, "$2b$"))
		return check_bcrypt(hash);
	if (take_prefix(&hash, "$6$"))
		return check_sha(hash, SHA512_HASH_LEN);
	if (take_prefix(&hash, "$5$"))
		return check_sha(hash, SHA256_HASH_LEN);
	return -EINVAL;
}

static void crypt_data_freep(struct crypt_data **d)
{
	if (*d)
		wipe(*d, sizeof(**d));
	free(*d);
}

static bool password_ok(const char *password)
{
	size_t len = strnlen(password, VERIFIER_PASSWORD_MAX + 1);

	return len > 0 && len <= VERIFIER_PASSWORD_MAX;
}

/* 0, or why libcrypt gave nothing for a setting that we find good. */
static int hash_password(const char *password, const char *setting, struct crypt_data *work)
{
	errno = 0;
	char *out = crypt_rn(password, setting, work, sizeof(*work));
	if (out && out[0] != '*')
		return 0;
	return errno == ENOMEM ? -ENOMEM : -EINVAL;
}

int verifier_match(const char *hash, const char *password)
{
	CLEANUP(crypt_data_freep) struct crypt_data *work = NULL;
	bool ok = password_ok(password);
	int r = verifier_check(hash);

	if (r < 0)
		return r;
	work = calloc(1, sizeof(*work));
	if (!work)
		return -ENOMEM;
	r = hash_password(ok ? password : "x", hash, work);
	if (r < 0)
		return r;
	size_t len = strlen(hash);
	if (strlen(work->output) != len || !equal_ct(work->output, hash, len) || !ok)
		return -EKEYREJECTED;
	return 0;
}

int verifier_make(const char *password, char **ret)
{
	CLEANUP(crypt_data_freep) struct crypt_data *work = NULL;
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (!password_ok(password))
		return -EINVAL;
	if (!crypt_gensalt_rn("$y$", YESCRYPT_COST, NULL, 0, setting, sizeof(setting)))
		return -EIO;
	work = calloc(1, sizeof(*work));
	if (!work)
		return -ENOMEM;
	int r = hash_password(password, setting, work);
	if (r < 0)
		return r;
	char *hash = strdup(work->output);
	if (!hash)
		return -ENOMEM;
	*ret = hash;
	return 0;
}
