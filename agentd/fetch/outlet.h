/*
 * The way out: records fill frames and go to musterd, then END or RESULT (agentd/fetch/protocol.h).
 */
#ifndef AGENTD_FETCH_OUTLET_H
#define AGENTD_FETCH_OUTLET_H

#include "agentd/fetch/document.h"
#include "agentd/fetch/protocol.h"
#include "common/wire.h"

/* The answer to one request. The first two members are the caller's, the rest zero. */
struct outlet {
	int sock;
	uint32_t request_id;
	struct buf frame, record;
	struct frame_end end;
	uint64_t n_records, n_bytes;
	bool full; /* SYNC_RECORDS_MAX or SYNC_STAGED_MAX was reached */
	int error; /* of the socket: there is nobody to answer any more */
	int64_t sent_at_ms;
};
void outlet_done(struct outlet *o);

/* What document_read() says goes out as records. */
struct document_sink outlet_sink(struct outlet *o);

/* An account that is packed already; the context is the outlet. */
int outlet_packed(void *context, const void *record, size_t len);

/* "Still at work", when nothing was sent for some seconds. 0 or o->error. */
int outlet_alive(struct outlet *o) MUST_CHECK;

int outlet_server(struct outlet *o, const struct frame_server *s) MUST_CHECK;

/* The last frame: END with what was counted, or RESULT with a negative errno and a sentence, escaped here. 0 or o->error. */
int outlet_end(struct outlet *o, uint64_t serial, int64_t confirmed_at, uint64_t flags) MUST_CHECK;
int outlet_fail(struct outlet *o, int error, const char *text) MUST_CHECK;
/* RESULT as the answer to a request for one: ERROR may be 0. */
int outlet_result(struct outlet *o, int error, const char *text) MUST_CHECK;

#endif
