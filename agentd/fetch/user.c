#include "agentd/fetch/user.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/names.h"
#include "common/sshkey.h"
#include "common/verifier.h"

#define HASH_MAX 512
#define TOTP_MIN 16
#define TOTP_MAX 128
#define BASE32	 "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

/* A field of the same type here and there. */
struct plain_field {
	struct json_field field;
	size_t offset;
};
#define PLAIN(key, member) { { key, key }, offsetof(struct account, member) }

static const struct plain_field bool_fields[] = {
	PLAIN("suspended", suspended),
	PLAIN("account_locked", account_locked),
	PLAIN("password_expired", password_expired),
	PLAIN("password_never_expires", password_never_expires),
	PLAIN("sudo", sudo),
	PLAIN("passwordless_sudo", sudo_nopasswd),
	PLAIN("allow_public_key", allow_public_key),
	PLAIN("totp_enabled", totp_enabled),
	PLAIN("disableDeviceMaxLoginAttempts", disable_lockout),
	/* Of JumpCloud's API it speaks of the portal alone, where other factors do as well; a document has no portal. */
	PLAIN("enable_user_portal_multifactor", mfa_required),
};
#define BOOL_FIELDS_API (ARRAY_SIZE(bool_fields) - 1) /* the first of them; the others are a document's */

static const struct plain_field time_fields[] = {
	PLAIN("created", created_at),
	PLAIN("account_locked_date", account_locked_at),
	PLAIN("password_date", password_changed_at),
	PLAIN("password_expiration_date", password_expires_at),
};

/* Texts with a rule of their own. */
static const struct {
	struct plain_field plain;
	bool (*valid)(const char *s);
} text_fields[] = {
	{ PLAIN("email", email), NULL },
	{ PLAIN("home", home), home_valid },
	{ PLAIN("shell", shell), shell_valid },
};
#define TEXT_FIELDS_API 1 /* the first of them; the others are a document's */

static void *member(struct account *a, size_t offset)
{
	return (char *)a + offset;
}

void user_reader_done(struct user_reader *u)
{
	buf_done(&u->keys);
}

int object_id_read(const struct json_node *n, const char **ret)
{
	const char *id = NULL, *_id = NULL;

	if (json_get_text(n, JSON_FIELD("id", "id"), USER_TEXT_MAX, &id) < 0 ||
	    json_get_text(n, JSON_FIELD("_id", "id"), USER_TEXT_MAX, &_id) < 0)
		return -EINVAL;
	if (!id && !_id)
		return json_bad(n, JSON_FIELD("id", "id"), "_missing", "there is none");
	if ((id && _id && strcmp(id, _id) != 0) || !object_id_valid(id ? id : _id))
		return json_bad(n, JSON_FIELD("id", "id"), "_invalid",
				"not 1 to 64 of A-Z a-z 0-9 . _ -, or id and _id differ");
	*ret = id ? id : _id;
	return 1;
}

/* The local name is systemUsername when that is set. */
static int read_name(const struct json_node *n, struct account *a)
{
	struct json_field f = { "username", "name" }, f_system = { "systemUsername", "name" };
	const char *local = "";
	int r = json_get_text(n, f, USER_TEXT_MAX, &a->name);

	if (r == 0)
		return json_bad(n, f, "_missing", "there is none");
	if (r < 0 || json_get_text(n, f_system, USER_TEXT_MAX, &local) < 0)
		return -EINVAL;
	if (*local) {
		if (strcmp(local, a->name) != 0)
			a->username = a->name;
		a->name = local;
		f = f_system;
	}
	if (!name_valid(a->name))
		return json_bad(n, f, "_invalid", "no name for a local user");
	if (name_reserved(a->name))
		return json_bad(n, f, "_reserved", "a name of the system");
	return 0;
}

static int read_id(const struct json_node *n, struct json_field f, uint32_t *ret)
{
	int r = json_get_u32(n, f, ID_FLOOR, ID_TOP, ret);

	if (r > 0 && !id_floor_ok(*ret))
		return json_bad(n, f, "_range", "%u is not for users", *ret);
	return r;
}

/* Many a display name has what gecos would take for a separator or the login name: "Doe, J & K". */
static int read_gecos(struct user_reader *u, const struct json_node *n, struct account *a)
{
	struct json_field f = { "displayname", "gecos" };
	const char *s = "";
	char *out = u->gecos;

	if (json_get_text(n, f, USER_TEXT_MAX, &s) < 0)
		return -EINVAL;
	for (; *s; s++) {
		if (*s == ',' && s[1] == ' ')
			continue;
		*out++ = *s == ',' ? ' ' : *s == '&' ? '+' : *s;
	}
	*out = '\0';
	a->gecos = u->gecos;
	if (!gecos_valid(u->gecos))
		return json_bad(n, f, "_invalid", "':' or control characters in it");
	return 0;
}

