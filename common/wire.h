/*
 * Frames on stream sockets: {u32 length of what follows the header, u16 type, u16 zero, u32 request
 * id}, little-endian, then at most FRAME_MAX bytes. musterd <-> muster-fetch (descriptor 3) today;
 * the agent's sockets use the same frames. Every call has a deadline; SIGPIPE never comes
 * (MSG_NOSIGNAL); EINTR is retried.
 */
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#include <sys/types.h>

#include "common/str.h"

#define FRAME_MAX 65536

enum frame_type {
	/* musterd to muster-fetch */
	FRAME_CONFIG = 1, /* settings: strings, key NUL value NUL … */
	FRAME_SYNC,	  /* validator of the last good sync, or empty; with file:// a descriptor */
	FRAME_REFRESH,	  /* directory id */
	FRAME_VERIFY,	  /* name NUL password NUL */
	FRAME_REPORT,	  /* directory id of a user whom this endpoint has locked */
	FRAME_SYSTEMS,	  /* which systems there are */
	/* back */
	FRAME_RECORD = 32, /* one record (common/record.h) */
	FRAME_END,	   /* struct frame_end */
	FRAME_RESULT,	   /* u32 result, text NUL */
	FRAME_SERVER,	   /* struct frame_server (agentd/fetch/protocol.h) */
	/* pam_muster to musterd (common/agent.h) */
	FRAME_CHECK = 64, /* struct agent_request: refresh this user if need be; what is known? */
	FRAME_PASSWORD,	  /* also verify the password: LDAP, or for a caller who is not root */
	/* back */
	FRAME_WORKING = 96, /* empty: the answer takes more than a moment */
	FRAME_ANSWER,	    /* struct agent_answer */
};

/* Payload of FRAME_END, packed as seven u64: what was sent, so that a cut stream is noticed. */
struct frame_end {
	uint64_t accounts, groups, memberships, rejects;
	uint64_t serial;
	uint64_t flags; /* FRAME_END_COMPLETE: the list of users is whole and explicit (file://) */
	int64_t confirmed_at; /* of a document that says by itself how old it is, seconds since 1970; 0: it does not */
};
#define FRAME_END_COMPLETE 1u
#define FRAME_END_UNCHANGED 2u
#define FRAME_END_SIZE 56

struct frame {
	enum frame_type type;
	uint32_t request_id;
	struct buf payload; /* reused between calls; buf_done() or buf_wipe() by the caller */
	int fd;		    /* descriptor that came along, or -1; the caller closes it */
};

/*
 * DEADLINE_MS is CLOCK_MONOTONIC. 0; -ETIMEDOUT; -EPIPE closed, also in mid-frame; -EPROTO
 * malformed; -E2BIG LEN over FRAME_MAX; -errno. After a failure the stream has no known position:
 * close it. FD (or -1) stays the caller's.
 */
int wire_send(int sock, enum frame_type type, uint32_t request_id, const void *data, size_t len,
	      int fd, int64_t deadline_ms) MUST_CHECK;
/*
 * A frame as above into F, of which only the payload's memory is read. At most one descriptor is
 * taken; any further ones are closed, all of them on failure. The type is what the peer sent: a
 * switch over it needs a way out.
 */
int wire_recv(int sock, struct frame *f, int64_t deadline_ms) MUST_CHECK;
int64_t wire_now_ms(void);
/*
 * A connection to the socket at PATH, which does not wait: a descriptor that does not block, or -errno. *RET_PEER: who listens there,
 * for the caller to judge before a word is said.
 */
int wire_connect(const char *path, uid_t *ret_peer) MUST_CHECK;
/* Wipes the payload and closes the descriptor. */
void frame_done(struct frame *f);

void frame_end_pack(const struct frame_end *e, uint8_t out[static FRAME_END_SIZE]);
int frame_end_unpack(const void *data, size_t len, struct frame_end *ret) MUST_CHECK;

#endif
