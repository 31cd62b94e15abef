/*
 * Stored bytes <-> structs: the values in cache.mdb, the RECORD frames of muster-fetch, the
 * accounts in pam.snapshot. One encoding: u8 kind, u8 version, u16 number of fields, then the
 * fields {u16 tag, u32 length, bytes} in ascending order of tag, little-endian, strings with their
 * NUL. A zero or empty member is not stored. Unknown tags are skipped, so that versions can meet; a
 * missing field is its zero, "" for strings.
 * Unpacking checks every length, count and terminator, and that a record ends where its last field
 * does; a state that is not understood becomes USER_STATE_NONE; it never trusts its input (F11).
 * What strings say is not checked here.
 * Packing appends to OUT, which is as before after a failure; NULL strings count as "". Pointers in
 * what is unpacked lead into DATA; *ret is touched on success alone.
 * All return 0, -ENOMEM, -E2BIG (over ACCOUNT_RECORD_MAX, or an array over its maximum), -EINVAL (a
 * strlist that is none), -EBADMSG (unpack).
 */
#ifndef COMMON_RECORD_H
#define COMMON_RECORD_H

#include "common/account.h"
#include "common/clock.h"
#include "common/saved_verifier.h"

enum record_kind {
	RECORD_ACCOUNT = 'A',
	RECORD_GROUP = 'G',
	RECORD_MEMBERSHIP = 'M',
	RECORD_LOCKOUT = 'L', /* the directory's lockout policy */
	RECORD_POLICY = 'P',  /* what pam.snapshot tells the modules */
	RECORD_REJECT = 'R',
	RECORD_REMOVED = 'X', /* membership with no group: ids explicitly removed */
	RECORD_KEPT = 'K',    /* the same: ids of users who are there, but could not be read */
	RECORD_STATUS = 'S',
	RECORD_CLOCK = 'C', /* the mark: common/clock_file.h */
	RECORD_SESSIONS = 'E', /* of sessions that were ended */
	RECORD_VERIFIER = 'V', /* common/saved_verifier.h */
};

/*
 * What is told of the last sync: in pam.snapshot as it was when published, in sync.status of each
 * attempt.
 */
struct sync_status {
	const char *directory_url;
	const char *driver;
	const char *last_error; /* or "" */
	int64_t last_sync_at;	/* last good one */
	int64_t last_attempt_at;
	uint64_t serial;
	uint32_t accounts, groups, rejected;
	struct clock_mark mark; /* pam.snapshot alone */
	/* sync.status alone */
	bool online;		/* the directory answered the last attempt */
	uint32_t retry_after_s; /* as the directory asked; 0: it did not */
	uint64_t generation;	/* published last */
	/* when something falls due without the directory; INT64_MAX: nothing does */
	int64_t next_change_at;
	uint32_t n_new, n_changed, n_gone, n_worse; /* accounts, by the last attempt */
	uint32_t held;		/* accounts that are missing and stay (agentd/guard.h) … */
	int64_t held_until;	/* … and when the first of them may go; 0: none */
	struct strlist errors;	/* all that the last attempt met; last_error is the last of them */
	/* the last sync that took something away from users, since the boot; generation 0: none did */
	uint64_t revocation;	/* its generation */
	uint32_t revocation_users;
	int64_t revocation_at;	/* when it began, in seconds since 1970, … */
	int64_t revocation_begun_ms, revocation_published_ms; /* … and by CLOCK_BOOTTIME */
};

/* What has become of the sessions of refused users, since the boot: in sessions.status (agentd/sessions.h). */
struct session_status {
	uint64_t revocation; /* the last one (see above) after which no session was left */
	int64_t done_ms;     /* when that was, by CLOCK_BOOTTIME */
	int64_t ended_at;    /* when sessions were ended last, in seconds since 1970; 0: never */
	uint32_t users, processes; /* how many that were */
	uint32_t left;	     /* processes that would not end */
};

int record_kind(const void *data, size_t len); /* enum record_kind or -EBADMSG */

int record_account_pack(const struct account *a, struct buf *out) MUST_CHECK;
int record_account_unpack(const void *data, size_t len, struct account *ret) MUST_CHECK;
/* Only whose it is; of what else it says nothing is looked at but where it begins and ends. */
int record_account_id(const void *data, size_t len, const char **ret) MUST_CHECK;
int record_group_pack(const struct dir_group *g, struct buf *out) MUST_CHECK;
int record_group_unpack(const void *data, size_t len, struct dir_group *ret) MUST_CHECK;
int record_membership_pack(enum record_kind kind, const struct membership *m,
			   struct buf *out) MUST_CHECK;
int record_membership_unpack(const void *data, size_t len, struct membership *ret) MUST_CHECK;
int record_lockout_pack(const struct lockout_policy *p, struct buf *out) MUST_CHECK;
int record_lockout_unpack(const void *data, size_t len, struct lockout_policy *ret) MUST_CHECK;
int record_policy_pack(const struct policy *p, struct buf *out) MUST_CHECK;
int record_policy_unpack(const void *data, size_t len, struct policy *ret) MUST_CHECK;
int record_reject_pack(const struct reject *r, struct buf *out) MUST_CHECK;
int record_reject_unpack(const void *data, size_t len, struct reject *ret) MUST_CHECK;
int record_status_pack(const struct sync_status *s, struct buf *out) MUST_CHECK;
int record_status_unpack(const void *data, size_t len, struct sync_status *ret) MUST_CHECK;
int record_clock_pack(const struct clock_mark *m, struct buf *out) MUST_CHECK;
int record_clock_unpack(const void *data, size_t len, struct clock_mark *ret) MUST_CHECK;
int record_sessions_pack(const struct session_status *s, struct buf *out) MUST_CHECK;
int record_sessions_unpack(const void *data, size_t len, struct session_status *ret) MUST_CHECK;
int record_verifier_pack(const struct saved_verifier *v, struct buf *out) MUST_CHECK;
int record_verifier_unpack(const void *data, size_t len, struct saved_verifier *ret) MUST_CHECK;

#endif
