/*
 * The directory as it is configured, from musterd's side: a document in a file, opened here, or one on a web server with
 * the credentials for it; and asking it, through a muster-fetch of its own. Logs nothing.
 */
#ifndef AGENTD_SOURCE_H
#define AGENTD_SOURCE_H

#include "agentd/credentials.h"
#include "agentd/fetcher.h"
#include "agentd/local.h"

#define FETCH_SOCKET "private/fetch.sock" /* in runtime_dir: see muster-fetch.socket */

#define SOURCE_HOST_SIZE  256
#define SOURCE_ERROR_SIZE (FETCHER_ERROR_SIZE + 256)

struct source {
	const struct conf *conf;
	bool remote;
	int fetch_fd;			/* a socket that somebody keeps, or -1; not ours to close */
	int document;			/* of a file */
	struct credentials credentials; /* for a server */
	char hostname[SOURCE_HOST_SIZE];
	uint64_t content; /* of the document, when it is a file */
	uint64_t ours;	  /* of what this host brings: its name, the credentials */
};

/*
 * Connect to a muster-fetch where a service manager offers one, or start it as C says, of which runtime_dir and fetch are
 * looked at; as root it runs as the system user 'muster', who is looked up in L. O: the rest of it is filled in. RET_ERROR: one sentence, on failure. -ESRCH, -EPERM, -errno.
 */
int source_start(const struct conf *c, const struct local *l, struct fetcher_options *o, struct fetcher *ret,
		 char ret_error[static SOURCE_ERROR_SIZE]) MUST_CHECK;

/* RET: close with source_close() in any case. RET_ERROR: what is wrong, what to do. -errno. */
int source_open(const struct conf *c, struct source *ret, char ret_error[static SOURCE_ERROR_SIZE]) MUST_CHECK;
void source_close(struct source *s);

/*
 * Ask, and stage what comes: the muster-fetch at the other end of s->fetch_fd, else one that is started for it. VALIDATOR of
 * what is known, or "". RET_ERROR: one sentence, on failure. Returns as fetcher_sync(), whose limits hold.
 */
int source_fetch(const struct source *s, const struct local *l, const char *validator, struct stage *stage,
		 struct fetcher_reply *ret, char ret_error[static SOURCE_ERROR_SIZE]) MUST_CHECK;

/* The same for the list of systems: memberships without a group. */
int source_systems(const struct source *s, const struct local *l, struct stage *stage,
		   char ret_error[static SOURCE_ERROR_SIZE]) MUST_CHECK;

/*
 * Tell the directory that this host has locked the user with this id, likewise. 0; -ENOENT it has no such user; -EBADMSG, -EPROTO
 * of this user it will not hear; -errno it could not be told. RET_ERROR: one sentence, on failure.
 */
int source_report(const struct source *s, const struct local *l, const char *id,
		  char ret_error[static SOURCE_ERROR_SIZE]) MUST_CHECK;

/* The same for USERS alone, directory ids: what comes for each passed refresh_check(). Only of the driver jumpcloud. */
int source_refresh(const struct source *s, const struct local *l, const struct strlist *users, struct stage *stage,
		   struct fetcher_reply *ret, char ret_error[static SOURCE_ERROR_SIZE]) MUST_CHECK;

#endif
