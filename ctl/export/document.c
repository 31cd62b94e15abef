#include "ctl/export/document.h"

#include <errno.h>
#include <string.h>

#include "agentd/fetch/document.h"
#include "ctl/directory/tree.h"
#include "ctl/text.h"

/* A document in the making. */
struct making {
	struct json_object *old, *left_out;
	struct json_object *users, *groups; /* arrays */
	struct json_object *members;        /* group id: array of user ids */
	struct json_object *removed;        /* array, NULL: none */
	struct json_object *policy;         /* NULL: none */
	bool failed;                        /* out of memory */
};

/* Takes VALUE over; NULL is out of memory, but for texts and times that are left out when there are none. */
static void put(struct making *m, struct json_object *o, const char *key, struct json_object *value)
{
	if (!value || json_object_object_add(o, key, value) < 0) {
		json_object_put(value);
		m->failed = true;
	}
}

static void put_text(struct making *m, struct json_object *o, const char *key, const char *text)
{
	if (*text)
		put(m, o, key, json_object_new_string(text));
}

static void put_time(struct making *m, struct json_object *o, const char *key, int64_t at)
{
	if (at)
		put(m, o, key, time_to_json(at));
}

static void put_number(struct making *m, struct json_object *o, const char *key, uint32_t number)
{
	if (number)
		put(m, o, key, json_object_new_int64(number));
}

static void put_true(struct making *m, struct json_object *o, const char *key, bool value)
{
	if (value)
		put(m, o, key, json_object_new_boolean(true));
}

static void append(struct making *m, struct json_object *array, struct json_object *item)
{
	if (!item || json_object_array_add(array, item) < 0) {
		json_object_put(item);
		m->failed = true;
	}
}

/* An empty array or object, that of KEY in O. NULL: out of memory. */
static struct json_object *put_new(struct making *m, struct json_object *o, const char *key,
				   struct json_object *value)
{
	put(m, o, key, value);
	return m->failed ? NULL : value;
}

static void put_keys(struct making *m, struct json_object *user, const struct strlist *keys)
{
	struct json_object *list = keys->count ? put_new(m, user, "ssh_keys", json_object_new_array()) : NULL;

	for (const char *key = NULL; list && (key = strlist_next(keys, key));) {
		struct json_object *item = json_object_new_object();

		if (item)
			put_text(m, item, "public_key", key);
		append(m, list, item);
	}
}

static void put_scheduled(struct making *m, struct json_object *user, const struct account *a)
{
	struct json_object *list =
		a->n_scheduled ? put_new(m, user, "scheduled", json_object_new_array()) : NULL;

	for (uint32_t i = 0; list && i < a->n_scheduled; i++) {
		struct json_object *item = json_object_new_object();

		if (item) {
			put_text(m, item, "state", user_state_name(a->scheduled[i].state));
			put_time(m, item, "scheduledDate", a->scheduled[i].at);
		}
		append(m, list, item);
	}
}

static void put_mfa(struct making *m, struct json_object *user, const struct account *a)
{
	struct json_object *mfa;

	if (!a->mfa_configured && !a->mfa_exclusion && !a->mfa_exclusion_until)
		return;
	mfa = put_new(m, user, "mfa", json_object_new_object());
	if (!mfa)
		return;
	put_true(m, mfa, "configured", a->mfa_configured);
	put_true(m, mfa, "exclusion", a->mfa_exclusion);
	put_time(m, mfa, "exclusionUntil", a->mfa_exclusion_until);
}

/*
 * State and activated are always said: what a reader makes of a document without them depends on other
 * fields.
 */
static void put_state(struct making *m, struct json_object *user, const struct account *a)
{
	put_text(m, user, "state", user_state_name(a->state));
	put(m, user, "activated", json_object_new_boolean(a->activated));
	put_true(m, user, "suspended", a->suspended);
	put_true(m, user, "account_locked", a->account_locked);
	put_time(m, user, "account_locked_date", a->account_locked_at);
	put_true(m, user, "password_expired", a->password_expired);
	put_time(m, user, "password_date", a->password_changed_at);
	put_time(m, user, "password_expiration_date", a->password_expires_at);
	put_true(m, user, "password_never_expires", a->password_never_expires);
	put_time(m, user, "created", a->created_at);
}

