#include "common/agent.h"

#include <errno.h>
#include <string.h>

#define AGENT_VERSION      1u
#define AGENT_VERSION_CODE 2u /* a request with a code behind the rest */

#define ANSWER_ONLINE 1u
#define ANSWER_CODE   2u

/* Fixed part first, then the strings, each with its NUL: a short, closed layout needs no tags. */
static int put_u32(struct buf *b, uint32_t v)
{
	uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

	return buf_add(b, bytes, sizeof(bytes));
}

static int put_u64(struct buf *b, uint64_t v)
{
	int r = put_u32(b, (uint32_t)v);

	return r ? r : put_u32(b, (uint32_t)(v >> 32));
}

static int put_text(struct buf *b, const char *s)
{
	size_t len = s ? strlen(s) : 0;

	if (len > AGENT_TEXT_MAX)
		return -EINVAL;
	return buf_add(b, s ? s : "", len + 1);
}

struct cursor {
	const uint8_t *p, *end;
	bool bad;
};

static const void *take(struct cursor *c, size_t len)
{
	const uint8_t *p = c->p;

	if (c->bad || (size_t)(c->end - c->p) < len) {
		c->bad = true;
		return NULL;
	}
	c->p += len;
	return p;
}

static uint32_t take_u32(struct cursor *c)
{
	const uint8_t *p = take(c, 4);

	if (!p)
		return 0;
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t take_u64(struct cursor *c)
{
	uint64_t low = take_u32(c);

	return low | (uint64_t)take_u32(c) << 32;
}

static const char *take_text(struct cursor *c)
{
	const uint8_t *nul = c->bad ? NULL : memchr(c->p, 0, (size_t)(c->end - c->p));
	const char *s = (const char *)c->p;

	if (!nul || nul - c->p > AGENT_TEXT_MAX) {
		c->bad = true;
		return "";
	}
	c->p = nul + 1;
	return s;
}

static struct cursor cursor_open(const void *data, size_t len, uint32_t *ret_version)
{
	const uint8_t *p = data ? data : (const uint8_t *)""; /* an empty frame has no bytes at all */
	struct cursor c = {p, p + (data ? len : 0), false};

	*ret_version = take_u32(&c);
	return c;
}

static int cursor_close(const struct cursor *c)
{
	return c->bad || c->p != c->end ? -EBADMSG : 0;
}

int agent_request_pack(const struct agent_request *r, struct buf *out)
{
	bool code = r->code && r->code[0];
	int rc;

	if ((rc = put_u32(out, code ? AGENT_VERSION_CODE : AGENT_VERSION)) ||
	    (rc = buf_add(out, r->nonce, sizeof(r->nonce))) ||
	    (rc = put_u32(out, (uint32_t)r->phase)) || (rc = put_u32(out, r->flags)) ||
	    (rc = put_text(out, r->user)) || (rc = put_text(out, r->password)) ||
	    (rc = put_text(out, r->service)) || (rc = put_text(out, r->rhost)) ||
	    (rc = put_text(out, r->tty)))
		return rc;
	return code ? put_text(out, r->code) : 0;
}

int agent_request_unpack(const void *data, size_t len, struct agent_request *ret)
{
	uint32_t version;
	struct cursor c = cursor_open(data, len, &version);
	struct agent_request r = {.code = ""};
	const void *nonce = take(&c, sizeof(r.nonce));
	uint32_t phase = take_u32(&c);

	if (nonce)
		memcpy(r.nonce, nonce, sizeof(r.nonce));
	if (version != AGENT_VERSION && version != AGENT_VERSION_CODE)
		c.bad = true;
	if (phase != VERDICT_AUTH && phase != VERDICT_ACCOUNT)
		c.bad = true;
	r.phase = (enum verdict_phase)phase;
	r.flags = take_u32(&c);
	r.user = take_text(&c);
	r.password = take_text(&c);
	r.service = take_text(&c);
	r.rhost = take_text(&c);
	r.tty = take_text(&c);
	if (version == AGENT_VERSION_CODE) {
		r.code = take_text(&c);
		c.bad |= !r.code[0];
	}
	if (cursor_close(&c))
		return -EBADMSG;
	*ret = r;
	return 0;
}

int agent_answer_pack(const struct agent_answer *a, struct buf *out)
{
	int rc;

	if ((rc = put_u32(out, AGENT_VERSION)) || (rc = buf_add(out, a->nonce, sizeof(a->nonce))) ||
	    (rc = put_u32(out, a->uid)) || (rc = put_u32(out, (uint32_t)a->reason)) ||
	    (rc = put_u32(out, (uint32_t)a->password)) || (rc = put_u64(out, a->generation)) ||
	    (rc = put_u64(out, (uint64_t)a->expires_at)) ||
	    (rc = put_u32(out,
			  (a->online ? ANSWER_ONLINE : 0) | (a->code_asked ? ANSWER_CODE : 0))) ||
	    (rc = put_text(out, a->user)))
		return rc;
	return 0;
}

/* Through its name: the one place that knows every reason. */
static enum reason reason_known(uint32_t v)
{
	enum reason r;

	return reason_parse(reason_name((enum reason)v), &r) == 0 ? r : REASON_UNDECIDED;
}

static enum agent_password password_known(uint32_t v)
{
	switch ((enum agent_password)v) {
	case AGENT_PASSWORD_RIGHT:
	case AGENT_PASSWORD_WRONG:
	case AGENT_PASSWORD_UNAVAILABLE:
	case AGENT_PASSWORD_UNCHECKED:
		return (enum agent_password)v;
	}
	return AGENT_PASSWORD_WRONG;
}

int agent_answer_unpack(const void *data, size_t len, struct agent_answer *ret)
{
	uint32_t version, flags;
	struct cursor c = cursor_open(data, len, &version);
	struct agent_answer a = {0};
	const void *nonce = take(&c, sizeof(a.nonce));

	if (nonce)
		memcpy(a.nonce, nonce, sizeof(a.nonce));
	a.uid = take_u32(&c);
	a.reason = reason_known(take_u32(&c));
	a.password = password_known(take_u32(&c));
	a.generation = take_u64(&c);
	a.expires_at = (int64_t)take_u64(&c);
	flags = take_u32(&c);
	a.online = flags & ANSWER_ONLINE;
	a.code_asked = flags & ANSWER_CODE;
	a.user = take_text(&c);
	if (version != AGENT_VERSION || flags > (ANSWER_ONLINE | ANSWER_CODE))
		c.bad = true;
	if (cursor_close(&c))
		return -EBADMSG;
	*ret = a;
	return 0;
}
