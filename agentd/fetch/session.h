/*
 * A conversation with musterd: settings first, then one request after another, each with its settings again if need be.
 */
#ifndef AGENTD_FETCH_SESSION_H
#define AGENTD_FETCH_SESSION_H

#include "agentd/fetch/ldap_server.h"
#include "agentd/fetch/settings.h"
#include "common/wire.h"

struct http;
struct known;
struct jumpcloud_link;

/* All zero but for sock and spool at first. */
struct session {
	int sock;
	struct settings settings; /* of the last request; connections borrow from them */
	struct settings next;	  /* that have come since then … */
	bool renewed;		  /* … if any have */
	bool begun;	   /* the first request has come: the filter is set */
	bool network;	   /* the filter lets us use it */
	struct http *http; /* https: NULL until it is asked for the first time */
	char *url;
	struct jumpcloud_link *jumpcloud; /* NULL until it is asked for the first time */
	bool verifies;	   /* VERIFY was the first request: no other comes */
	struct ldap_server *ldap; /* then; NULL: cannot be used, ldap_error says why */
	int ldap_error;
	char ldap_text[LDAP_TEXT_SIZE];
	int spool; /* https: the document, in memory; -1: none */
	struct known *known; /* https: of the documents before, with these settings; NULL: none */
};
void session_done(struct session *s);

/* 0, also when the answer is that it failed; -errno when there is nobody to talk to any more, or nothing to say. */
int session_frame(struct session *s, const struct frame *f) MUST_CHECK;

#endif
