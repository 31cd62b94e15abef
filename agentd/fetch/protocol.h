/*
 * What musterd and muster-fetch say to each other, in frames (common/wire.h) over descriptor 3 of muster-fetch.
 * muster-fetch holds nothing else: no file, no environment, no argument. musterd trusts none of its words
 * and checks every field again (agentd/world.h); what it sends badly costs the sync and never more.
 *
 * Order:
 *	musterd  CONFIG	 id 0	one or more, before the first request. Not answered; if it cannot be used, every request
 *				fails. A value that does not fit a frame goes on in the next: the same key again continues it.
 *				Sent again before a later request, all of it takes the place of what was there: where it is the
 *				same, byte for byte, connections stay; otherwise they are made anew. It cannot turn from a file
 *				to the network or back: that is EPROTO.
 *	musterd  SYNC	 id n	validator NUL ("" = none). driver "document" with a file:// url: the document comes
 *				along as a descriptor (regular file, opened read-only by musterd, offset 0).
 *	musterd  REFRESH id n	directory id NUL: this user alone, driver "jumpcloud". Answered with one RECORD 'A', or an 'X'
 *				that names the id when it is no longer bound here or is gone, or an 'R' of kind "user" when it
 *				cannot be taken, and END; or RESULT. The
 *				account has nothing scheduled (one request less for a login to wait for): what was
 *				scheduled when he was synced still is.
 *	musterctl SYSTEMS id n	(export) nothing: which systems the organisation has, driver "jumpcloud". Answered with RECORDs 'M'
 *				without a group, whose ids are those of systems, and END; or RESULT.
 *	musterd  VERIFY	 id n	name in the directory NUL password NUL ([auth] password = ldap). Answered with RESULT alone. Where this is the
 *				first request, no other kind may follow, and nowhere else may it come: EPROTO.
 *				Such a muster-fetch lives for seconds, and ends with SIGALRM then.
 *	musterd  REPORT	 id n	directory id NUL: this endpoint has locked the user, and the directory is to lock him everywhere. Driver
 *				"jumpcloud". Answered with RESULT, maybe after empty RECORDs: 0 he is locked there now; ENOENT no
 *				such user; EBADMSG it did not do it; all else as below.
 *	fetch	 RECORD	 id n	0 or more times; an empty one says "still at work" (https: every few seconds)
 *	fetch	 SERVER	 id n	https: when a server has answered, at most once, before END or RESULT
 *	fetch	 END	 id n	the sync is whole; or RESULT: it failed, and what was sent before counts for nothing
 *	musterd closes the socket, or sends the next request. muster-fetch exits 0 at end of file, and 1 at
 *	anything that is not of this protocol. Over https it keeps its connection between requests: an unchanged
 *	document costs a few hundred bytes then, and a TLS handshake more otherwise.
 *
 * RECORD: one or more records of common/record.h, each {u32 length, bytes}, little-endian, together at most FRAME_MAX;
 * fill frames, since a system call a record would cost more than the records. No record crosses frames. Kinds:
 *	'A' account	fields as the directory has them: uid and gid as asked for (0 = none), home and shell as asked
 *			for or ""; ssh_keys through sshkey_normalise(); password_hash only when verifier_check() likes it.
 *			Users bound to this endpoint only, `bound` true.
 *	'G' group	groups bound to this endpoint only
 *	'M' membership	of a group sent before or after; as many records as needed (ACCOUNT_RECORD_MAX each). Ids of users
 *			who are not sent may be among them.
 *	'L' lockout	at most one
 *	'R' reject	what was left out and why: kind "user" or "group"; of one that is sent otherwise: "key", "password"
 *			(its hash), "posix_group"; "member": an entry in a list of ids that is no id
 *	'X' removed	explicitly removed user ids
 *	'K' kept	ids of users who are bound here, but whose record could not be read: they stay as last known;
 *			in an answer about one user, too
 * Accounts, groups and the rest come in any order. The same user id twice: none of them is sent as account, one
 * reject ("id_duplicate"); musterd does the same.
 *
 * Bindings (document): without "bindings" all users and groups are bound here. With it, those of the entries named
 * by system_id and by hostname (compared without case) together, members of bound groups among them; no such
 * entry: nobody.
 *
 * END: counts of records sent (not of frames); "memberships" counts 'M' records, 'X' and 'L' are not counted.
 * serial, confirmed_at: the document's, 0 = none (of one in a file no confirmed_at counts). FRAME_END_COMPLETE: the list of users is whole and explicit, so that who is
 * missing was removed: for file:// documents. FRAME_END_UNCHANGED: the validator still holds (HTTP 304), nothing was
 * sent; not with file://.
 *
 * RESULT of VERIFY: 0 the password is right; EKEYREJECTED wrong; EACCES right or not, the server says that the account is
 * locked; EKEYEXPIRED that the password has expired; all else: it could not be asked. Text as below, never the password.
 *
 * RESULT: u32 positive errno, then text NUL, at most RESULT_TEXT_MAX with its NUL: one sentence for the
 * administrator, foreign bytes through name_escape(), with line and column where a document is wrong:
 *	"line 17, column 5: "users" is missing"
 * EBADMSG the document is wrong; EFBIG too large; EACCES it holds secrets, but "secrets" is not "yes"; EAGAIN it was
 * changed while it was read; EINVAL it is no regular file, or the settings cannot be used; EPROTO the request was wrong;
 * ENOMEM, EIO. Over https also: EHOSTUNREACH no name, no route, no connection, or it broke; ETIMEDOUT; EKEYREJECTED no trust:
 * TLS failed or a certificate was refused; EPERM the server refuses us (401, 403); EBUSY it cannot answer now (429, 5xx:
 * SERVER may say for how long); EPROTO any other answer than a whole document. All of them leave things as they are.
 */
