/*
 * Keys, tokens and authorities from files: what is taken, what is refused and in which words, and that no
 * secret is in them.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentd/credentials.h"

#define SECRET "s3cret-Token"

static char dir[] = "/tmp/test_credentials.XXXXXX";
static char ca[64], cert[64], key[64], word[64];

static void put(const char *path, mode_t mode, const char *text, size_t len)
{
	AUTO_CLOSE int fd = -1;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
}

static void put_text(const char *path, mode_t mode, const char *text)
{
	put(path, mode, text, strlen(text));
}

static char nothing[] = "";

static struct conf conf_of(void)
{
	return (struct conf){
		.driver = CONF_DRIVER_DOCUMENT,
		.credential = CONF_CREDENTIAL_API_KEY,
		.ca_file = ca,
		.client_cert = nothing,
		.client_key = nothing,
		.bearer_file = nothing,
		.api_key_file = nothing,
		.client_id = nothing,
		.client_secret_file = nothing,
	};
}

static void assert_text(const struct buf *b, const char *text)
{
	assert_int_equal(b->len, strlen(text) + 1);
	assert_string_equal((const char *)b->data, text);
}

static void test_all_of_them(void **state)
{
	struct credentials c = {0}, again = {0};
	struct conf conf = conf_of();
	char error[CREDENTIALS_ERROR_SIZE];
	uint64_t sum;

	(void)state;
	put_text(ca, 0644, "CA\n");
	put_text(cert, 0644, "CERT\n");
	put_text(key, 0600, "KEY\n");
	put_text(word, 0400, " \t" SECRET " \r\n\n");
	conf.client_cert = cert;
	conf.client_key = key;
	conf.bearer_file = word;
	assert_int_equal(credentials_load(&conf, &c, error), 0);
	assert_string_equal(error, "");
	assert_text(&c.ca, "CA\n");
	assert_text(&c.client_cert, "CERT\n");
	assert_text(&c.client_key, "KEY\n");
	assert_text(&c.bearer, SECRET);
	assert_text(&c.api_key, "");
	assert_text(&c.client_secret, "");
	assert_true(credentials_prove(&c));
	sum = credentials_sum(&c);
	credentials_done(&c);
	assert_int_equal(credentials_load(&conf, &again, error), 0);
	assert_true(credentials_sum(&again) == sum);
	credentials_done(&again);
	put_text(key, 0600, "KEz\n");
	again = (struct credentials){0};
	assert_int_equal(credentials_load(&conf, &again, error), 0);
	assert_true(credentials_sum(&again) != sum);
	credentials_done(&again);
}

/* Each file counts where it belongs: the same bytes as another kind of secret are something else. */
static void test_drivers(void **state)
{
	struct credentials c = {0};
	struct conf conf = conf_of();
	char error[CREDENTIALS_ERROR_SIZE];
	uint64_t sum;

	(void)state;
	put_text(ca, 0644, "CA\n");
	put_text(word, 0600, SECRET);
	assert_int_equal(credentials_load(&conf, &c, error), 0);
	assert_false(credentials_prove(&c));
	credentials_done(&c);
	conf.driver = CONF_DRIVER_JUMPCLOUD;
	conf.api_key_file = conf.client_secret_file = conf.bearer_file = word;
	c = (struct credentials){0};
	assert_int_equal(credentials_load(&conf, &c, error), 0);
	assert_text(&c.api_key, SECRET);
	assert_text(&c.client_secret, "");
	assert_text(&c.bearer, "");
	assert_false(credentials_prove(&c)); /* says nothing to whoever serves documents */
	sum = credentials_sum(&c);
	credentials_done(&c);
	conf.credential = CONF_CREDENTIAL_SERVICE_ACCOUNT;
	c = (struct credentials){0};
	assert_int_equal(credentials_load(&conf, &c, error), 0);
	assert_text(&c.api_key, "");
	assert_text(&c.client_secret, SECRET);
	assert_true(credentials_sum(&c) != sum);
	credentials_done(&c);
}

static void assert_refused(const struct conf *conf, int r, const char *says)
{
	struct credentials c = {0};
	char error[CREDENTIALS_ERROR_SIZE];
	int got = credentials_load(conf, &c, error);

	if (got != r || !strstr(error, says) || strstr(error, SECRET))
		fail_msg("%d, '%s', and not %d, '%s'", got, error, r, says);
	credentials_done(&c);
}

