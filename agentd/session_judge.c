#include "agentd/session_judge.h"

#include <errno.h>

#include "agentd/session_pick.h"
#include "common/paths.h"
#include "common/record.h"
#include "common/subject.h"

int session_judge_open(struct session_judge *j, uint32_t set)
{
	int64_t boottime_ms;
	int r;

	*j = (struct session_judge){.set = set};
	r = snapshot_open_published(SNAPSHOT_PAM, &j->snapshot);
	if (r < 0)
		return r;
	j->generation = snapshot_info(j->snapshot)->generation;
	return subject_time(j->snapshot, &j->now, &boottime_ms);
}

void session_judge_done(struct session_judge *j)
{
	snapshot_close(j->snapshot);
	local_free(j->local);
	buf_wipe(&j->buf); /* verifiers passed through */
	*j = (struct session_judge){0};
}

/* Who has become a local user since the last sync is none of ours any more; a local one is ours while he is taken over. */
static int refuse_local(struct session_judge *j, const struct account *a)
{
	char error[LOCAL_ERROR_SIZE];
	uint32_t uid, gid;
	int r = j->local ? 0 : local_load(MUSTER_ETC, &j->local, error);

	if (r < 0)
		return r;
	if (a->adopted)
		return local_is_adopted(j->local, a->name) && local_user(j->local, a->name, &uid, &gid) == 0 && uid == a->uid ?
			       0 :
			       -ESRCH;
	return local_name_taken(j->local, a->name) || local_uid_taken(j->local, a->uid) ? -ESRCH : 0;
}

static int judge(struct session_judge *j, struct session_user *ret)
{
	struct account a;
	enum reason reason;
	int r = record_account_unpack(j->buf.data, j->buf.len, &a);

	if (r < 0)
		return r;
	if (!name_valid(a.name) || !id_floor_ok(a.uid))
		return -EBADMSG;
	reason = session_end_reason(&a, j->set, j->now);
	if (reason == REASON_OK)
		return -ESRCH;
	r = refuse_local(j, &a);
	if (r < 0)
		return r;
	*ret = (struct session_user){.uid = a.uid, .reason = reason};
	return str_print(ret->name, sizeof(ret->name), "%s", a.name);
}

int session_judge_uid(struct session_judge *j, uint32_t uid, struct session_user *ret)
{
	const struct snapshot_info *info = snapshot_info(j->snapshot);
	int r;

	if (!id_floor_ok(uid) || uid < info->id_min || uid > info->id_max)
		return -ESRCH;
	r = snapshot_account_by_uid(j->snapshot, uid, &j->buf);
	return r < 0 ? r : judge(j, ret);
}

int session_judge_name(struct session_judge *j, const char *name, struct session_user *ret)
{
	int r = name_valid(name) ? snapshot_account(j->snapshot, name, &j->buf) : -ESRCH;

	return r < 0 ? r : judge(j, ret);
}
