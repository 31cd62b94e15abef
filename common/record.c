#include "common/record.h"

#include <errno.h>

#include "common/record_codec.h"

/* Tags are for ever: never reuse one, never renumber. */
static const struct field account_fields[] = {
	FIELD(1, STRING, account, id),
	FIELD(2, STRING, account, name),
	FIELD(3, STRING, account, gecos),
	FIELD(4, STRING, account, home),
	FIELD(5, STRING, account, shell),
	FIELD(6, STRING, account, email),
	FIELD(7, U32, account, uid),
	FIELD(8, U32, account, gid),
	FIELD(9, STATE, account, state),
	FIELD(10, BOOL, account, bound),
	FIELD(11, BOOL, account, suspended),
	FIELD(12, BOOL, account, account_locked),
	FIELD(13, BOOL, account, activated),
	FIELD(14, BOOL, account, password_expired),
	FIELD(15, BOOL, account, password_never_expires),
	FIELD(16, BOOL, account, sudo),
	FIELD(17, BOOL, account, sudo_nopasswd),
	FIELD(18, BOOL, account, allow_public_key),
	FIELD(19, BOOL, account, totp_enabled),
	FIELD(20, BOOL, account, mfa_configured),
	FIELD(21, BOOL, account, mfa_exclusion),
	FIELD(22, BOOL, account, disable_lockout),
	FIELD(23, U64, account, created_at),
	FIELD(24, U64, account, account_locked_at),
	FIELD(25, U64, account, password_changed_at),
	FIELD(26, U64, account, password_expires_at),
	FIELD(27, U64, account, mfa_exclusion_until),
	FIELD(28, U64, account, removed_at),
	FIELD(29, SCHEDULED, account, scheduled),
	FIELD(30, STRLIST, account, ssh_keys),
	FIELD(31, STRING, account, password_hash),
	FIELD(32, STRING, account, totp_secret),
	FIELD(33, BOOL, account, has_lease),
	FIELD(34, U64, account, lease_s),
	FIELD(35, STRING, account, username),
	FIELD(36, U64, account, access_allow),
	FIELD(37, U64, account, access_deny),
	FIELD(38, BOOL, account, mfa_required),
	/* 39 was never used */
	FIELD(40, BOOL, account, adopted),
};

static const struct field group_fields[] = {
	FIELD(1, STRING, dir_group, id),   FIELD(2, STRING, dir_group, name),
	FIELD(3, BOOL, dir_group, sudo),   FIELD(4, BOOL, dir_group, sudo_nopasswd),
	FIELD(5, POSIX, dir_group, posix),
};

static const struct field membership_fields[] = {
	FIELD(1, STRING, membership, group_id),
	FIELD(2, STRLIST, membership, user_ids),
};

static const struct field lockout_fields[] = {
	FIELD(1, BOOL, lockout_policy, has_max_attempts),
	FIELD(2, BOOL, lockout_policy, has_lock_time),
	FIELD(3, BOOL, lockout_policy, has_window),
	FIELD(4, U32, lockout_policy, max_attempts),
	FIELD(5, U32, lockout_policy, lock_time_s),
	FIELD(6, U32, lockout_policy, window_s),
};

static const struct field policy_fields[] = {
	FIELD(1, U32, policy, max_attempts),     FIELD(2, U32, policy, lock_time_s),
	FIELD(3, U32, policy, window_s),         FIELD(4, U64, policy, lease_s),
	FIELD(5, U64, policy, warn_s),           FIELD(6, U64, policy, offline_password_max_age_s),
	FIELD(7, U32, policy, recheck_after_ms), FIELD(8, U32, policy, recheck_timeout_ms),
	FIELD(9, BOOL, policy, password_ldap),   FIELD(10, STRING, policy, portal_url),
	FIELD(11, STRING, policy, dummy_hash),   FIELD(12, STRLIST, policy, reason_services),
	FIELD(13, ACCESS, policy, access),       FIELD(14, ZONE, policy, zone),
	FIELD(16, STRLIST, policy, totp_services), /* 15 was never used */
	FIELD(17, STRLIST, policy, totp_except), FIELD(18, BOOL, policy, totp_wanted),
};

static const struct field reject_fields[] = {
	FIELD(1, STRING, reject, kind),   FIELD(2, STRING, reject, id),
	FIELD(3, STRING, reject, name),   FIELD(4, STRING, reject, reason),
	FIELD(5, STRING, reject, detail),
};

static const struct field status_fields[] = {
	FIELD(1, STRING, sync_status, directory_url),
	FIELD(2, STRING, sync_status, driver),
	FIELD(3, STRING, sync_status, last_error),
	FIELD(4, U64, sync_status, last_sync_at),
	FIELD(5, U64, sync_status, last_attempt_at),
	FIELD(6, U64, sync_status, serial),
	FIELD(7, U32, sync_status, accounts),
	FIELD(8, U32, sync_status, groups),
	FIELD(9, U32, sync_status, rejected),
	FIELD(10, CHARS, sync_status, mark.boot_id),
	FIELD(11, U64, sync_status, mark.boottime_ms),
	FIELD(12, U64, sync_status, mark.wall_s),
	FIELD(13, BOOL, sync_status, online),
	FIELD(14, U32, sync_status, retry_after_s),
	FIELD(15, U64, sync_status, generation),
	FIELD(16, U64, sync_status, next_change_at),
	FIELD(17, U32, sync_status, n_new),
	FIELD(18, U32, sync_status, n_changed),
	FIELD(19, U32, sync_status, n_gone),
	FIELD(20, U32, sync_status, n_worse),
	FIELD(21, STRLIST, sync_status, errors),
	FIELD(22, U32, sync_status, held),
	FIELD(23, U64, sync_status, held_until),
	FIELD(24, U64, sync_status, revocation),
	FIELD(25, U32, sync_status, revocation_users),
	FIELD(26, U64, sync_status, revocation_at),
	FIELD(27, U64, sync_status, revocation_begun_ms),
	FIELD(28, U64, sync_status, revocation_published_ms),
};

