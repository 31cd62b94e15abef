#include "ctl/view.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "agentd/local.h"
#include "agentd/status.h"
#include "common/clock.h"
#include "common/clock_file.h"
#include "common/paths.h"

static const char *snapshot_problem(int r)
{
	switch (-r) {
	case ENOENT:
		return "nothing has been published yet";
	case EBADMSG:
		return "the file is damaged";
	case EPERM:
		return "the file has the wrong owner, mode or kind";
	default:
		return strerror(-r);
	}
}

int snapshot_fault(struct fault *f, int r, const char *name)
{
	fault_set(f, r, "cannot read %s/%s: %s", MUSTER_RUNTIME_DIR, name, snapshot_problem(r));
	fault_hint(f, "'musterd --once' publishes it");
	return r;
}

static int read_policy(struct view *v)
{
	int r = snapshot_policy(v->pam, &v->policy_buf);

	if (r < 0)
		return r;
	r = record_policy_unpack(v->policy_buf.data, v->policy_buf.len, &v->policy);
	if (r < 0)
		return r;
	r = snapshot_status(v->pam, &v->status_buf);
	if (r < 0)
		return r;
	return record_status_unpack(v->status_buf.data, v->status_buf.len, &v->status);
}

static int read_clock(struct view *v)
{
	struct clock_reading reading;
	struct clock_mark mark;
	int r = clock_read(&reading);

	if (r < 0)
		return r;
	if (clock_file_load(MUSTER_STATE_DIR, &mark) < 0)
		mark = v->status.mark;
	v->now = clock_trusted(&reading, &mark);
	v->boottime_ms = reading.boottime_ms;
	return 0;
}

int view_open(struct view *v, struct fault *f)
{
	int r;

	*v = (struct view){.now = time(NULL)};
	if (status_load(MUSTER_RUNTIME_DIR, &v->last_buf, &v->last) == 0)
		v->sync = &v->last;
	v->nss_error = snapshot_open_published(SNAPSHOT_NSS, &v->nss);
	v->pam_error = snapshot_open_published(SNAPSHOT_PAM, &v->pam);
	if (v->pam_error < 0 && !view_limited(v))
		return snapshot_fault(f, v->pam_error, PAM_SNAPSHOT);
	if (!v->pam)
		return v->nss ? 0 : snapshot_fault(f, v->nss_error, NSS_SNAPSHOT);
	r = read_policy(v);
	if (r < 0)
		return snapshot_fault(f, r, PAM_SNAPSHOT);
	if (!v->sync)
		v->sync = &v->status;
	r = read_clock(v);
	return r < 0 ? fault_set(f, r, "cannot read the clock: %s", strerror(-r)) : 0;
}

void view_done(struct view *v)
{
	snapshot_close(v->nss);
	snapshot_close(v->pam);
	buf_done(&v->policy_buf);
	buf_done(&v->status_buf);
	buf_done(&v->last_buf);
}

bool view_limited(const struct view *v)
{
	return !v->pam && geteuid() != MUSTER_OWNER;
}

const struct snapshot_info *view_info(const struct view *v)
{
	return snapshot_info(v->pam ? v->pam : v->nss);
}

int64_t view_age_s(const struct view *v)
{
	const struct snapshot_info *info = view_info(v);
	int64_t at = info->confirmed_at, age_s;

	/* the files are not copied for each sync that confirms them */
	if (v->sync && v->sync->generation == info->generation && v->sync->last_sync_at > at)
		at = v->sync->last_sync_at;
	age_s = v->now - at;
	return age_s > 0 ? age_s : 0;
}

int view_account(struct view *v, const char *name, struct buf *buf, struct account *ret)
{
	int r = snapshot_account(v->pam, name, buf);

	return r < 0 ? r : record_account_unpack(buf->data, buf->len, ret);
}

int view_reject(struct view *v, const char *name, struct buf *buf, struct reject *ret)
{
	for (uint32_t i = 0;; i++) {
		int r = snapshot_reject(v->pam, i, buf);

		if (r < 0)
			return r;
		r = record_reject_unpack(buf->data, buf->len, ret);
		if (r < 0)
			return r;
		if (strcmp(ret->kind, "user") == 0 && strcmp(ret->name, name) == 0)
			return 0;
	}
}

bool view_name_is_local(const char *name)
{
	CLEANUP(local_freep) struct local *local = NULL;
	char error[LOCAL_ERROR_SIZE];
	uint32_t uid, gid;

	return local_load(MUSTER_ETC, &local, error) < 0 ||
	       (local_user(local, name, &uid, &gid) == 0 && !local_is_adopted(local, name));
}

int view_each_group(struct snapshot *nss, view_group_fn *fn, void *context)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct snapshot_group g;
	uint32_t place = 0;
	int r;

	for (uint32_t after = 0; (r = snapshot_group_next(nss, after, &buf, &g)) == 0; after = g.gid) {
		r = fn(context, &g, false);
		if (r < 0)
			return r;
	}
	if (r != -ESRCH)
		return r;
	while ((r = snapshot_local_group_next(nss, &place, &buf, &g)) == 0) {
		r = fn(context, &g, true);
		if (r < 0)
			return r;
	}
	return r == -ESRCH ? 0 : r;
}