static void take_account(struct making *m, const struct account *a)
{
	struct json_object *user = json_object_new_object();

	append(m, m->users, user);
	if (m->failed)
		return;
	put_text(m, user, "id", a->id);
	put_text(m, user, "username", *a->username ? a->username : a->name);
	put_text(m, user, "systemUsername", *a->username ? a->name : "");
	put_state(m, user, a);
	put_number(m, user, "unix_uid", a->uid);
	put_number(m, user, "unix_guid", a->gid);
	put_text(m, user, "displayname", a->gecos);
	put_text(m, user, "email", a->email);
	put_text(m, user, "home", a->home);
	put_text(m, user, "shell", a->shell);
	put_true(m, user, "sudo", a->sudo);
	put_true(m, user, "passwordless_sudo", a->sudo_nopasswd);
	put(m, user, "allow_public_key", json_object_new_boolean(a->allow_public_key)); /* absent means yes */
	put_keys(m, user, &a->ssh_keys);
	put_true(m, user, "disableDeviceMaxLoginAttempts", a->disable_lockout);
	put_true(m, user, "totp_enabled", a->totp_enabled);
	put_true(m, user, "enable_user_portal_multifactor", a->mfa_required);
	put_mfa(m, user, a);
	put_scheduled(m, user, a);
	put_text(m, user, "password_hash", a->password_hash);
	put_text(m, user, "totp_secret", a->totp_secret);
}

/* The array of GROUP's members, which may come before the group. */
static struct json_object *members_of(struct making *m, const char *group)
{
	struct json_object *list = json_object_object_get(m->members, group);

	return list ? list : put_new(m, m->members, group, json_object_new_array());
}

static void put_posix(struct making *m, struct json_object *attributes, const struct dir_group *g)
{
	struct json_object *list =
		g->n_posix ? put_new(m, attributes, "posixGroups", json_object_new_array()) : NULL;

	for (uint32_t i = 0; list && i < g->n_posix; i++) {
		struct json_object *item = json_object_new_object();

		if (item) {
			put_number(m, item, "id", g->posix[i].gid);
			put_text(m, item, "name", g->posix[i].name);
		}
		append(m, list, item);
	}
}

static void take_group(struct making *m, const struct dir_group *g)
{
	struct json_object *group = json_object_new_object(), *attributes, *sudo, *members;

	append(m, m->groups, group);
	if (m->failed)
		return;
	put_text(m, group, "id", g->id);
	put_text(m, group, "name", g->name);
	attributes = put_new(m, group, "attributes", json_object_new_object());
	if (attributes)
		put_posix(m, attributes, g);
	sudo = attributes && g->sudo ? put_new(m, attributes, "sudo", json_object_new_object()) : NULL;
	if (sudo) {
		put_true(m, sudo, "enabled", true);
		put_true(m, sudo, "withoutPassword", g->sudo_nopasswd);
	}
	members = members_of(m, g->id);
	if (members)
		put(m, group, "members", json_object_get(members));
}

static void add_ids(struct making *m, struct json_object *list, const struct strlist *ids)
{
	for (const char *id = NULL; list && (id = strlist_next(ids, id));)
		append(m, list, json_object_new_string(id));
}

static void take_lockout(struct making *m, const struct lockout_policy *p)
{
	m->policy = json_object_new_object();
	if (!m->policy) {
		m->failed = true;
		return;
	}
	if (p->has_max_attempts)
		put(m, m->policy, "maxLoginAttempts", json_object_new_int64(p->max_attempts));
	if (p->has_lock_time)
		put(m, m->policy, "lockoutTimeInSeconds", json_object_new_int64(p->lock_time_s));
	if (p->has_window)
		put(m, m->policy, "resetLockoutCounterMinutes", json_object_new_int64(p->window_s / 60));
}

static void leave_out(struct making *m, const struct reject *r)
{
	struct json_object *o = json_object_new_object();

	append(m, m->left_out, o);
	if (m->failed)
		return;
	put(m, o, "kind", text_to_json(r->kind));
	put(m, o, "id", text_to_json(r->id));
	put(m, o, "name", text_to_json(r->name));
	put(m, o, "reason", text_to_json(r->reason));
	put(m, o, "detail", text_to_json(r->detail));
}