static int read_plain(const struct json_node *n, bool api, struct account *a)
{
	size_t n_bools = api ? BOOL_FIELDS_API : ARRAY_SIZE(bool_fields);
	size_t n_texts = api ? TEXT_FIELDS_API : ARRAY_SIZE(text_fields);

	for (size_t i = 0; i < n_bools; i++)
		if (json_get_bool(n, bool_fields[i].field, member(a, bool_fields[i].offset)) < 0)
			return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(time_fields); i++)
		if (json_get_time(n, time_fields[i].field, member(a, time_fields[i].offset)) < 0)
			return -EINVAL;
	for (size_t i = 0; i < n_texts; i++) {
		const struct plain_field *f = &text_fields[i].plain;
		const char **s = member(a, f->offset);

		if (json_get_text(n, f->field, USER_TEXT_MAX, s) < 0)
			return -EINVAL;
		if (**s && text_fields[i].valid && !text_fields[i].valid(*s))
			return json_bad(n, f->field, "_invalid", "not one that is taken");
	}
	return 0;
}

/* The API always has one of both: a reply that has neither does not say whether he may log in. */
static enum user_state state_by_flag(const struct user_reader *u, const struct json_node *n, const struct account *a)
{
	if (u->api && !json_present(n, "suspended"))
		return USER_STATE_NONE;
	return a->suspended ? USER_SUSPENDED : USER_ACTIVATED;
}

static int read_state(const struct user_reader *u, const struct json_node *n, struct account *a)
{
	const char *name;
	int r = json_get_text(n, JSON_FIELD("state", "state"), USER_TEXT_MAX, &name);

	if (r < 0)
		return r;
	if (r == 0)
		a->state = state_by_flag(u, n, a);
	else if (user_state_parse(name, &a->state) < 0)
		a->state = USER_STATE_NONE;
	return 0;
}

static int read_mfa(const struct json_node *n, struct account *a)
{
	struct json_node mfa;
	int r = json_get_object(n, JSON_FIELD("mfa", "mfa"), &mfa);

	if (r <= 0)
		return r;
	if (json_get_bool(&mfa, JSON_FIELD("configured", "mfa"), &a->mfa_configured) <
		    0 ||
	    json_get_bool(&mfa, JSON_FIELD("exclusion", "mfa"), &a->mfa_exclusion) < 0 ||
	    json_get_time(&mfa, JSON_FIELD("exclusionUntil", "mfa"),
			  &a->mfa_exclusion_until) < 0)
		return -EINVAL;
	return 0;
}

/* In order of date; on equal dates activations first, so that a suspension is applied last. */
void account_schedule(struct account *a, struct scheduled_change change)
{
	uint32_t i = a->n_scheduled++;

	for (; i > 0; i--) {
		const struct scheduled_change *before = &a->scheduled[i - 1];

		if (before->at < change.at ||
		    (before->at == change.at && before->state <= change.state))
			break;
		a->scheduled[i] = *before;
	}
	a->scheduled[i] = change;
}

static int read_scheduled(const struct json_node *n, struct account *a)
{
	struct json_field f = { "scheduled", "scheduled" };
	struct json_node list;
	int r = json_get_array(n, f, &list);

	if (r <= 0)
		return r;
	if (json_array_len(&list) > ACCOUNT_SCHEDULED_MAX)
		return json_bad(n, f, "_many", "more than %d", ACCOUNT_SCHEDULED_MAX);
	for (size_t i = 0; i < json_array_len(&list); i++) {
		struct json_node item = json_array_item(&list, i);
		struct scheduled_change change = { 0 };
		const char *state;

		if (!json_is_object(&item))
			return json_bad(n, f, "_type", "item %zu is not an object", i + 1);
		if (json_get_text(&item, JSON_FIELD("state", f.word), USER_TEXT_MAX,
				  &state) <= 0 ||
		    json_get_time(&item, JSON_FIELD("scheduledDate", f.word),
				  &change.at) <= 0 ||
		    user_state_parse(state, &change.state) < 0 || change.state == USER_STAGED)
			return json_bad(n, f, "_invalid",
					"item %zu: ACTIVATED or SUSPENDED, and a date", i + 1);
		account_schedule(a, change);
	}
	return 0;
}

static int drop(struct user_reader *u, const struct account *a, const char *kind,
		const char *reason, const char *detail)
{
	const struct reject reject = {
		.kind = kind, .id = a->id, .name = a->name, .reason = reason, .detail = detail
	};

	return u->drop(u->context, &reject);
}

static bool has_key(const struct user_reader *u, const struct account *a, const char *key)
{
	const struct strlist keys = { (const char *)u->keys.data, (uint32_t)u->keys.len, a->ssh_keys.count };

	return strlist_has(&keys, key);
}

