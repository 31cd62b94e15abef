#include "agentd/fetch/sync.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "agentd/fetch/document.h"
#include "agentd/fetch/protocol.h"
#include "common/names.h"
#include "common/record.h"

#define LENGTH_SIZE sizeof(uint32_t)

/* Records on their way to musterd, as many in a frame as go in. */
struct outlet {
	int sock;
	uint32_t request_id;
	struct buf frame, record;
	struct frame_end end;
	uint64_t n_records, n_bytes;
	bool full;    /* SYNC_*_MAX was reached */
	int error;    /* of the socket */
};

static int outlet_flush(struct outlet *o)
{
	if (o->frame.len > 0)
		o->error = wire_send(o->sock, FRAME_RECORD, o->request_id, o->frame.data,
				     o->frame.len, -1, wire_now_ms() + SYNC_IDLE_MS);
	o->frame.len = 0;
	return o->error;
}

/* Sends what o->record holds. PACKED: what packing it returned. */
static int outlet_record(struct outlet *o, int packed, uint64_t *count)
{
	uint32_t len = htole32((uint32_t)o->record.len);
	int r = packed;

	if (r == 0 && o->frame.len + LENGTH_SIZE + o->record.len > FRAME_MAX)
		r = outlet_flush(o);
	if (r < 0)
		return r;
	o->n_bytes += LENGTH_SIZE + o->record.len;
	if (++o->n_records > SYNC_RECORDS_MAX || o->n_bytes > SYNC_STAGED_MAX) {
		o->full = true;
		return -EFBIG;
	}
	r = buf_add(&o->frame, &len, LENGTH_SIZE);
	if (r == 0)
		r = buf_add(&o->frame, o->record.data, o->record.len);
	o->record.len = 0;
	++*count;
	return r;
}

static int send_account(void *context, const struct account *a)
{
	struct outlet *o = context;

	return outlet_record(o, record_account_pack(a, &o->record), &o->end.accounts);
}

static int send_group(void *context, const struct dir_group *g)
{
	struct outlet *o = context;

	return outlet_record(o, record_group_pack(g, &o->record), &o->end.groups);
}

static int send_membership(void *context, const struct membership *m)
{
	struct outlet *o = context;

	return outlet_record(o, record_membership_pack(RECORD_MEMBERSHIP, m, &o->record),
			     &o->end.memberships);
}

static int send_removed(void *context, const struct membership *m)
{
	struct outlet *o = context;
	uint64_t uncounted = 0;

	return outlet_record(o, record_membership_pack(RECORD_REMOVED, m, &o->record), &uncounted);
}

static int send_lockout(void *context, const struct lockout_policy *p)
{
	struct outlet *o = context;
	uint64_t uncounted = 0;

	return outlet_record(o, record_lockout_pack(p, &o->record), &uncounted);
}

static int send_reject(void *context, const struct reject *r)
{
	struct outlet *o = context;

	if (o->end.rejects == SYNC_REJECTS_MAX)
		return 0;
	return outlet_record(o, record_reject_pack(r, &o->record), &o->end.rejects);
}

int sync_result(int sock, uint32_t request_id, int error, const char *text)
{
	char payload[LENGTH_SIZE + RESULT_TEXT_MAX];
	uint32_t code = htole32((uint32_t)-error);

	memcpy(payload, &code, LENGTH_SIZE);
	name_escape(text, payload + LENGTH_SIZE, RESULT_TEXT_MAX);
	return wire_send(sock, FRAME_RESULT, request_id, payload,
			 LENGTH_SIZE + strlen(payload + LENGTH_SIZE) + 1, -1,
			 wire_now_ms() + SYNC_IDLE_MS);
}

static int send_end(struct outlet *o)
{
	uint8_t payload[48];

	frame_end_pack(&o->end, payload);
	return wire_send(o->sock, FRAME_END, o->request_id, payload, sizeof(payload), -1,
			 wire_now_ms() + SYNC_IDLE_MS);
}

/* The document in FD is the directory itself: who is not in it was removed. */
static int answer_file(struct outlet *o, const struct settings *s, int fd)
{
	const struct document_options options = {
		.hostname = s->hostname, .system_id = s->system_id, .secrets = s->secrets
	};
	const struct document_sink sink = {
		send_account, send_group, send_membership, send_removed, send_lockout,
		send_reject,  o
	};
	struct document_result result;
	int r = document_read(fd, &options, &sink, &result);

	if (r == 0)
		r = outlet_flush(o);
	if (o->error < 0)
		return o->error;
	if (r < 0)
		return sync_result(o->sock, o->request_id, r,
				   o->full ? "more records than are taken" : result.text);
	o->end.serial = result.serial;
	o->end.flags = FRAME_END_COMPLETE;
	return send_end(o);
}

int sync_answer(int sock, const struct settings *s, const struct frame *request)
{
	struct outlet o = { .sock = sock, .request_id = request->request_id };
	int r;

	if (!s->driver || strcmp(s->driver, "document") != 0)
		r = sync_result(sock, request->request_id, -EPROTO, "no driver of this name");
	else if (request->fd < 0)
		r = sync_result(sock, request->request_id, -EPROTO, "no document came along");
	else
		r = answer_file(&o, s, request->fd);
	buf_wipe(&o.frame);
	buf_wipe(&o.record);
	return r;
}
