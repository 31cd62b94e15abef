/*
 * F11: stored bytes are not trusted. What unpacks is safe to walk, and packs to bytes that unpack
 * and pack to the same again.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "common/record.h"

/* Every string and list ends inside the data: AddressSanitizer sees it when not. */
static size_t walk_list(const struct strlist *l)
{
	size_t n = 0;

	REQUIRE(strlist_valid(l));
	for (const char *s = NULL; (s = strlist_next(l, s));)
		n += strlen(s);
	return n;
}

static void check_account(const struct account *a)
{
	const char *strings[] = {a->id,    a->name,  a->gecos,         a->home,
				 a->shell, a->email, a->password_hash, a->totp_secret};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		REQUIRE(strlen(strings[i]) < ACCOUNT_RECORD_MAX);
	REQUIRE(a->state <= USER_SUSPENDED && a->n_scheduled <= ACCOUNT_SCHEDULED_MAX);
	REQUIRE(a->ssh_keys.count <= ACCOUNT_KEYS_MAX &&
		walk_list(&a->ssh_keys) < ACCOUNT_RECORD_MAX);
}

static void check_rules(const struct policy *p)
{
	REQUIRE(p->access.n <= ACCESS_RULES_MAX && p->zone.n <= ACCESS_SHIFTS_MAX);
	for (uint32_t i = 0; i < p->access.n; i++) {
		const struct access_rule *r = &p->access.rule[i];

		REQUIRE(strlen(r->name) < ACCOUNT_RECORD_MAX && walk_list(&r->services) < ACCOUNT_RECORD_MAX);
		REQUIRE(r->n_spans <= ACCESS_SPANS_MAX);
	}
	REQUIRE(access_minute(&p->zone, 0) < ACCESS_WEEK);
}

/* Unpack, look, pack. 0, or what unpacking said. */
static int repack(enum record_kind kind, const void *data, size_t size, struct buf *out)
{
	union {
		struct account account;
		struct dir_group group;
		struct membership membership;
		struct lockout_policy lockout;
		struct policy policy;
		struct reject reject;
		struct sync_status status;
		struct clock_mark mark;
		struct session_status sessions;
		struct saved_verifier verifier;
	} u;
	int r = -EBADMSG;

	switch (kind) {
	case RECORD_ACCOUNT:
		r = record_account_unpack(data, size, &u.account);
		if (r == 0) {
			check_account(&u.account);
			r = record_account_pack(&u.account, out);
		}
		break;
	case RECORD_GROUP:
		r = record_group_unpack(data, size, &u.group);
		if (r == 0)
			r = record_group_pack(&u.group, out);
		break;
	case RECORD_MEMBERSHIP:
	case RECORD_REMOVED:
	case RECORD_KEPT:
		r = record_membership_unpack(data, size, &u.membership);
		if (r == 0) {
			walk_list(&u.membership.user_ids);
			r = record_membership_pack(kind, &u.membership, out);
		}
		break;
	case RECORD_LOCKOUT:
		r = record_lockout_unpack(data, size, &u.lockout);
		if (r == 0)
			r = record_lockout_pack(&u.lockout, out);
		break;
	case RECORD_POLICY:
		r = record_policy_unpack(data, size, &u.policy);
		if (r == 0) {
			walk_list(&u.policy.reason_services);
			walk_list(&u.policy.totp_services);
			walk_list(&u.policy.totp_except);
			check_rules(&u.policy);
			r = record_policy_pack(&u.policy, out);
		}
		break;
	case RECORD_REJECT:
		r = record_reject_unpack(data, size, &u.reject);
		if (r == 0)
			r = record_reject_pack(&u.reject, out);
		break;
	case RECORD_SESSIONS:
		r = record_sessions_unpack(data, size, &u.sessions);
		if (r == 0)
			r = record_sessions_pack(&u.sessions, out);
		break;
	case RECORD_STATUS:
		r = record_status_unpack(data, size, &u.status);
		if (r == 0)
			r = record_status_pack(&u.status, out);
		break;
	case RECORD_CLOCK:
		r = record_clock_unpack(data, size, &u.mark);
		if (r == 0)
			r = record_clock_pack(&u.mark, out);
		break;
	case RECORD_VERIFIER:
		r = record_verifier_unpack(data, size, &u.verifier);
		if (r == 0)
			r = record_verifier_pack(&u.verifier, out);
		break;
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_done) struct buf once = {0};
	CLEANUP(buf_done) struct buf twice = {0};
	int kind = record_kind(data, size);

	if (kind < 0)
		return 0;
	int r = repack((enum record_kind)kind, data, size, &once);
	REQUIRE(r == 0 || r == -EBADMSG);
	if (r < 0)
		return 0;
	REQUIRE(once.len <= size); /* unknown fields go, nothing comes */
	REQUIRE(repack((enum record_kind)kind, once.data, once.len, &twice) == 0);
	REQUIRE(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
	return 0;
}
