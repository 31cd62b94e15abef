/*
 * Driver "jumpcloud": JumpCloud's public API, as far as one endpoint needs it, to the same records as a document. Knows
 * nothing of connections and credentials: whoever asks for it gets paths and gives bytes (jumpcloud_client.h, tests, F12).
 *
 * A sync asks, for N bound users in G groups, paged by 100:
 *	GET  /v2/systems/{id}/users		N/100	who is bound, with sudo and groups
 *	GET  /v2/bulk/userstates/eventlist/next	N/100	what their states will be
 *	POST /search/systemusers		N/100	their records
 *	GET  /systemusers/{id}			one for each record that was not among those, at most JUMPCLOUD_SINGLES_MAX
 * and what is remembered, each JUMPCLOUD_MEMORY_MS:
 *	GET  /v2/systems/{id}/usergroups	G/100	bound groups, also those that nobody is in; also when a new one shows
 *	GET  /v2/usergroups			G/100	their names
 *	GET  /organizations			1	which one, when neither configuration nor users say it
 *	GET  /organizations/{id}		1	lockout policy
 * A refresh asks for the user's record, and for his binding by a filter; all pages of users where that finds none.
 * A list that changes while it is read is read again, JUMPCLOUD_ATTEMPTS times in all.
 *
 * The one thing that is ever written there: PUT /systemusers/{id} {"account_locked":true}
 */
#ifndef AGENTD_FETCH_JUMPCLOUD_H
#define AGENTD_FETCH_JUMPCLOUD_H

#include "agentd/fetch/document.h"

#define JUMPCLOUD_PAGE	      100
#define JUMPCLOUD_SINGLES_MAX 20
#define JUMPCLOUD_ATTEMPTS    3
#define JUMPCLOUD_BOUND_MAX   50000 /* users or groups of one endpoint */
#define JUMPCLOUD_MEMORY_MS   (15 * 60 * 1000)
#define JUMPCLOUD_TEXT_SIZE   512

struct jumpcloud_request {
	const char *path; /* below the API's address: "/v2/systems/…?limit=100" */
	const char *post; /* JSON; NULL: GET */
	bool put;	  /* JSON to PUT, not to POST */
	/* The reply, in pieces. 0, or -errno, which ends it and is returned. */
	int (*body)(void *context, const void *data, size_t len);
	void *context;
};

struct jumpcloud_reply {
	int64_t total;			/* X-Total-Count, -1: it did not say */
	char text[JUMPCLOUD_TEXT_SIZE]; /* after an error: why */
};

struct jumpcloud_api {
	/* 0: the reply came, whole. -ENOENT (404), -EPERM (401, 403), -EBUSY and others as protocol.h has them. */
	int (*ask)(void *context, const struct jumpcloud_request *request, struct jumpcloud_reply *ret);
	void *context;
};

struct jumpcloud_options {
	const char *system_id;
	const char *org_id; /* "": the only one there is */
	int64_t now_ms;	    /* of any clock that does not go back */
};

/* What need not be asked for each time. All zero: nothing is known. For one system of one organisation. */
struct jumpcloud_memory {
	bool policy_known, has_policy, groups_known;
	struct lockout_policy policy;
	struct buf groups; /* struct bound_group */
	int64_t policy_until_ms, groups_until_ms;
};
void jumpcloud_memory_done(struct jumpcloud_memory *m);

/*
 * All of it. What SINK gets is in the order of ids, whatever order the API has: the same directory, the same records. Of an
 * error nothing may be kept, though some of it may have reached SINK.
 *   ret_text  after an error: one sentence
 * 0; -EAGAIN it changed all the time; -EBADMSG it makes no sense; -EFBIG; -ENOENT no such system; -ENOMEM; what SINK or
 * API returned.
 */
int jumpcloud_sync(const struct jumpcloud_api *api, const struct jumpcloud_options *options,
		   struct jumpcloud_memory *memory, const struct document_sink *sink,
		   char ret_text[static JUMPCLOUD_TEXT_SIZE]) MUST_CHECK;

/*
 * One user: his account, without what is scheduled for him; or, when he is gone or no longer bound, removed(); or a
 * reject, when he cannot be taken. ID passed object_id_valid(). Errors as above.
 */
int jumpcloud_refresh(const struct jumpcloud_api *api, const struct jumpcloud_options *options, const char *id,
		      const struct document_sink *sink, char ret_text[static JUMPCLOUD_TEXT_SIZE]) MUST_CHECK;

/*
 * Lock one user everywhere. ID passed object_id_valid(). 0: he is locked, by the directory's own word; -ENOENT no such user;
 * errors as above.
 */
int jumpcloud_lock(const struct jumpcloud_api *api, const char *id, char ret_text[static JUMPCLOUD_TEXT_SIZE]) MUST_CHECK;

/* The ids of all systems of the organisation, as memberships without a group. Errors as jumpcloud_sync(). */
int jumpcloud_systems(const struct jumpcloud_api *api, const struct document_sink *sink,
		      char ret_text[static JUMPCLOUD_TEXT_SIZE]) MUST_CHECK;

#endif
