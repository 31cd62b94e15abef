/* One of each record, no member of them zero. */
#ifndef TESTS_UNIT_RECORD_SAMPLES_H
#define TESTS_UNIT_RECORD_SAMPLES_H

#include "common/record.h"

#define RECORD_HEAD 4

static const struct account full = {
	.id = "6026bec6b8207255280d5981",
	.name = "dora",
	.gecos = "Dora Day",
	.home = "/home/dora",
	.shell = "/bin/bash",
	.email = "dora@example.com",
	.uid = 5001,
	.gid = 5002,
	.state = USER_ACTIVATED,
	.bound = true,
	.suspended = true,
	.account_locked = true,
	.activated = true,
	.password_expired = true,
	.password_never_expires = true,
	.sudo = true,
	.sudo_nopasswd = true,
	.allow_public_key = true,
	.totp_enabled = true,
	.mfa_configured = true,
	.mfa_exclusion = true,
	.disable_lockout = true,
	.created_at = 1,
	.account_locked_at = 2,
	.password_changed_at = 3,
	.password_expires_at = INT64_MAX,
	.mfa_exclusion_until = -5,
	.removed_at = 6,
	.scheduled = {{7, USER_SUSPENDED}, {INT64_MIN, USER_ACTIVATED}},
	.n_scheduled = 2,
	.ssh_keys = STRLIST("ssh-ed25519 AAAA\0ssh-rsa BBBB\0", 2),
	.password_hash = "$y$j9T$x$y",
	.totp_secret = "JBSWY3DPEHPK3PXP",
	.username = "d.brandt",
	.has_lease = true,
	.adopted = true,
	.lease_s = 3600,
	.access_allow = 1,
	.access_deny = UINT64_C(1) << 63,
	.mfa_required = true,
};
static const struct dir_group group = {
	.id = "g1",
	.name = "Group One",
	.sudo = true,
	.sudo_nopasswd = true,
	.posix = {{"dev", 5100}, {"ops", 5101}},
	.n_posix = 2,
};
static const struct membership membership = {
	.group_id = "g1",
	.user_ids = STRLIST("u1\0u2\0u3\0", 3),
};
static const struct lockout_policy lockout = {true, true, true, 5, 300, 1800};
static const struct policy policy = {
	.max_attempts = 5,
	.lock_time_s = 300,
	.window_s = 1800,
	.lease_s = 1209600,
	.warn_s = 604800,
	.offline_password_max_age_s = 1209601,
	.recheck_after_ms = 15000,
	.recheck_timeout_ms = 1500,
	.password_ldap = true,
	.portal_url = "https://p",
	.dummy_hash = "$y$j9T$a$b",
	.reason_services = STRLIST("sshd\0login\0", 2),
	.totp_services = STRLIST("all\0", 1),
	.totp_except = STRLIST("sudo\0su\0", 2),
	.totp_wanted = true,
	.access = {.rule = {{.allow = true, .line = 70000, .name = "office", .services = STRLIST("sshd\0login\0", 2),
			     .spans = {{0x1f, 480, 600}, {0x7f, 1439, 10080}}, .n_spans = 2},
			    {.group_unknown = true, .line = 1, .name = "others"}},
		   .n = 2},
	.zone = {.shift = {{INT64_MIN, -12600}, {1700000000, 3600}}, .n = 2},
};
static const struct reject reject = {"user", "u9", "root", "name_reserved", "reserved"};
static const struct sync_status status = {
	.directory_url = "file:///d.json",
	.driver = "document",
	.last_error = "none",
	.last_sync_at = 1700000000,
	.last_attempt_at = 1700000001,
	.serial = UINT64_MAX,
	.accounts = 3,
	.groups = 2,
	.rejected = 1,
	.mark = {"b662de7b-d9f6-473e-87b4-a3e64dab95b4", 123456, 1700000002},
	.online = true,
	.retry_after_s = 120,
	.generation = 17,
	.next_change_at = INT64_MAX,
	.n_new = 4,
	.n_changed = 5,
	.n_gone = 6,
	.n_worse = 7,
	.errors = STRLIST("none\0two\0", 2),
};

static const struct saved_verifier verifier = {
	.id = "6026bec6b8207255280d5981",
	.name = "dora",
	.method = "ldap",
	.hash = "$y$j9T$salt$hash",
	.confirmed_at = 7,
};

#endif
