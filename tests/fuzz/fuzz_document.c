/*
 * F2: whatever a document says, what comes of it passes the rules (D1, D4, D5), and is the same however the bytes come.
 * Input: a byte of options, a byte for how the document is cut, the document.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agentd/fetch/document.h"
#include "common/names.h"
#include "common/record.h"
#include "common/sshkey.h"
#include "common/verifier.h"

struct seen {
	struct buf records; /* all that was said, in order */
	struct buf users, groups;
	struct strlist user_list, group_list;
};

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
		REQUIRE(strlist_has(&seen->user_list, id));
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

/* What json-c's strict mode refuses must not have passed our scanner. */
static void require_json(const char *text, size_t len)
{
	struct json_tokener *t = json_tokener_new_ex(64);

	json_tokener_set_flags(t, JSON_TOKENER_STRICT);
	json_object_put(json_tokener_parse_ex(t, text, (int)len));
	REQUIRE(json_tokener_get_error(t) == json_tokener_success);
	json_tokener_free(t);
}

static struct document_options options_of(uint8_t flags)
{
	return (struct document_options){
		.secrets = flags & 1,
		.everywhere = flags & 2,
		.hostname = flags & 4 ? "host" : "",
		.system_id = flags & 8 ? "5cdc" : "",
	};
}

static int read_pieces(const struct document_options *o, const struct document_sink *sink, int fd, const char *text,
		       size_t len, uint8_t cut, struct document_result *result)
{
	CLEANUP(document_freep) struct document *d = NULL;
	int r = document_new(o, sink, result, &d);

	for (size_t done = 0, n; r == 0 && done < len; done += n) {
		n = 1 + (cut * (done + 1)) % 61;
		n = n > len - done ? len - done : n;
		r = document_feed(d, text + done, n);
	}
	return r < 0 ? r : document_parts(d, fd);
}

static void seen_done(struct seen *s)
{
	buf_done(&s->records);
	buf_done(&s->users);
	buf_done(&s->groups);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct seen whole = { 0 }, pieces = { 0 };
	struct document_sink sink = { on_account, on_group,   on_membership, on_removed,
				      on_removed, on_lockout, on_reject,     &whole };
	struct document_options options;
	struct document_result result, result_pieces;
	const char *text;
	int r;

	if (size < 2)
		return 0;
	options = options_of(data[0]);
	text = (const char *)data + 2;
	size -= 2;
	if (fd < 0)
		fd = memfd_create("document", MFD_CLOEXEC);
	REQUIRE(ftruncate(fd, 0) == 0 && pwrite(fd, text, size, 0) == (ssize_t)size);
	r = document_read(fd, &options, &sink, &result);
	REQUIRE(r == 0 || r == -EBADMSG || r == -EACCES);
	REQUIRE(r == 0 || result.text[0]);
	sink.context = &pieces;
	REQUIRE(read_pieces(&options, &sink, fd, text, size, data[1], &result_pieces) == r);
	REQUIRE(whole.records.len == pieces.records.len);
	REQUIRE(whole.records.len == 0 || memcmp(whole.records.data, pieces.records.data, whole.records.len) == 0);
	REQUIRE(r == 0 || strcmp(result.text, result_pieces.text) == 0);
	if (r == 0)
		require_json(text, size);
	seen_done(&whole);
	seen_done(&pieces);
	return 0;
}