/* WHICH of CONF names PATH, and is a secret. */
static void check_secret(struct conf *conf, const char *path, const char *which)
{
	put_text(path, 0640, SECRET);
	assert_refused(conf, -EPERM, "chmod 0600");
	put_text(path, 0604, SECRET);
	assert_refused(conf, -EPERM, which);
	put_text(path, 0602, SECRET);
	assert_refused(conf, -EPERM, path);
	put(path, 0600, SECRET "\0" SECRET, 2 * sizeof(SECRET));
	assert_refused(conf, -EINVAL, "not text");
	assert_int_equal(truncate(path, 65537), 0);
	assert_refused(conf, -EFBIG, which);
	unlink(path);
	assert_refused(conf, -ENOENT, which);
	assert_int_equal(mkfifo(path, 0600), 0); /* waits for nobody */
	assert_refused(conf, -EINVAL, "not a regular file");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused(conf, -EINVAL, "not a regular file");
	assert_int_equal(rmdir(path), 0);
	put_text(path, 0600, SECRET);
}

static void test_secrets_are_refused(void **state)
{
	struct conf conf = conf_of();

	(void)state;
	put_text(ca, 0644, "CA\n");
	conf.client_key = key;
	check_secret(&conf, key, "client_key");
	conf.bearer_file = word;
	check_secret(&conf, word, "bearer_file");
	conf.driver = CONF_DRIVER_JUMPCLOUD;
	conf.api_key_file = word;
	check_secret(&conf, word, "api_key_file");
	conf.credential = CONF_CREDENTIAL_SERVICE_ACCOUNT;
	conf.client_secret_file = word;
	check_secret(&conf, word, "client_secret_file");
}

static void test_words(void **state)
{
	static const char *const bad[] = {"two words", "line\nline", "\xc3\xa9",
					  "tab\tbed",  "del\x7f",    "cr\rlf"};
	struct conf conf = conf_of();

	(void)state;
	put_text(ca, 0644, "CA\n");
	conf.bearer_file = word;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		put_text(word, 0600, bad[i]);
		assert_refused(&conf, -EINVAL, "not one word");
	}
	put_text(word, 0600, "");
	assert_refused(&conf, -EINVAL, "empty");
	put_text(word, 0600, " \r\n\t\n");
	assert_refused(&conf, -EINVAL, "empty");
}

/* Authorities and certificates are no secrets, but nobody else may write them. */
static void test_public_files(void **state)
{
	struct conf conf = conf_of();
	struct credentials c = {0};
	char error[CREDENTIALS_ERROR_SIZE];

	(void)state;
	put_text(ca, 0664, "CA\n");
	assert_refused(&conf, -EPERM, "ca_file");
	put_text(ca, 0646, "CA\n");
	assert_refused(&conf, -EPERM, "chmod go-w");
	assert_int_equal(truncate(ca, (4 << 20) + 1), 0);
	assert_int_equal(chmod(ca, 0644), 0);
	assert_refused(&conf, -EFBIG, "ca_file");
	unlink(ca);
	assert_refused(&conf, -ENOENT, ca);
	put_text(cert, 0644, "CERT");
	assert_int_equal(symlink(cert, ca), 0); /* as ca-certificates does it */
	assert_int_equal(credentials_load(&conf, &c, error), 0);
	assert_text(&c.ca, "CERT");
	credentials_done(&c);
	unlink(ca);
}

/* A file of another user is refused, whatever its mode: as root alone can make one. */
static void test_owner(void **state)
{
	struct conf conf = conf_of();

	(void)state;
	if (geteuid() != 0)
		skip();
	put_text(ca, 0644, "CA\n");
	put_text(word, 0600, SECRET);
	assert_int_equal(chown(word, 65534, 65534), 0);
	conf.bearer_file = word;
	assert_refused(&conf, -EPERM, "uid 65534: chown root it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_them),         cmocka_unit_test(test_drivers),
		cmocka_unit_test(test_secrets_are_refused), cmocka_unit_test(test_words),
		cmocka_unit_test(test_public_files),        cmocka_unit_test(test_owner),
	};
	char *const paths[] = {ca, cert, key, word};
	static const char *const names[] = {"ca", "cert", "key", "word"};
	int r;

	if (!mkdtemp(dir))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		snprintf(paths[i], sizeof(ca), "%s/%s", dir, names[i]);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		unlink(paths[i]);
	rmdir(dir);
	return r;
}
