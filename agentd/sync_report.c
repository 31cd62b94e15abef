#include <errno.h>
#include <string.h>

#include "agentd/log.h"
#include "agentd/reports.h"
#include "agentd/sync_private.h"
#include "agentd/tallies.h"
#include "common/factor.h"
#include "common/tally.h"

/* In one sync, which holds musterd's lock meanwhile. */
#define SEND_MAX 20
#define SEND_MS	 10000

struct reporting {
	struct sync *sync;
	struct snapshot *published; /* as users meet it */
	struct policy policy;
	struct buf policy_data, account_data;
	struct reports reports;
	struct buf locks; /* struct report */
};

static void reporting_done(struct reporting *r)
{
	snapshot_close(r->published);
	buf_done(&r->policy_data);
	buf_wipe(&r->account_data);
	reports_done(&r->reports);
	buf_done(&r->locks);
}

static void alarm_errno(struct reporting *r, const char *what, int error)
{
	r->sync->state.alarms++;
	log_error("sync: %s: %s", what, strerror(-error));
}

static int load_policy(struct reporting *r)
{
	int rc;

	r->published = state_open_published(r->sync->conf);
	if (!r->published)
		return -ENOENT;
	rc = snapshot_policy(r->published, &r->policy_data);
	return rc < 0 ? rc : record_policy_unpack(r->policy_data.data, r->policy_data.len, &r->policy);
}

/* The account under UID, good until the next call. -ESRCH. */
static int find_account(struct reporting *r, uint32_t uid, struct account *ret)
{
	int rc = snapshot_account_by_uid(r->published, uid, &r->account_data);

	return rc < 0 ? rc : record_account_unpack(r->account_data.data, r->account_data.len, ret);
}

static int add_lock(struct reporting *r, const char *dir, uint32_t uid)
{
	const struct clock_reading *now = &r->sync->clock;
	const struct tally_policy p = {
		.max_attempts = r->policy.max_attempts,
		.window_s = r->policy.window_s,
		.lock_time_s = r->policy.lock_time_s,
	};
	struct report report = {.uid = uid};
	struct account a;
	struct tally t;
	int rc = find_account(r, uid, &a);

	if (rc == 0)
		rc = tally_read(dir, uid, NULL, &p, now->boottime_ms, &t);
	if (rc < 0 || !t.locked_at_ms || factor_is_uncounted(&a) || !a.bound)
		return rc == -ESRCH ? 0 : rc;
	report.locked_at_ms = t.locked_at_ms;
	rc = str_print(report.id, sizeof(report.id), "%s", a.id);
	if (rc == 0)
		rc = str_print(report.boot_id, sizeof(report.boot_id), "%s", now->boot_id);
	return rc < 0 ? rc : buf_add(&r->locks, &report, sizeof(report));
}

static int compare_times(const void *a, const void *b)
{
	const struct report *x = a, *y = b;

	return (x->locked_at_ms > y->locked_at_ms) - (x->locked_at_ms < y->locked_at_ms);
}

/* What cannot be read of one user is no reason to be silent about others. */
static void find_locks(struct reporting *r)
{
	AUTO_FREE char *dir = str_format("%s/tally", r->sync->conf->runtime_dir);
	CLEANUP(buf_done) struct buf uids = {0};
	int rc = dir ? tallies_list(r->sync->conf->runtime_dir, &uids) : -ENOMEM;

	for (size_t i = 0; i < uids.len / sizeof(uint32_t); i++) {
		int one = add_lock(r, dir, ((const uint32_t *)(const void *)uids.data)[i]);

		rc = one < 0 ? one : rc;
	}
	if (rc < 0)
		alarm_errno(r, "not all failed attempts could be read", rc);
	if (r->locks.len)
		qsort(r->locks.data, r->locks.len / sizeof(struct report), sizeof(struct report), compare_times);
}

static void save(struct reporting *r)
{
	int rc = reports_save(r->sync->conf->state_dir, &r->reports);

	if (rc < 0)
		alarm_errno(r, "locks to report could not be written down", rc);
}

/* As the last sync has it, E's user is still here. */
static bool is_bound(struct reporting *r, const struct report *e)
{
	struct account a;

	return find_account(r, e->uid, &a) == 0 && !strcmp(a.id, e->id) && a.bound;
}

/* The directory knows already: it has said so itself, or it was told by somebody who died before he could write that down. */
static bool is_known(struct reporting *r, const struct report *e)
{
	struct account a;

	return find_account(r, e->uid, &a) == 0 && !strcmp(a.id, e->id) && a.account_locked;
}

/* After these the next one may do better. */
static bool concerns_one(int rc)
{
	return rc == -EBADMSG || rc == -EPROTO || rc == -ENOENT;
}

/* 0: go on with the one at *PLACE; negative: not now. */
static int send_one(struct reporting *r, uint32_t *place)
{
	const struct report *e = reports_at(&r->reports, *place);
	char error[SOURCE_ERROR_SIZE];
	int rc = source_report(&r->sync->source, r->sync->local, e->id, error);

	if (rc == 0) {
		log_notice("lockout: reported uid=%u id=%s", e->uid, e->id);
		r->sync->told = true;
		reports_mark_sent(&r->reports, (*place)++);
		save(r);
		return 0;
	}
	if (rc == -ENOENT && !is_bound(r, e)) {
		log_notice("lockout: dropped uid=%u id=%s: the directory has no such user any more", e->uid, e->id);
		reports_drop(&r->reports, *place);
		return 0;
	}
	r->sync->state.alarms++;
	log_error("lockout: unreported uid=%u id=%s: the directory cannot be told to lock: %s", e->uid, e->id, error);
	if (!concerns_one(rc))
		return rc;
	reports_postpone(&r->reports, *place);
	return 0;
}

static void send_all(struct reporting *r)
{
	int64_t deadline = wire_now_ms() + SEND_MS;
	int rc = 0, sent = 0;

	for (uint32_t i = 0, left = reports_count(&r->reports); rc == 0 && left > 0; left--) {
		struct report *e = reports_at(&r->reports, i);

		if (!e->sent && is_known(r, e))
			reports_mark_sent(&r->reports, i);
		if (e->sent)
			i++;
		else if (sent++ == SEND_MAX || wire_now_ms() >= deadline)
			break;
		else
			rc = send_one(r, &i);
	}
}

void sync_report_locks(struct sync *s)
{
	CLEANUP(reporting_done) struct reporting r = {.sync = s};
	int rc;

	if (!s->conf->lockout_report)
		return;
	rc = load_policy(&r);
	if (rc < 0)
		return; /* nothing is published: nobody is locked */
	rc = reports_load(s->conf->state_dir, &r.reports);
	if (rc < 0)
		alarm_errno(&r, "locks that waited to be reported are lost", rc);
	find_locks(&r);
	rc = reports_update(&r.reports, (const struct report *)(const void *)r.locks.data,
			    (uint32_t)(r.locks.len / sizeof(struct report)), s->clock.boot_id);
	if (rc < 0)
		alarm_errno(&r, "not all locks will be reported", rc);
	save(&r);
	if (s->online)
		send_all(&r);
	save(&r);
}
