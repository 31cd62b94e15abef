/*
 * How an LDAP server and a user's entry in it are written in muster.conf. musterd checks it, muster-fetch uses it: one
 * place says which address may be spoken to, and how.
 */
#ifndef COMMON_LDAP_NAMES_H
#define COMMON_LDAP_NAMES_H

#include "common/str.h"

enum ldap_transport {
	LDAP_TRANSPORT_NONE = 0, /* no address that is used */
	LDAP_TRANSPORT_TLS,	 /* ldaps:// */
	LDAP_TRANSPORT_STARTTLS, /* ldap://: TLS before anything else is said */
	LDAP_TRANSPORT_PLAIN,	 /* ldap:// to this computer itself: localhost, 127.*, [::1] */
};

/*
 * Of ldaps://HOST[:PORT] or ldap://HOST[:PORT], with at most a '/' behind it. HOST is a name or an IPv4 address
 * ([A-Za-z0-9.-]), or an IPv6 address in brackets.
 */
enum ldap_transport ldap_transport_of(const char *url);

/* Text with %u in it, and %o perhaps; no other '%', no control characters. */
bool ldap_template_valid(const char *template);
/* Is there a %o in it? */
bool ldap_template_has_org(const char *template);

/*
 * TEMPLATE, which is valid, with %u as USER and %o as ORG, and a NUL. Whatever is no letter, digit, '.', '_', '-' or '@' in them
 * becomes \XX (RFC 4514): no name leads to another entry. Appends to OUT. -EINVAL: USER is "", or ORG is and is needed; -ENOMEM.
 */
int ldap_dn_make(const char *template, const char *user, const char *org, struct buf *out) MUST_CHECK;

#endif
