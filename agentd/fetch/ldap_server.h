/*
 * An LDAP server that knows whether a password is right: one simple bind as the user. docs/adr/0002-libldap.md says why this
 * is libldap and not libcurl.
 */
#ifndef AGENTD_FETCH_LDAP_SERVER_H
#define AGENTD_FETCH_LDAP_SERVER_H

#include "common/str.h"

#define LDAP_TEXT_SIZE 512

struct ldap_server; /* opaque */

/* What CONFIG says of it: good until ldap_server_free(). */
struct ldap_server_options {
	const char *url; /* ldap_transport_of() */
	const char *dn;	 /* ldap_template_valid() */
	const char *org; /* for %o */
	const char *ca;	 /* PEM: the authorities that are believed; not needed without TLS */
};

/*
 * Before the filter: everything that libldap and its TLS library read from a disk or the environment is read here, and none
 * of it says whom to trust. Connects nowhere. 0; -EINVAL the settings cannot be used; -ENOMEM; -errno. RET_TEXT: a sentence.
 */
int ldap_server_new(const struct ldap_server_options *o, struct ldap_server **ret,
		    char ret_text[static LDAP_TEXT_SIZE]) MUST_CHECK;
void ldap_server_free(struct ldap_server *s);

/*
 * Connect, TLS first, and bind as the user USER (the name that the directory has) with PASSWORD. One connection a try; no referral is followed.
 * Returns as RESULT of VERIFY (protocol.h), negative: 0 right; -EKEYREJECTED; -EACCES; -EKEYEXPIRED; all else: it could not be
 * asked. RET_TEXT: what happened, without anything the server wrote but its code; "" when the password is right. "" as
 * a password is wrong, and is sent nowhere: servers take it for an anonymous bind, which succeeds.
 */
int ldap_server_verify(struct ldap_server *s, const char *user, const char *password,
		       char ret_text[static LDAP_TEXT_SIZE]) MUST_CHECK;

#endif