static const struct field sessions_fields[] = {
	FIELD(1, U64, session_status, revocation), FIELD(2, U64, session_status, done_ms),
	FIELD(3, U64, session_status, ended_at),   FIELD(4, U32, session_status, users),
	FIELD(5, U32, session_status, processes),  FIELD(6, U32, session_status, left),
};

static const struct field clock_fields[] = {
	FIELD(1, CHARS, clock_mark, boot_id),
	FIELD(2, U64, clock_mark, boottime_ms),
	FIELD(3, U64, clock_mark, wall_s),
};

static const struct field verifier_fields[] = {
	FIELD(1, STRING, saved_verifier, id),   FIELD(2, STRING, saved_verifier, name),
	FIELD(3, STRING, saved_verifier, method), FIELD(4, STRING, saved_verifier, hash),
	FIELD(5, U64, saved_verifier, confirmed_at),
};

#define PACK(kind, fields, record, out) record_encode(kind, fields, ARRAY_SIZE(fields), record, out)
/* The result is touched on success alone. */
#define UNPACK(kind, fields, data, len, type, ret)                                             \
	({                                                                                     \
		struct type record_ = {0};                                                     \
		int r_ = record_decode(kind, fields, ARRAY_SIZE(fields), data, len, &record_); \
		if (r_ == 0)                                                                   \
			*(ret) = record_;                                                      \
		r_;                                                                            \
	})

int record_account_pack(const struct account *a, struct buf *out)
{
	if (a->ssh_keys.count > ACCOUNT_KEYS_MAX)
		return -E2BIG;
	return PACK(RECORD_ACCOUNT, account_fields, a, out);
}

int record_account_unpack(const void *data, size_t len, struct account *ret)
{
	struct account a = {0};
	int r = record_decode(RECORD_ACCOUNT, account_fields, ARRAY_SIZE(account_fields), data, len, &a);

	if (r < 0)
		return r;
	if (a.ssh_keys.count > ACCOUNT_KEYS_MAX)
		return -EBADMSG;
	*ret = a;
	return 0;
}

int record_account_id(const void *data, size_t len, const char **ret)
{
	struct account a;
	int r = record_decode(RECORD_ACCOUNT, account_fields, 1, data, len, &a);

	if (r == 0)
		*ret = a.id;
	return r;
}

int record_group_pack(const struct dir_group *g, struct buf *out)
{
	return PACK(RECORD_GROUP, group_fields, g, out);
}

int record_group_unpack(const void *data, size_t len, struct dir_group *ret)
{
	return UNPACK(RECORD_GROUP, group_fields, data, len, dir_group, ret);
}

int record_membership_pack(enum record_kind kind, const struct membership *m, struct buf *out)
{
	return PACK(kind, membership_fields, m, out);
}

int record_membership_unpack(const void *data, size_t len, struct membership *ret)
{
	int kind = record_kind(data, len);

	if (kind != RECORD_MEMBERSHIP && kind != RECORD_REMOVED && kind != RECORD_KEPT)
		return -EBADMSG;
	return UNPACK((enum record_kind)kind, membership_fields, data, len, membership, ret);
}

int record_lockout_pack(const struct lockout_policy *p, struct buf *out)
{
	return PACK(RECORD_LOCKOUT, lockout_fields, p, out);
}

int record_lockout_unpack(const void *data, size_t len, struct lockout_policy *ret)
{
	return UNPACK(RECORD_LOCKOUT, lockout_fields, data, len, lockout_policy, ret);
}

int record_policy_pack(const struct policy *p, struct buf *out)
{
	return PACK(RECORD_POLICY, policy_fields, p, out);
}

int record_policy_unpack(const void *data, size_t len, struct policy *ret)
{
	return UNPACK(RECORD_POLICY, policy_fields, data, len, policy, ret);
}

int record_reject_pack(const struct reject *r, struct buf *out)
{
	return PACK(RECORD_REJECT, reject_fields, r, out);
}

int record_reject_unpack(const void *data, size_t len, struct reject *ret)
{
	return UNPACK(RECORD_REJECT, reject_fields, data, len, reject, ret);
}

int record_status_pack(const struct sync_status *s, struct buf *out)
{
	return PACK(RECORD_STATUS, status_fields, s, out);
}

int record_status_unpack(const void *data, size_t len, struct sync_status *ret)
{
	return UNPACK(RECORD_STATUS, status_fields, data, len, sync_status, ret);
}

int record_clock_pack(const struct clock_mark *m, struct buf *out)
{
	return PACK(RECORD_CLOCK, clock_fields, m, out);
}

int record_clock_unpack(const void *data, size_t len, struct clock_mark *ret)
{
	return UNPACK(RECORD_CLOCK, clock_fields, data, len, clock_mark, ret);
}

int record_sessions_pack(const struct session_status *s, struct buf *out)
{
	return PACK(RECORD_SESSIONS, sessions_fields, s, out);
}

int record_sessions_unpack(const void *data, size_t len, struct session_status *ret)
{
	return UNPACK(RECORD_SESSIONS, sessions_fields, data, len, session_status, ret);
}

int record_verifier_pack(const struct saved_verifier *v, struct buf *out)
{
	return PACK(RECORD_VERIFIER, verifier_fields, v, out);
}

int record_verifier_unpack(const void *data, size_t len, struct saved_verifier *ret)
{
	return UNPACK(RECORD_VERIFIER, verifier_fields, data, len, saved_verifier, ret);
}
