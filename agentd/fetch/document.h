/*
 * The document format (DESIGN.md 5) to accounts, groups, memberships and what else a sync brings.
 * The same code serves muster-fetch, `musterctl directory` before it writes, and the fuzzers.
 * Never the whole document in memory.
 *
 * A document is read twice: first all of it, as it comes in, which finds every fault of the whole
 * (grammar, structure, ids given twice) and where its parts lie; only then the parts, in the
 * order in which they need each other, since "bindings" and "groups" may stand before or behind
 * "users". A user who is as he was in the document before is not parsed again, where somebody
 * remembers him (agentd/fetch/known.h).
 */
#ifndef AGENTD_FETCH_DOCUMENT_H
#define AGENTD_FETCH_DOCUMENT_H

#include "common/account.h"
#include "common/macros.h"

#define DOCUMENT_FORMAT	     "muster-directory/1"
#define DOCUMENT_ELEMENT_MAX (256u << 10) /* bytes of one user, of a group's attributes, of the policy */
#define DOCUMENT_TEXT_SIZE   256

struct document;
struct known;

/*
 * Who gets what is read; all members are set. What they are given is good during the call only.
 * Each returns 0, or -errno, which ends the reading. Nobody is called before the whole document
 * was seen and found good.
 */
struct document_sink {
	int (*account)(void *context, const struct account *a);
	int (*group)(void *context, const struct dir_group *g);
	/* Of a group() that came before; in pieces that fit a record; only users whose account() was called. */
	int (*membership)(void *context, const struct membership *m);
	/* Explicitly removed users, group_id ""; in pieces. */
	int (*removed)(void *context, const struct membership *m);
	/* The same of users who are bound, but cannot be read. Not from a document. */
	int (*kept)(void *context, const struct membership *m);
	int (*lockout)(void *context, const struct lockout_policy *p);
	/*
	 * Left out: "user", "group"; of one that is taken otherwise: "key", "password" (its
	 * hash), "posix_group"; an entry that is no id in members, bindings or removed: "member".
	 * id and name are "" when they could not be read.
	 */
	int (*reject)(void *context, const struct reject *r);
	void *context;
};

struct document_options {
	const char *hostname, *system_id; /* this endpoint, or "" */
	bool everywhere;		  /* take no notice of bindings: all users and groups (musterctl) */
	bool passwords_elsewhere;	  /* who has a password is not seen here: a user without `activated` has one */
	bool secrets;			  /* password hashes and TOTP secrets may be in it; else they are an error */
	struct known *known;		  /* of documents before, read with the same options; NULL: of none */
	/* With it, and the sink's context: what takes accounts, packed (common/record.h), in the place of the sink's account(). */
	int (*packed)(void *context, const void *record, size_t len);
};

struct document_result {
	uint64_t serial; /* 0 = none */
	int64_t confirmed_at; /* when whoever made it asked the directory last; 0 = it does not say */
	uint64_t users;	 /* in the document, bound here or not, good or not */
	char text[DOCUMENT_TEXT_SIZE]; /* after an error: one sentence, "line 17, column 5: …" */
};

/*
 * Read the document in FD, a regular file, from its beginning to its end. Returns 0; -EBADMSG it
 * is wrong; -EFBIG; -EACCES secrets where none may be; -EAGAIN it was changed meanwhile; -ENOMEM,
 * -EIO; or what a sink returned. On failure ret->text says why.
 */
int document_read(int fd, const struct document_options *options, const struct document_sink *sink,
		  struct document_result *ret) MUST_CHECK;

/*
 * The same for a document that arrives in pieces: document_feed() each of them, cut anywhere,
 * then document_parts() with a descriptor that holds the same bytes. OPTIONS, SINK and RESULT
 * stay the caller's and must last.
 */
int document_new(const struct document_options *options, const struct document_sink *sink,
		 struct document_result *result, struct document **ret) MUST_CHECK;
int document_feed(struct document *d, const void *data, size_t len) MUST_CHECK;
int document_parts(struct document *d, int fd) MUST_CHECK;
void document_free(struct document *d);
void document_freep(struct document **d);

#endif
