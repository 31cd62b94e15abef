/*
 * What is kept of bound users and their groups. Plain data: pointers lead into the record or
 * document it was read from (common/record.h) and are not owned here.
 * Times are seconds since 1970 UTC; 0 means "never" or "not known".
 */
#ifndef COMMON_ACCOUNT_H
#define COMMON_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/access.h"
#include "common/str.h"

enum user_state {
	USER_STATE_NONE = 0, /* not understood: denies, as STAGED does */
	USER_STAGED,
	USER_ACTIVATED,
	USER_SUSPENDED,
};

const char *user_state_name(enum user_state s); /* "STAGED", …; "NONE" */
int user_state_parse(const char *name, enum user_state *ret); /* exact JumpCloud words; -EINVAL */

#define ACCOUNT_SCHEDULED_MAX 16
#define ACCOUNT_KEYS_MAX      64
#define ACCOUNT_KEY_SIZE_MAX  16384
#define ACCOUNT_RECORD_MAX    61440 /* a packed account fits one frame */

struct scheduled_change {
	int64_t at;
	enum user_state state; /* ACTIVATED or SUSPENDED; anything else ends in USER_STATE_NONE */
};

struct account {
	const char *id;	   /* directory object id: the identity (D2) */
	const char *name;  /* local login name; systemUsername when set, else username */
	const char *username; /* what the directory calls the user, where that is not NAME; else "" */
	const char *gecos; /* displayname */
	const char *home;  /* "" in fetched records: filled from [accounts] home */
	const char *shell; /* "" likewise */
	const char *email;
	/* Fetched: what the directory asks for, 0: nothing. Cached and published: what is given. */
	uint32_t uid, gid;
	enum user_state state;
	bool bound;	     /* false: tombstone */
	bool suspended;
	bool account_locked;
	bool activated;	     /* a password was set once; false = password pending */
	bool password_expired;
	bool password_never_expires;
	bool sudo, sudo_nopasswd;
	bool allow_public_key;
	bool totp_enabled, mfa_configured, mfa_exclusion;
	bool mfa_required;    /* enable_user_portal_multifactor */
	bool disable_lockout; /* disableDeviceMaxLoginAttempts */
	int64_t created_at, account_locked_at;
	int64_t password_changed_at, password_expires_at;
	int64_t mfa_exclusion_until;
	int64_t removed_at; /* when it became a tombstone */
	struct scheduled_change scheduled[ACCOUNT_SCHEDULED_MAX];
	uint32_t n_scheduled;
	struct strlist ssh_keys;   /* "type base64" each: common/sshkey.h made them */
	const char *password_hash; /* crypt(3) string or "" */
	const char *totp_secret;   /* base32 or "" */
	/* Given here, never fetched: takes the place of policy.lease_s. */
	bool has_lease;
	int64_t lease_s; /* 0: none */
	/* Given here, never fetched: which of policy.access fit by user and group, bit by bit; access_deny has a bit for a denial. */
	uint64_t access_allow, access_deny;
	/* Given here, never fetched: a user of /etc/passwd, whose uid and gid these are; NSS does not serve it. */
	bool adopted;
};

/* A POSIX group that a directory group asks for (JumpCloud: attributes.posixGroups). */
struct posix_group {
	const char *name;
	uint32_t gid;
};

#define GROUP_POSIX_MAX 8

/* A directory group; its members come in membership records, since there may be 50,000. */
struct dir_group {
	const char *id;
	const char *name; /* display name: never a local name by itself */
	bool sudo, sudo_nopasswd;
	struct posix_group posix[GROUP_POSIX_MAX];
	uint32_t n_posix;
};

struct membership {
	const char *group_id;
	struct strlist user_ids;
};

/* Why a user or group of the directory is left out (D1-D6). */
struct reject {
	/* "user", "group"; of one that stays: "key", "password", "posix_group", "member", "adopt", …; "local_group", "conf" */
	const char *kind;
	const char *id, *name;
	const char *reason; /* one word: name_invalid, name_reserved, name_local, uid_range, … */
	const char *detail; /* for the administrator; control characters already escaped */
};

/* Lockout policy of the directory; has_* false: the configuration decides. */
struct lockout_policy {
	bool has_max_attempts, has_lock_time, has_window;
	uint32_t max_attempts; /* 0 = never lock */
	uint32_t lock_time_s;  /* 0 = until unlocked */
	uint32_t window_s;
};

/*
 * What the modules must know beside the accounts: from configuration and directory together,
 * published in pam.snapshot, since modules read no configuration.
 */
struct policy {
	uint32_t max_attempts, lock_time_s, window_s;
	int64_t lease_s;	   /* 0 = none */
	int64_t warn_s;
	int64_t offline_password_max_age_s;
	uint32_t recheck_after_ms, recheck_timeout_ms;
	bool password_ldap;	   /* false: hash */
	const char *portal_url;	   /* or "" */
	const char *dummy_hash;	   /* hashed against for unknown names: same method and cost */
	struct strlist reason_services; /* [auth] reason_in_account */
	struct strlist totp_services, totp_except; /* [auth] (common/factor.h) */
	bool totp_wanted; /* the directory wants a second factor of somebody here: then all names are asked for a code */
	struct access_rules access;	/* [access] */
	struct access_zone zone;	/* where one of them has hours */
};

#endif
