#include "common/subject.h"

#include <errno.h>
#include <string.h>

#include "common/clock_file.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/record.h"

/* Only the index of names can prove that there is no such user: elsewhere "not found" is damage. */
static int not_absence(int r)
{
	return r == -ESRCH ? -EBADMSG : r;
}

static int load_policy(struct subject *s)
{
	int r = snapshot_policy(s->snapshot, &s->policy_data);

	if (r == 0)
		r = record_policy_unpack(s->policy_data.data, s->policy_data.len, &s->policy);
	return r;
}

int subject_time(struct snapshot *s, int64_t *ret_now, int64_t *ret_boottime_ms)
{
	CLEANUP(buf_done) struct buf data = {0};
	struct sync_status status;
	struct clock_reading reading;
	struct clock_mark mark;
	int r;

	r = snapshot_status(s, &data);
	if (r == 0)
		r = record_status_unpack(data.data, data.len, &status);
	if (r == 0)
		r = clock_read(&reading);
	if (r < 0)
		return r;
	if (clock_file_load(MUSTER_STATE_DIR, &mark) < 0)
		mark = status.mark;
	*ret_now = clock_trusted(&reading, &mark);
	*ret_boottime_ms = reading.boottime_ms;
	return 0;
}

static int load_account(struct subject *s, const char *name)
{
	int r = snapshot_account(s->snapshot, name, &s->account_data);

	if (r < 0)
		return r;
	r = record_account_unpack(s->account_data.data, s->account_data.len, &s->account);
	if (r < 0)
		return not_absence(r);
	if (strcmp(s->account.name, name) != 0 || !id_floor_ok(s->account.uid))
		return -EBADMSG;
	return 0;
}

int subject_load_policy(struct subject *s)
{
	const struct snapshot_info *info;
	int r;

	r = snapshot_open_published(SNAPSHOT_PAM, &s->snapshot);
	if (r < 0)
		return not_absence(r);
	info = snapshot_info(s->snapshot);
	s->generation = info->generation;
	s->confirmed_at = info->confirmed_at;
	r = load_policy(s);
	if (r == 0)
		r = subject_time(s->snapshot, &s->now, &s->boottime_ms);
	return not_absence(r);
}

int subject_load(const char *name, struct subject *s)
{
	int r = subject_load_policy(s);

	return r < 0 ? r : load_account(s, name);
}

void subject_done(struct subject *s)
{
	snapshot_close(s->snapshot);
	buf_done(&s->policy_data);
	buf_wipe(&s->account_data);
}

struct verdict subject_verdict(const struct subject *s, enum verdict_phase phase, bool tally_locked)
{
	return verdict_decide(&(struct verdict_input){
		.account = &s->account,
		.policy = &s->policy,
		.phase = phase,
		.now = s->now,
		.confirmed_at = s->confirmed_at,
		.tally_locked = tally_locked,
		.service = s->service,
	});
}

enum reason subject_load_reason(int r)
{
	return r == -ESRCH ? REASON_UNKNOWN_USER : REASON_UNAVAILABLE;
}