#ifndef AGENTD_FETCH_PROTOCOL_H
#define AGENTD_FETCH_PROTOCOL_H

#include "common/str.h"

#define FETCH_FD	3
#define RESULT_TEXT_MAX 1024

/* Limits that musterd enforces on one sync; muster-fetch fails with RESULT EFBIG before it reaches them. */
#define SYNC_DOCUMENT_MAX (256u << 20) /* bytes of a document */
#define SYNC_USER_MAX	  (256u << 10) /* bytes of one user in a document */
#define SYNC_RECORDS_MAX  2000000u     /* records */
#define SYNC_STAGED_MAX	  (512u << 20) /* bytes of records */
#define SYNC_REJECTS_MAX  10000u       /* further rejects are counted in END only by those sent: stop sending */
#define SYNC_IDLE_MS	  30000	       /* no frame for so long: given up */
#define SYNC_TOTAL_MS	  600000

/* Keys of CONFIG; unknown ones are skipped, missing ones are "". */
#define FETCH_KEY_DRIVER    "driver"	/* "document", "jumpcloud" */
#define FETCH_KEY_URL	    "url"
#define FETCH_KEY_SYSTEM_ID "system_id"
#define FETCH_KEY_HOSTNAME  "hostname"
/* "yes": password hashes and TOTP secrets may be in the document (file://, client certificate, bearer token). */
#define FETCH_KEY_SECRETS   "secrets"
/* "ldap": a document's user without "activated" has a password. */
#define FETCH_KEY_PASSWORDS "passwords"
/* For https. Bytes of PEM files; the CA alone is needed, and the system's bundle goes here too: no file is opened. */
#define FETCH_KEY_CA	     "ca"
#define FETCH_KEY_CLIENT_CERT "client_cert"
#define FETCH_KEY_CLIENT_KEY  "client_key"
#define FETCH_KEY_BEARER      "bearer" /* the token, without white space around it */
#define FETCH_KEY_PROXY	      "proxy"  /* http://… or https://…; "" = none, whatever the environment says */

/* For VERIFY alone, which then gets no other. CA as above. */
#define FETCH_KEY_LDAP_URL "ldap_url" /* ldap_transport_of() says how it is spoken to */
#define FETCH_KEY_LDAP_DN  "ldap_bind_dn"
#define FETCH_KEY_LDAP_CA  "ldap_ca"
#define FETCH_KEY_ORG_ID   "org_id" /* also for JumpCloud, where the key reaches several */

/* For JumpCloud; its url is the API's address, "https://console.jumpcloud.com/api". */
#define FETCH_KEY_API_KEY	"api_key"
#define FETCH_KEY_CLIENT_ID	"client_id" /* of a service account, when there is no api_key */
#define FETCH_KEY_CLIENT_SECRET "client_secret"
#define FETCH_KEY_TOKEN_URL	"token_url" /* where it gets its tokens */

#define VALIDATOR_SIZE 256

/* Payload of SERVER, packed as u64 date, u32 status, u32 retry_after_s, validator NUL. */
struct frame_server {
	int64_t date; /* its clock, seconds since 1970, from inside verified TLS; 0 = it did not say */
	uint32_t status; /* of HTTP */
	uint32_t retry_after_s; /* when it may be asked again; 0 = it did not say */
	char validator[VALIDATOR_SIZE]; /* for the next SYNC, once this one was applied; "" = none */
};

#define FRAME_SERVER_SIZE_MAX (16 + VALIDATOR_SIZE)

/* Returns the length. */
size_t frame_server_pack(const struct frame_server *s, uint8_t out[static FRAME_SERVER_SIZE_MAX]);
/* -EPROTO. */
int frame_server_unpack(const void *data, size_t len, struct frame_server *ret) MUST_CHECK;

/* An entity tag as HTTP has it, without control characters, and short enough to be kept. */
bool validator_valid(const char *s);

#endif