/* Who is bound and could not be read is what he was. */
static void take_kept(struct making *m, const struct strlist *ids)
{
	struct json_object *users = m->old ? tree_array(m->old, "users") : NULL;

	for (const char *id = NULL; (id = strlist_next(ids, id));) {
		struct json_object *found = NULL;

		for (size_t i = 0; users && !found && i < json_object_array_length(users); i++) {
			struct json_object *user = json_object_array_get_idx(users, i);

			if (strcmp(tree_text_or_empty(user, "id"), id) == 0)
				found = user;
		}
		if (found)
			append(m, m->users, json_object_get(found));
		else
			leave_out(m, &(struct reject){"user", id, "", "unreadable",
						      "the directory does not show this user"});
	}
}

static void take_removed(struct making *m, const struct strlist *ids)
{
	if (!m->removed)
		m->removed = json_object_new_array();
	if (!m->removed)
		m->failed = true;
	add_ids(m, m->removed, ids);
}

static int take_record(struct making *m, const uint8_t *data, size_t len)
{
	struct account account;
	struct dir_group group;
	struct membership membership;
	struct lockout_policy lockout;
	struct reject reject;
	int kind = record_kind(data, len), r = -EBADMSG;

	switch (kind) {
	case RECORD_ACCOUNT:
		if ((r = record_account_unpack(data, len, &account)) == 0)
			take_account(m, &account);
		break;
	case RECORD_GROUP:
		if ((r = record_group_unpack(data, len, &group)) == 0)
			take_group(m, &group);
		break;
	case RECORD_LOCKOUT:
		if ((r = record_lockout_unpack(data, len, &lockout)) == 0)
			take_lockout(m, &lockout);
		break;
	case RECORD_REJECT:
		if ((r = record_reject_unpack(data, len, &reject)) == 0)
			leave_out(m, &reject);
		break;
	case RECORD_MEMBERSHIP:
		if ((r = record_membership_unpack(data, len, &membership)) == 0)
			add_ids(m, members_of(m, membership.group_id), &membership.user_ids);
		break;
	case RECORD_REMOVED:
		if ((r = record_membership_unpack(data, len, &membership)) == 0)
			take_removed(m, &membership.user_ids);
		break;
	case RECORD_KEPT:
		if ((r = record_membership_unpack(data, len, &membership)) == 0)
			take_kept(m, &membership.user_ids);
		break;
	default:
		break; /* never on this wire: -EBADMSG */
	}
	return m->failed ? -ENOMEM : r;
}

static int compare_ids(const void *a, const void *b)
{
	const struct json_object *x = *(struct json_object *const *)a, *y = *(struct json_object *const *)b;

	return strcmp(tree_text_or_empty(x, "id"), tree_text_or_empty(y, "id"));
}

static int compare_texts(const void *a, const void *b)
{
	struct json_object *x = *(struct json_object *const *)a, *y = *(struct json_object *const *)b;

	return strcmp(json_object_get_string(x), json_object_get_string(y));
}

static void sort(struct making *m)
{
	json_object_array_sort(m->users, compare_ids);
	json_object_array_sort(m->groups, compare_ids);
	json_object_object_foreach(m->members, group, list)
	{
		(void)group;
		json_object_array_sort(list, compare_texts);
	}
}

static int assemble(struct making *m, struct json_object **ret)
{
	struct json_object *doc = json_object_new_object();

	if (!doc)
		return -ENOMEM;
	sort(m);
	put_text(m, doc, "format", DOCUMENT_FORMAT);
	put(m, doc, "users", json_object_get(m->users));
	put(m, doc, "groups", json_object_get(m->groups));
	if (m->removed)
		put(m, doc, "removed", json_object_get(m->removed));
	if (m->policy)
		put(m, doc, "policy", json_object_get(m->policy));
	if (m->failed) {
		json_object_put(doc);
		return -ENOMEM;
	}
	*ret = doc;
	return 0;
}

int document_make(const struct stage *stage, struct json_object *old, struct json_object *left_out,
		  struct json_object **ret)
{
	CLEANUP(stage_walk_done) struct stage_walk walk = {.stage = stage};
	struct making m = {.old = old,
			   .left_out = left_out,
			   .users = json_object_new_array(),
			   .groups = json_object_new_array(),
			   .members = json_object_new_object()};
	int r = m.users && m.groups && m.members ? 1 : -ENOMEM;

	while (r > 0 && (r = stage_next(&walk)) > 0) {
		r = take_record(&m, walk.record, walk.place.len);
		r = r < 0 ? r : 1;
	}
	if (r == 0)
		r = assemble(&m, ret);
	json_object_put(m.users);
	json_object_put(m.groups);
	json_object_put(m.members);
	json_object_put(m.removed);
	json_object_put(m.policy);
	return r;
}