/* One of ssh_keys: {"name", "public_key"}. Pasted keys come with a newline at their end. */
static int read_key(struct user_reader *u, const struct json_node *item, struct account *a)
{
	char key[ACCOUNT_KEY_SIZE_MAX];
	struct json_fault fault = { .reason = "" };
	struct json_node n = { item->object, &fault };
	const char *line;
	size_t len;
	int r;

	if (!json_is_object(item))
		return drop(u, a, "key", "key_type", "not an object");
	r = json_get_raw(&n, JSON_FIELD("public_key", "key"), sizeof(key), &line);
	if (r <= 0)
		return drop(u, a, "key", r ? fault.reason : "key_missing",
			    r ? fault.detail : "no public_key");
	len = strlen(line);
	while (len > 0 && strchr(" \r\n", line[len - 1]))
		len--;
	r = sshkey_normalise(line, len, key, sizeof(key));
	if (r == -EKEYREJECTED)
		return drop(u, a, "key", "key_weak", "a type or size that is not accepted");
	if (r < 0)
		return drop(u, a, "key", "key_invalid", "not one public key, or options before it");
	if (has_key(u, a, key))
		return 0;
	if (a->ssh_keys.count == ACCOUNT_KEYS_MAX || u->keys.len + strlen(key) >= USER_KEYS_LEN_MAX)
		return drop(u, a, "key", "key_many", "more keys than are taken");
	r = buf_add(&u->keys, key, strlen(key) + 1);
	if (r == 0)
		a->ssh_keys.count++;
	return r;
}

static int read_keys(struct user_reader *u, const struct json_node *n, struct account *a)
{
	struct json_node list;
	int r = json_get_array(n, JSON_FIELD("ssh_keys", "ssh_keys"), &list);

	u->keys.len = 0;
	for (size_t i = 0; r > 0 && i < json_array_len(&list); i++) {
		struct json_node item = json_array_item(&list, i);

		r = read_key(u, &item, a);
		if (r < 0)
			return r;
		r = 1;
	}
	if (r >= 0 && u->api && json_present(n, "public_key"))
		r = read_key(u, n, a);
	a->ssh_keys.data = (const char *)u->keys.data;
	a->ssh_keys.len = (uint32_t)u->keys.len;
	return r;
}

/* A hash that nobody would compute with: the user stays, but no password will do. */
static int read_hash(struct user_reader *u, const struct json_node *n, struct account *a)
{
	const char *hash = "";
	int r = u->api ? 0 : json_get_text(n, JSON_FIELD("password_hash", "password_hash"), HASH_MAX, &hash);

	if (r < 0)
		return r;
	a->activated = *hash != '\0' || u->passwords_elsewhere;
	if (json_get_bool(n, JSON_FIELD("activated", "activated"), &a->activated) < 0)
		return -EINVAL;
	if (!*hash)
		return 0;
	r = verifier_check(hash);
	if (r == 0)
		a->password_hash = hash;
	else if (r == -E2BIG)
		return drop(u, a, "password", "hash_cost",
			    "password_hash: it costs too much to compute");
	else
		return drop(u, a, "password", "hash_invalid",
			    "password_hash: none of $y$, $2b$, $6$, $5$");
	return 0;
}

/* Without its secret a second factor would be no factor: the user is left out. */
static int read_totp(const struct json_node *n, struct account *a)
{
	struct json_field f = { "totp_secret", "totp_secret" };
	size_t len;
	int r = json_get_text(n, f, TOTP_MAX, &a->totp_secret);

	if (r <= 0 || !*a->totp_secret)
		return r;
	len = strspn(a->totp_secret, BASE32);
	if (len < TOTP_MIN || a->totp_secret[len + strspn(a->totp_secret + len, "=")])
		return json_bad(n, f, "_invalid", "not base32 of at least %d characters", TOTP_MIN);
	return 0;
}

int user_read(struct user_reader *u, const struct json_node *n, struct account *ret)
{
	int r;

	*ret = (struct account){
		.id = "",
		.name = "",
		.username = "",
		.gecos = "",
		.home = "",
		.shell = "",
		.email = "",
		.password_hash = "",
		.totp_secret = "",
		.bound = true,
		.allow_public_key = true,
	};
	if (!json_is_object(n))
		return json_bad(n, JSON_FIELD("user", "user"), "_type", "not an object");
	if (object_id_read(n, &ret->id) < 0 || read_name(n, ret) < 0 ||
	    read_id(n, JSON_FIELD("unix_uid", "uid"), &ret->uid) < 0 ||
	    read_id(n, JSON_FIELD("unix_guid", "gid"), &ret->gid) < 0 ||
	    read_gecos(u, n, ret) < 0 ||
	    read_plain(n, u->api, ret) < 0 ||
	    read_state(u, n, ret) < 0 || read_mfa(n, ret) < 0)
		return -EINVAL;
	if (!u->api && (read_scheduled(n, ret) < 0 || read_totp(n, ret) < 0))
		return -EINVAL;
	ret->sudo_nopasswd = ret->sudo_nopasswd && ret->sudo;
	r = read_keys(u, n, ret);
	if (r >= 0)
		r = read_hash(u, n, ret);
	return r < 0 ? r : 0;
}
