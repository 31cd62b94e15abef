#include "agentd/fetch/outlet.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/names.h"
#include "common/record.h"

#define LENGTH_SIZE sizeof(uint32_t)
#define ALIVE_MS    5000

void outlet_done(struct outlet *o)
{
	buf_wipe(&o->frame);
	buf_wipe(&o->record);
}

static int send_frame(struct outlet *o, enum frame_type type, const void *data, size_t len)
{
	int64_t now = wire_now_ms();

	o->error = wire_send(o->sock, type, o->request_id, data, len, -1, now + SYNC_IDLE_MS);
	o->sent_at_ms = now;
	return o->error;
}

static int flush(struct outlet *o)
{
	size_t len = o->frame.len;

	o->frame.len = 0;
	return len ? send_frame(o, FRAME_RECORD, o->frame.data, len) : 0;
}

static int send_bytes(struct outlet *o, const void *record, size_t record_len, uint64_t *count)
{
	uint32_t len = htole32((uint32_t)record_len);
	int r = 0;

	if (o->frame.len + LENGTH_SIZE + record_len > FRAME_MAX)
		r = flush(o);
	if (r < 0)
		return r;
	o->n_bytes += LENGTH_SIZE + record_len;
	if (++o->n_records > SYNC_RECORDS_MAX || o->n_bytes > SYNC_STAGED_MAX) {
		o->full = true;
		return -EFBIG;
	}
	r = buf_add(&o->frame, &len, LENGTH_SIZE);
	if (r == 0)
		r = buf_add(&o->frame, record, record_len);
	++*count;
	return r;
}

/* Sends what o->record holds. PACKED: what packing it returned. */
static int send_record(struct outlet *o, int packed, uint64_t *count)
{
	int r = packed < 0 ? packed : send_bytes(o, o->record.data, o->record.len, count);

	o->record.len = 0;
	return r;
}

static int send_account(void *context, const struct account *a)
{
	struct outlet *o = context;

	return send_record(o, record_account_pack(a, &o->record), &o->end.accounts);
}

int outlet_packed(void *context, const void *record, size_t len)
{
	struct outlet *o = context;

	return send_bytes(o, record, len, &o->end.accounts);
}

static int send_group(void *context, const struct dir_group *g)
{
	struct outlet *o = context;

	return send_record(o, record_group_pack(g, &o->record), &o->end.groups);
}

static int send_membership(void *context, const struct membership *m)
{
	struct outlet *o = context;

	return send_record(o, record_membership_pack(RECORD_MEMBERSHIP, m, &o->record),
			   &o->end.memberships);
}

static int send_removed(void *context, const struct membership *m)
{
	struct outlet *o = context;
	uint64_t uncounted = 0;

	return send_record(o, record_membership_pack(RECORD_REMOVED, m, &o->record), &uncounted);
}

static int send_kept(void *context, const struct membership *m)
{
	struct outlet *o = context;
	uint64_t uncounted = 0;

	return send_record(o, record_membership_pack(RECORD_KEPT, m, &o->record), &uncounted);
}

static int send_lockout(void *context, const struct lockout_policy *p)
{
	struct outlet *o = context;
	uint64_t uncounted = 0;

	return send_record(o, record_lockout_pack(p, &o->record), &uncounted);
}

static int send_reject(void *context, const struct reject *r)
{
	struct outlet *o = context;

	if (o->end.rejects == SYNC_REJECTS_MAX)
		return 0;
	return send_record(o, record_reject_pack(r, &o->record), &o->end.rejects);
}

struct document_sink outlet_sink(struct outlet *o)
{
	return (struct document_sink){ send_account, send_group,   send_membership, send_removed,
				       send_kept,    send_lockout, send_reject,	    o };
}

int outlet_alive(struct outlet *o)
{
	if (wire_now_ms() < o->sent_at_ms + ALIVE_MS)
		return 0;
	return send_frame(o, FRAME_RECORD, NULL, 0);
}

int outlet_server(struct outlet *o, const struct frame_server *s)
{
	uint8_t payload[FRAME_SERVER_SIZE_MAX];

	return send_frame(o, FRAME_SERVER, payload, frame_server_pack(s, payload));
}

int outlet_end(struct outlet *o, uint64_t serial, int64_t confirmed_at, uint64_t flags)
{
	uint8_t payload[FRAME_END_SIZE];
	int r = flush(o);

	if (r < 0)
		return r;
	o->end.serial = serial;
	o->end.confirmed_at = confirmed_at;
	o->end.flags = flags;
	frame_end_pack(&o->end, payload);
	return send_frame(o, FRAME_END, payload, sizeof(payload));
}

int outlet_result(struct outlet *o, int error, const char *text)
{
	char payload[LENGTH_SIZE + RESULT_TEXT_MAX];
	uint32_t code = htole32((uint32_t)-error);

	if (o->error < 0)
		return o->error;
	memcpy(payload, &code, LENGTH_SIZE);
	name_escape(text, payload + LENGTH_SIZE, RESULT_TEXT_MAX);
	return send_frame(o, FRAME_RESULT, payload,
			  LENGTH_SIZE + strlen(payload + LENGTH_SIZE) + 1);
}

int outlet_fail(struct outlet *o, int error, const char *text)
{
	if (o->full)
		text = "more records than are taken";
	return outlet_result(o, error, *text ? text : strerror(-error));
}
