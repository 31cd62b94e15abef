#include "common/ldap_names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define PORT_MAX 65535
#define LETTERS	 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS	 "0123456789"

/* The length of the host at S, 0 when there is none. */
static size_t host_len(const char *s)
{
	size_t n;

	if (*s != '[')
		return strspn(s, LETTERS DIGITS ".-");
	n = strspn(s + 1, DIGITS "abcdefABCDEF:.");
	return n && s[n + 1] == ']' ? n + 2 : 0;
}

/* [:PORT][/] and the end. */
static bool rest_valid(const char *s)
{
	char number[6] = "";
	uint32_t port;

	if (*s == ':') {
		size_t n = strspn(++s, DIGITS);

		if (n == 0 || n >= sizeof(number))
			return false;
		memcpy(number, s, n);
		if (parse_u32(number, 1, PORT_MAX, &port) < 0)
			return false;
		s += n;
	}
	return !*s || !strcmp(s, "/");
}

static bool is_loopback(const char *host, size_t len)
{
	char address[INET_ADDRSTRLEN] = "";
	struct in_addr ip;

	if (len == strlen("localhost") && !strncasecmp(host, "localhost", len))
		return true;
	if (len == strlen("[::1]") && !strncmp(host, "[::1]", len))
		return true;
	/* a name may begin with "127." too */
	return len < sizeof(address) && !strncmp(host, "127.", 4) &&
	       inet_pton(AF_INET, memcpy(address, host, len), &ip) == 1;
}

enum ldap_transport ldap_transport_of(const char *url)
{
	bool tls = !strncmp(url, "ldaps://", 8);
	const char *host = url + (tls ? 8 : 7);
	size_t len;

	if (!tls && strncmp(url, "ldap://", 7))
		return LDAP_TRANSPORT_NONE;
	len = host_len(host);
	if (len == 0 || !rest_valid(host + len))
		return LDAP_TRANSPORT_NONE;
	if (tls)
		return LDAP_TRANSPORT_TLS;
	return is_loopback(host, len) ? LDAP_TRANSPORT_PLAIN : LDAP_TRANSPORT_STARTTLS;
}

bool ldap_template_valid(const char *template)
{
	for (const char *p = template; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f || (*p == '%' && p[1] != 'u' && p[1] != 'o'))
			return false;
	return strstr(template, "%u");
}

bool ldap_template_has_org(const char *template)
{
	return strstr(template, "%o");
}

static int add_escaped(struct buf *out, const char *s)
{
	static const char hex[] = "0123456789abcdef";
	int r = 0;

	for (; *s && r == 0; s++) {
		unsigned char c = (unsigned char)*s;
		char code[3] = {'\\', hex[c >> 4], hex[c & 15]};

		r = strchr(LETTERS DIGITS "._-@", c) ? buf_add(out, s, 1) : buf_add(out, code, sizeof(code));
	}
	return r;
}

int ldap_dn_make(const char *template, const char *user, const char *org, struct buf *out)
{
	int r = 0;

	if (!*user || (ldap_template_has_org(template) && !*org))
		return -EINVAL;
	for (const char *p = template; *p && r == 0; p++) {
		if (*p == '%')
			r = add_escaped(out, *++p == 'u' ? user : org);
		else
			r = buf_add(out, p, 1);
	}
	return r < 0 ? r : buf_add(out, "", 1);
}
