#include "agentd/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/file.h"
#include "common/ldap_names.h"

#define PUBLIC_MAX (4u << 20) /* all authorities of a system are a quarter of a MiB */
#define SECRET_MAX 65536u
#define SPACE	   " \t\r\n"

/* Where systems keep the authorities they trust: Debian, Fedora, openSUSE. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
};

struct item {
	const char *key, *path;
	bool secret;
};

static int fail(char *error, int r, const char *format, ...) PRINTF_LIKE(3, 4);
static int fail(char *error, int r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(error, CREDENTIALS_ERROR_SIZE, format, ap);
	va_end(ap);
	return r;
}

static int check(int fd, const struct item *i, char *error)
{
	mode_t refused = i->secret ? S_IRWXG | S_IRWXO : S_IWGRP | S_IWOTH;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(error, -errno, "%s: %s: %s", i->key, i->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(error, -EINVAL, "%s: %s is not a regular file", i->key, i->path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return fail(error, -EPERM, "%s: %s belongs to uid %u: chown root it", i->key, i->path,
			    (unsigned int)st.st_uid);
	if (st.st_mode & refused)
		return fail(error, -EPERM, "%s: %s has mode %04o, and others can %s it: chmod %s it", i->key,
			    i->path, (unsigned int)st.st_mode & 07777, i->secret ? "read" : "write",
			    i->secret ? "0600" : "go-w");
	return 0;
}

/* With its NUL. */
static int read_item(const struct item *i, struct buf *out, char *error)
{
	AUTO_CLOSE int fd = open(i->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return fail(error, -errno, "%s: %s: %s", i->key, i->path, strerror(errno));
	r = check(fd, i, error);
	if (r < 0)
		return r;
	r = file_read_fd(fd, i->secret ? SECRET_MAX : PUBLIC_MAX, out);
	if (r < 0)
		return fail(error, r, "%s: %s: %s", i->key, i->path, strerror(-r));
	if (memchr(out->data, '\0', out->len))
		return fail(error, -EINVAL, "%s: %s is not text", i->key, i->path);
	out->len++;
	return 0;
}

static int read_ca(const char *key, const char *path, struct buf *out, char *error)
{
	struct item i = {key, path, false};

	if (*path)
		return read_item(&i, out, error);
	for (size_t n = 0; n < ARRAY_SIZE(bundles); n++) {
		i.path = bundles[n];
		if (access(i.path, F_OK) == 0)
			return read_item(&i, out, error);
	}
	return fail(error, -ENOENT, "%s is not set, and this system has no bundle of authorities "
		    "(package ca-certificates)", key);
}

/* A file has a line end, a token, key or secret has none. */
static int trim(struct buf *b, const struct item *item, char *error)
{
	const char *text = (const char *)b->data;
	size_t start = strspn(text, SPACE), len = strlen(text);

	while (len > start && strchr(SPACE, text[len - 1]))
		len--;
	memmove(b->data, b->data + start, len - start);
	b->data[len - start] = '\0';
	b->len = len - start + 1;
	for (size_t i = 0; i < len - start; i++)
		if (b->data[i] < 0x21 || b->data[i] > 0x7e)
			return fail(error, -EINVAL, "%s: %s is not one word of visible ASCII", item->key,
				    item->path);
	return b->len > 1 ? 0 : fail(error, -EINVAL, "%s: %s is empty", item->key, item->path);
}

static int read_word(const struct item *i, struct buf *out, char *error)
{
	int r = read_item(i, out, error);

	return r < 0 ? r : trim(out, i, error);
}

/* The one that JumpCloud is shown. */
static int read_jumpcloud(const struct conf *c, struct credentials *ret, char *error)
{
	if (c->credential == CONF_CREDENTIAL_API_KEY)
		return read_word(&(struct item){"api_key_file", c->api_key_file, true}, &ret->api_key, error);
	return read_word(&(struct item){"client_secret_file", c->client_secret_file, true}, &ret->client_secret,
			 error);
}

static int read_own(const struct conf *c, struct credentials *ret, char *error)
{
	int r = 0;

	if (*c->client_cert)
		r = read_item(&(struct item){"client_cert", c->client_cert, false}, &ret->client_cert, error);
	if (r == 0 && *c->client_key)
		r = read_item(&(struct item){"client_key", c->client_key, true}, &ret->client_key, error);
	if (r == 0 && c->driver == CONF_DRIVER_JUMPCLOUD)
		return read_jumpcloud(c, ret, error);
	if (r == 0 && *c->bearer_file)
		r = read_word(&(struct item){"bearer_file", c->bearer_file, true}, &ret->bearer, error);
	return r;
}

int credentials_load(const struct conf *c, struct credentials *ret,
		     char ret_error[static CREDENTIALS_ERROR_SIZE])
{
	struct buf *all[] = {&ret->ca,	    &ret->client_cert, &ret->client_key,
			     &ret->bearer, &ret->api_key,     &ret->client_secret};
	int r;

	ret_error[0] = '\0';
	r = read_ca("ca_file", c->ca_file, &ret->ca, ret_error);
	if (r == 0)
		r = read_own(c, ret, ret_error);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(all); i++)
		if (!all[i]->len)
			r = buf_add(all[i], "", 1);
	return r == -ENOMEM ? fail(ret_error, r, "%s", strerror(-r)) : r;
}

int credentials_ldap_ca(const struct conf *c, struct buf *ret, char ret_error[static CREDENTIALS_ERROR_SIZE])
{
	int r;

	ret_error[0] = '\0';
	r = ldap_transport_of(c->ldap_url) == LDAP_TRANSPORT_PLAIN ?
		    buf_add(ret, "", 1) :
		    read_ca("ldap_ca_file", c->ldap_ca_file, ret, ret_error);
	return r == -ENOMEM ? fail(ret_error, r, "%s", strerror(-r)) : r;
}

void credentials_done(struct credentials *c)
{
	buf_done(&c->ca);
	buf_done(&c->client_cert);
	buf_wipe(&c->client_key);
	buf_wipe(&c->bearer);
	buf_wipe(&c->api_key);
	buf_wipe(&c->client_secret);
}

bool credentials_prove(const struct credentials *c)
{
	return c->client_cert.len > 1 || c->bearer.len > 1;
}

uint64_t credentials_sum(const struct credentials *c)
{
	const struct buf *all[] = {&c->ca,	  &c->client_cert, &c->client_key,
				   &c->bearer, &c->api_key,    &c->client_secret};
	uint64_t sums[ARRAY_SIZE(all)];

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		sums[i] = XXH3_64bits(all[i]->data, all[i]->len);
	return XXH3_64bits(sums, sizeof(sums));
}
