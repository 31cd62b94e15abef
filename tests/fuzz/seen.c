#include "tests/fuzz/seen.h"

#include <string.h>

#include "common/names.h"
#include "common/record.h"
#include "common/sshkey.h"
#include "common/verifier.h"
#include "tests/fuzz/fuzz.h"

static void keep(struct buf *b, struct strlist *l, const char *id)
{
	REQUIRE(object_id_valid(id));
	REQUIRE(!strlist_has(l, id));
	REQUIRE(buf_add(b, id, strlen(id) + 1) == 0);
	l->data = (const char *)b->data;
	l->len = (uint32_t)b->len;
	l->count++;
}

static void require_keys(const struct strlist *keys)
{
	char again[ACCOUNT_KEY_SIZE_MAX];

	REQUIRE(strlist_valid(keys) && keys->count <= ACCOUNT_KEYS_MAX);
	for (const char *key = NULL; (key = strlist_next(keys, key));) {
		REQUIRE(sshkey_normalise(key, strlen(key), again, sizeof(again)) == 0);
		REQUIRE(strcmp(key, again) == 0);
	}
}

static void require_scheduled(const struct account *a)
{
	REQUIRE(a->n_scheduled <= ACCOUNT_SCHEDULED_MAX);
	for (uint32_t i = 0; i < a->n_scheduled; i++) {
		const struct scheduled_change *s = &a->scheduled[i];

		REQUIRE(s->state == USER_ACTIVATED || s->state == USER_SUSPENDED);
		REQUIRE(i == 0 || s[-1].at < s->at || (s[-1].at == s->at && s[-1].state <= s->state));
	}
}

static int on_account(void *context, const struct account *a)
{
	struct seen *seen = context;

	keep(&seen->users, &seen->user_list, a->id);
	REQUIRE(name_valid(a->name) && !name_reserved(a->name));
	REQUIRE(a->uid == 0 || id_floor_ok(a->uid));
	REQUIRE(a->gid == 0 || id_floor_ok(a->gid));
	REQUIRE(gecos_valid(a->gecos));
	REQUIRE(!*a->home || home_valid(a->home));
	REQUIRE(!*a->shell || shell_valid(a->shell));
	REQUIRE(utf8_valid(a->email, strlen(a->email)) && !strpbrk(a->email, "\n\r\033"));
	REQUIRE(!*a->password_hash || verifier_check(a->password_hash) == 0);
	REQUIRE(!*a->totp_secret || strspn(a->totp_secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") >= 16);
	REQUIRE(a->bound && a->removed_at == 0 && a->state <= USER_SUSPENDED);
	REQUIRE(a->sudo || !a->sudo_nopasswd);
	require_keys(&a->ssh_keys);
	require_scheduled(a);
	REQUIRE(record_account_pack(a, &seen->records) == 0);
	return 0;
}

int seen_packed(void *context, const void *record, size_t len)
{
	struct account a;

	REQUIRE(record_account_unpack(record, len, &a) == 0);
	return on_account(context, &a);
}

static int on_group(void *context, const struct dir_group *g)
{
	struct seen *seen = context;

	keep(&seen->groups, &seen->group_list, g->id);
	REQUIRE(g->n_posix <= GROUP_POSIX_MAX);
	REQUIRE(g->sudo || !g->sudo_nopasswd);
	for (uint32_t i = 0; i < g->n_posix; i++)
		REQUIRE(name_valid(g->posix[i].name) && !name_reserved(g->posix[i].name) &&
			id_floor_ok(g->posix[i].gid));
	REQUIRE(record_group_pack(g, &seen->records) == 0);
	return 0;
}

static int on_membership(void *context, const struct membership *m)
{
	struct seen *seen = context;

	REQUIRE(strlist_has(&seen->group_list, m->group_id));
	REQUIRE(strlist_valid(&m->user_ids) && m->user_ids.count > 0);
	for (const char *id = NULL; (id = strlist_next(&m->user_ids, id));)
		REQUIRE(seen->strangers ? object_id_valid(id) : strlist_has(&seen->user_list, id));
	REQUIRE(record_membership_pack(RECORD_MEMBERSHIP, m, &seen->records) == 0);
	return 0;
}

static int on_removed(void *context, const struct membership *m)
{
	struct seen *seen = context;

	REQUIRE(strlist_valid(&m->user_ids) && m->user_ids.count > 0);
	for (const char *id = NULL; (id = strlist_next(&m->user_ids, id));)
		REQUIRE(object_id_valid(id));
	REQUIRE(record_membership_pack(RECORD_REMOVED, m, &seen->records) == 0);
	return 0;
}

static int on_lockout(void *context, const struct lockout_policy *p)
{
	struct seen *seen = context;

	REQUIRE(record_lockout_pack(p, &seen->records) == 0);
	return 0;
}

static void require_escaped(const char *s)
{
	REQUIRE(utf8_valid(s, strlen(s)));
	for (; *s; s++)
		REQUIRE((unsigned char)*s >= 0x20 && *s != 0x7f);
}

static int on_reject(void *context, const struct reject *r)
{
	struct seen *seen = context;

	require_escaped(r->kind);
	require_escaped(r->id);
	require_escaped(r->name);
	require_escaped(r->reason);
	require_escaped(r->detail);
	REQUIRE(*r->kind && *r->reason);
	REQUIRE(record_reject_pack(r, &seen->records) == 0);
	return 0;
}

struct document_sink seen_sink(struct seen *s)
{
	return (struct document_sink){ on_account, on_group,   on_membership, on_removed,
				       on_removed, on_lockout, on_reject,     s };
}

void seen_done(struct seen *s)
{
	buf_done(&s->records);
	buf_done(&s->users);
	buf_done(&s->groups);
}
