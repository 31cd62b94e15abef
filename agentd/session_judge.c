#include "agentd/session_judge.h"

#include <errno.h>
#include <string.h>

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
static int refuse_local(struct session_judge *j, const struct session_user *u)
{
	char error[LOCAL_ERROR_SIZE];
	uint32_t uid, gid;
	int r = j->local ? 0 : local_load(MUSTER_ETC, &j->local, error);

	if (r < 0)
		return r;
	if (u->adopted)
		return local_is_adopted(j->local, u->name) && local_user(j->local, u->name, &uid, &gid) == 0 && uid == u->uid ?
			       0 :
			       -ESRCH;
	return local_name_taken(j->local, u->name) || local_uid_taken(j->local, u->uid) ? -ESRCH : 0;
}

static int judge(struct session_judge *j, struct session_user *ret)
{
	struct session_user u = {0};
	struct account a;
	int r = record_account_unpack(j->buf.data, j->buf.len, &a);

	if (r < 0)
		return r;
	if (!name_valid(a.name) || !object_id_valid(a.id) || !id_floor_ok(a.uid))
		return -EBADMSG;
	u.uid = a.uid;
	u.adopted = a.adopted;
	u.reason = session_end_reason(&a, j->set, j->now);
	if (u.reason == REASON_OK)
		return -ESRCH;
	r = str_print(u.name, sizeof(u.name), "%s", a.name);
	if (r == 0)
		r = str_print(u.id, sizeof(u.id), "%s", a.id);
	if (r == 0)
		r = refuse_local(j, &u);
	if (r == 0)
		*ret = u;
	return r;
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

bool session_judge_allows(struct session_judge *j, const struct session_user *u)
{
	struct account a;

	if (refuse_local(j, u) == -ESRCH)
		return true;
	return snapshot_account_by_uid(j->snapshot, u->uid, &j->buf) == 0 &&
	       record_account_unpack(j->buf.data, j->buf.len, &a) == 0 && a.bound && !strcmp(a.id, u->id) &&
	       session_end_reason(&a, j->set, j->now) == REASON_OK;
}
