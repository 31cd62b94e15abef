#include "agentd/answer.h"

#include <errno.h>
#include <string.h>

#include "agentd/auth.h"
#include "agentd/counters.h"
#include "agentd/engine.h"
#include "agentd/log.h"
#include "agentd/turn.h"
#include "common/agent.h"
#include "common/factor.h"
#include "common/login.h"
#include "common/names.h"

#define SEND_MS        2000
#define JOB_AGE_MS     60000 /* fifty cron jobs a minute cause one refresh */

/* Root asks about anybody; others about themselves, so that nobody else's name costs the directory a request. */
static bool may_ask(const struct agent_request *q, uid_t peer)
{
	CLEANUP(subject_done) struct subject s = {0};

	return peer == 0 || (subject_load(q->user, &s) == 0 && s.account.uid == peer);
}

/* Bring what is known of the user up to date, within what a login may wait; what is there serves otherwise. */
static bool refresh(const struct agent_request *q, const struct answer_options *o)
{
	CLEANUP(subject_done) struct subject s = {0};
	int r, known = subject_load(q->user, &s);
	const char *id = known == 0 ? s.account.id : NULL;

	if (q->flags & AGENT_NOWAIT) {
		engine_poke(o->engine, id,
			    o->recheck_after_ms > JOB_AGE_MS ? o->recheck_after_ms : JOB_AGE_MS);
		return false;
	}
	r = engine_refresh(o->engine, id, o->recheck_after_ms, wire_now_ms() + o->recheck_timeout_ms);
	counters_refresh(r);
	if (r == 0 && known == -ESRCH)
		engine_pretend(o->engine, q->user, o->recheck_after_ms, o->recheck_timeout_ms);
	return r == 0;
}

/* Inside login_check(), which holds a turn: asking takes long, and turns of its own. */
static struct login_word ask_in_turn(const struct login_directory *d, const struct subject *s,
				     const char *password, const char *code)
{
	const struct answer_options *o = d->context;
	struct login_word w;

	turn_give();
	w = auth_ask(o->auth, s, password, code);
	while (turn_take() < 0)
		continue; /* those who have one need no second one: it comes */
	return w;
}

/* The whole decision, for a caller who cannot make it. */
static void check_password(const struct subject *s, const struct agent_request *q,
			   const struct answer_options *o, struct agent_answer *a)
{
	const struct login_directory directory = {ask_in_turn, o};
	struct login l;

	if (turn_take() < 0) {
		a->reason = REASON_UNAVAILABLE;
		return;
	}
	l = login_check(s, &(struct login_try){q->password, q->code, q->rhost}, &directory);
	turn_give();
	/* Whoever asks is not to learn that the password was right. */
	if (l.reason == REASON_WRONG_CODE)
		log_notice("auth: wrong_code user=%s: wrong, or used before, for a screen locker", q->user);
	a->reason = l.reason == REASON_WRONG_CODE ? REASON_WRONG_PASSWORD : l.reason;
	if (l.password_right)
		a->password = AGENT_PASSWORD_RIGHT;
	else if (a->reason == REASON_WRONG_PASSWORD)
		a->password = AGENT_PASSWORD_WRONG;
	else if (l.off_line)
		a->password = AGENT_PASSWORD_UNAVAILABLE;
}

/* Root counts and decides for itself: it wants the directory's word alone. */
static void ask_password(const struct subject *s, const struct agent_request *q, const struct answer_options *o,
			 struct agent_answer *a)
{
	enum reason refusal = login_unasked(s);
	struct login_word w = {.reason = REASON_UNAVAILABLE};

	if (s->policy.password_ldap)
		w = auth_ask(o->auth, s, refusal == REASON_OK ? q->password : "", q->code);
	a->password = w.password;
	a->reason = refusal == REASON_OK ? w.reason : refusal;
}

/* The account phase, and what there is to say before a password is verified elsewhere. */
static void check_account(const struct subject *s, const struct agent_request *q,
			  struct agent_answer *a)
{
	struct verdict v = subject_verdict(s, q->phase, false);

	a->reason = v.reason;
	a->expires_at = v.expires_at;
}

static int decide(enum frame_type type, const struct agent_request *q, uid_t peer,
		  const struct answer_options *o, struct agent_answer *a)
{
	CLEANUP(subject_done) struct subject s = {.service = q->service};
	int r = subject_load(q->user, &s);

	if (peer != 0 && (r < 0 || s.account.uid != peer))
		return -EPERM;
	a->generation = s.generation;
	a->code_asked = s.policy.totp_wanted && factor_is_asked(&s.policy, q->service);
	a->reason = subject_load_reason(r);
	if (r < 0 && type == FRAME_PASSWORD && o->root && s.policy.password_ldap)
		a->password = auth_ask(o->auth, &s, "", "").password;
	if (r < 0)
		return 0;
	a->uid = s.account.uid;
	if (type == FRAME_PASSWORD && o->root)
		ask_password(&s, q, o, a);
	else if (type == FRAME_PASSWORD)
		check_password(&s, q, o, a);
	else
		check_account(&s, q, a);
	return 0;
}

static int send_answer(int sock, uint32_t request_id, const struct agent_answer *a)
{
	CLEANUP(buf_done) struct buf data = {0};
	int r = agent_answer_pack(a, &data);

	return r < 0 ? r
		     : wire_send(sock, FRAME_ANSWER, request_id, data.data, data.len, -1,
				 wire_now_ms() + SEND_MS);
}

int answer(int sock, const struct frame *f, uid_t peer, const struct answer_options *o)
{
	struct agent_request q;
	struct agent_answer a = {.reason = REASON_UNAVAILABLE};
	int r;

	if (f->type != FRAME_CHECK && f->type != FRAME_PASSWORD)
		return -EPROTO;
	if (agent_request_unpack(f->payload.data, f->payload.len, &q) < 0 || !name_valid(q.user))
		return -EPROTO;
	r = wire_send(sock, FRAME_WORKING, f->request_id, NULL, 0, -1, wire_now_ms() + SEND_MS);
	if (r < 0)
		return r;
	if (!may_ask(&q, peer))
		return -EPERM;
	memcpy(a.nonce, q.nonce, sizeof(a.nonce));
	a.user = q.user;
	a.online = refresh(&q, o);
	r = decide(f->type, &q, peer, o, &a);
	if (r == 0)
		counters_answer(q.service, a.reason);
	return r < 0 ? r : send_answer(sock, f->request_id, &a);
}
