/*
 * The published snapshots as musterctl shows them: opened with words for every failure, and what
 * status, users and explain need of them unpacked. Root sees pam.snapshot; others only nss.snapshot.
 */
#ifndef CTL_VIEW_H
#define CTL_VIEW_H

#include "common/account.h"
#include "common/record.h"
#include "common/snapshot_reader.h"
#include "ctl/message.h"

struct view {
	struct snapshot *nss; /* or NULL: why is in nss_error */
	struct snapshot *pam; /* or NULL: why is in pam_error; -EPERM and -EACCES: not root */
	int nss_error, pam_error;
	/* From pam.snapshot, when there is one. */
	struct policy policy;
	struct sync_status status;
	int64_t now;         /* trusted time; the wall clock without pam.snapshot */
	int64_t boottime_ms; /* the tally's clock at the same moment */
	/*
	 * How the last attempt to sync went, which may have published nothing: sync.status, which all may read; else
	 * the status that was published; NULL when there is neither. Filled after a failure of view_open(), too.
	 */
	const struct sync_status *sync;
	struct sync_status last;
	struct buf policy_buf, status_buf, last_buf;
};

#define AUTO_VIEW CLEANUP(view_done)

/*
 * Open what can be opened. 0 when there is at least nss.snapshot or pam.snapshot; else -errno and F says
 * what to do. A damaged pam.snapshot is an error for root, never silently the smaller view.
 */
int view_open(struct view *v, struct fault *f) MUST_CHECK;
void view_done(struct view *v);
/* The words for -errno R of a snapshot called NAME; returns R. */
int snapshot_fault(struct fault *f, int r, const char *name);
/* True when states cannot be shown because the caller is not root. */
bool view_limited(const struct view *v);
/* The header of pam.snapshot, else of nss.snapshot. */
const struct snapshot_info *view_info(const struct view *v);
/* Seconds since the directory last confirmed the data; never negative. */
int64_t view_age_s(const struct view *v);
/* Account NAME of pam.snapshot, its strings in BUF. -ESRCH, -EBADMSG, … */
int view_account(struct view *v, const char *name, struct buf *buf, struct account *ret) MUST_CHECK;
/* The reject record of a user called NAME; -ESRCH when there is none. */
int view_reject(struct view *v, const char *name, struct buf *buf, struct reject *ret) MUST_CHECK;

/*
 * Is NAME in /etc/passwd itself, and was not taken over ('musterctl adopt')? True as well when that cannot be known: it is then none
 * of ours.
 */
bool view_name_is_local(const char *name);

/*
 * Calls FN for each group in NSS, by gid, and then for the local ones (LOCAL) that users of the directory are in. G is good during
 * the call only. 0; what FN returned, when negative; -errno.
 */
typedef int view_group_fn(void *context, const struct snapshot_group *g, bool local);
int view_each_group(struct snapshot *nss, view_group_fn *fn, void *context) MUST_CHECK;

#endif
