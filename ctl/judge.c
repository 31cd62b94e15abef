#include "ctl/judge.h"

#include <string.h>

#include "common/tally_list.h"

static int read_tally(const struct view *v, uint32_t uid, int64_t boottime_ms, struct tally *ret)
{
	const struct tally_policy policy = {.max_attempts = v->policy.max_attempts,
					    .window_s = v->policy.window_s,
					    .lock_time_s = v->policy.lock_time_s};

	return tally_read(TALLY_PATH, uid, NULL, &policy, boottime_ms, ret);
}

static bool has_tally(const struct buf *tallies, uint32_t uid)
{
	uint32_t *uids = (uint32_t *)(void *)tallies->data;

	return tallies_find(uids, tallies->len / sizeof(uid), uid) != NULL;
}

/* Where keys are all that there is, as with JumpCloud without LDAP. SERVICE: NULL or "" is any. */
static bool key_serves(const struct account *a, const char *service)
{
	return a->allow_public_key && a->ssh_keys.count > 0 &&
	       (!service || !*service || strcmp(service, "sshd") == 0);
}

void judge(const struct view *v, const struct account *a, const struct judge_question *q,
	   struct judgement *ret)
{
	struct verdict_input in = {.account = a,
				   .policy = &v->policy,
				   .phase = VERDICT_ACCOUNT,
				   .service = q->service,
				   .now = q->now,
				   .confirmed_at = q->confirmed_at};

	*ret = (struct judgement){.boottime_ms = v->boottime_ms + (q->now - v->now) * 1000};
	if (!q->tallies || has_tally(q->tallies, a->uid))
		ret->tally_error = read_tally(v, a->uid, ret->boottime_ms, &ret->tally);
	ret->account = verdict_decide(&in);
	in.phase = VERDICT_AUTH;
	in.tally_locked = ret->tally.locked;
	ret->password = verdict_decide(&in);
	ret->no_password = !v->policy.password_ldap && !(a->password_hash && *a->password_hash);
	if ((ret->tally_error < 0 || (ret->no_password && !key_serves(a, q->service))) &&
	    ret->password.reason == REASON_OK)
		ret->password.reason = REASON_UNAVAILABLE;
}
