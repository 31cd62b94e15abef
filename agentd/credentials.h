/*
 * What muster-fetch needs to know a server and to be known by it: read here, where root is, and handed on as bytes, since
 * muster-fetch opens no file (DESIGN.md 3).
 */
#ifndef AGENTD_CREDENTIALS_H
#define AGENTD_CREDENTIALS_H

#include "agentd/conf.h"

#define CREDENTIALS_ERROR_SIZE 384

/* Each with its NUL; "" when it is not configured. Texts without a NUL inside. */
struct credentials {
	struct buf ca;		/* PEM: [directory] ca_file, or else the system's bundle */
	struct buf client_cert; /* PEM */
	struct buf client_key;	/* PEM */
	struct buf bearer;	/* the token alone */
	/* Of driver = jumpcloud, one of them, as [directory] credential says. */
	struct buf api_key;
	struct buf client_secret;
};

/*
 * Read the files that C names. Each must be a regular file, root's or the caller's, not writable by others; a key or token
 * must not be readable by others either. So are the files below $CREDENTIALS_DIRECTORY, which are named by absolute path.
 *   ret        all zero before; credentials_done() in any case
 *   ret_error  which key and file, what is wrong, what to do; "" on success
 * 0; -EPERM owner or mode; -EINVAL; -EFBIG; -errno.
 */
int credentials_load(const struct conf *c, struct credentials *ret,
		     char ret_error[static CREDENTIALS_ERROR_SIZE]) MUST_CHECK;
void credentials_done(struct credentials *c);

/*
 * The authorities of the LDAP server alone, with a NUL: [auth] ldap_ca_file, or else the system's bundle; "" for a server
 * without TLS on this computer. As credentials_load(); buf_done() in any case.
 */
int credentials_ldap_ca(const struct conf *c, struct buf *ret, char ret_error[static CREDENTIALS_ERROR_SIZE]) MUST_CHECK;

/* Can the server know that it is us? Then it may tell password hashes. */
bool credentials_prove(const struct credentials *c);

/* Of all bytes: equal as long as the files say the same. */
uint64_t credentials_sum(const struct credentials *c);

#endif
