#include "ctl/directory/user.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "agentd/local.h"
#include "common/names.h"
#include "common/str.h"
#include "ctl/directory/group.h"
#include "ctl/directory/key.h"
#include "ctl/message.h"

int object_id_make(char out[static OBJECT_ID_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t raw[(OBJECT_ID_SIZE - 1) / 2];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return -EIO;
	for (size_t i = 0; i < sizeof(raw); i++) {
		out[2 * i] = hex[raw[i] >> 4];
		out[2 * i + 1] = hex[raw[i] & 15];
	}
	out[OBJECT_ID_SIZE - 1] = '\0';
	return 0;
}

const char *user_local_name(const struct json_object *user)
{
	const char *name = tree_text(user, "systemUsername");

	return name && name[0] ? name : tree_text(user, "username");
}

const char *user_id(const struct json_object *user)
{
	const char *id = tree_text(user, "id");

	return id ? id : tree_text(user, "_id");
}

struct json_object *user_by_id(const struct edit *e, const char *id)
{
	struct json_object *users = tree_array(e->doc, "users");
	size_t n = users ? json_object_array_length(users) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *user = json_object_array_get_idx(users, i);
		const char *own = user_id(user);

		if (own && strcmp(own, id) == 0)
			return user;
	}
	return NULL;
}

typedef int compare_fn(const char *, const char *);

static bool is_called(const struct json_object *user, const char *name, compare_fn *compare)
{
	const char *id = user_id(user);

	return compare(tree_text_or_empty(user, "username"), name) == 0 ||
	       compare(tree_text_or_empty(user, "systemUsername"), name) == 0 ||
	       (id && strcmp(id, name) == 0);
}

/* How many users are called NAME, the first of them in RET. */
static unsigned count_users(const struct edit *e, const char *name, compare_fn *compare,
			    struct json_object **ret)
{
	struct json_object *users = tree_array(e->doc, "users");
	size_t n = users ? json_object_array_length(users) : 0;
	unsigned found = 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *user = json_object_array_get_idx(users, i);

		if (is_called(user, name, compare) && found++ == 0)
			*ret = user;
	}
	return found;
}

int user_find(struct edit *e, const char *name, struct json_object **ret)
{
	struct json_object *user = NULL;
	unsigned n = name[0] ? count_users(e, name, strcmp, &user) : 0;

	if (n == 1) {
		*ret = user;
		return 0;
	}
	if (n > 1) {
		fault_set(e->fault, -EKEYREJECTED, "%u users are called '%s'", n, name);
		fault_hint(e->fault, "name the one you mean by its id");
		return -EKEYREJECTED;
	}
	fault_set(e->fault, -ESRCH, "no user '%s' in the directory", name);
	if (name[0] && count_users(e, name, strcasecmp, &user) > 0)
		fault_hint(e->fault, "there is '%s': the case of letters counts",
			   tree_text_or_empty(user, "username"));
	return -ESRCH;
}

int name_check_rules(struct edit *e, const char *name)
{
	if (!name_valid(name))
		return fault_set(e->fault, -EKEYREJECTED,
				 "'%s' cannot be a login name: 1 to 32 of A-Z a-z 0-9 _ . -, a "
				 "letter or _ first",
				 name);
	if (name_reserved(name))
		return fault_set(e->fault, -EKEYREJECTED, "'%s' is reserved for the system", name);
	if (e->local && local_name_taken(e->local, name))
		return fault_set(e->fault, -EKEYREJECTED,
				 "'%s' is a local user or group of this computer", name);
	return 0;
}

int name_check_free(struct edit *e, const char *name, const char *own_id)
{
	struct json_object *users = tree_array(e->doc, "users");
	size_t n = users ? json_object_array_length(users) : 0;
	int r = name_check_rules(e, name);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct json_object *user = json_object_array_get_idx(users, i);
		const char *id = user_id(user);

		if (own_id && id && strcmp(id, own_id) == 0)
			continue;
		if (is_called(user, name, strcasecmp))
			return fault_set(e->fault, -EEXIST, "there is a user '%s' already (id %s)",
					 tree_text_or_empty(user, "username"), id ? id : "none");
	}
	if (group_has_posix_name(e, name))
		return fault_set(e->fault, -EEXIST,
				 "'%s' is the local name of a group of the directory", name);
	return 0;
}

int unix_id_check_rules(struct edit *e, const char *key, int64_t id)
{
	bool is_uid = strcmp(key, "unix_uid") == 0;

	if (id < ID_FLOOR || id > ID_TOP || !id_allowed(id))
		return fault_set(e->fault, -EKEYREJECTED,
				 "%s %" PRId64
				 " is outside of %u to %u, or reserved for the system",
				 key, id, ID_FLOOR, ID_TOP);
	if (e->local && (is_uid ? local_uid_taken(e->local, id) : local_gid_taken(e->local, id)))
		return fault_set(e->fault, -EKEYREJECTED,
				 "%s %" PRId64 " belongs to a local %s of this computer", key, id,
				 is_uid ? "user" : "group");
	return 0;
}

/* KEY ("unix_uid", "unix_guid") from TEXT. A uid is one user's alone; a gid may be shared. */
static int set_id(struct edit *e, struct json_object *user, const char *key, const char *text)
{
	struct json_object *users = tree_array(e->doc, "users");
	size_t n = strcmp(key, "unix_uid") == 0 ? json_object_array_length(users) : 0;
	int64_t other;
	uint32_t id;
	int r;

	if (parse_u32(text, 0, UINT32_MAX, &id) < 0)
		return fault_set(e->fault, -EINVAL, "'%s' is no number", text);
	r = unix_id_check_rules(e, key, id);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct json_object *u = json_object_array_get_idx(users, i);

		if (u != user && tree_int(u, key, &other) && other == id)
			return fault_set(e->fault, -EEXIST, "the uid %u belongs to '%s'", id,
					 tree_text_or_empty(u, "username"));
	}
	return tree_set_int(e, user, key, id);
}

int sudo_parse(struct edit *e, const char *word, bool *ret_sudo, bool *ret_nopasswd)
{
	bool none = strcmp(word, "no") == 0, nopasswd = strcmp(word, "nopasswd") == 0;

	if (!none && !nopasswd && word[0] && strcmp(word, "yes") != 0)
		return fault_set(e->fault, -EINVAL, "--sudo=%s: it may be yes, nopasswd or no",
				 word);
	*ret_sudo = !none;
	*ret_nopasswd = nopasswd;
	return 0;
}

static int set_sudo(struct edit *e, struct json_object *user, const char *word)
{
	bool sudo, nopasswd;
	int r = sudo_parse(e, word, &sudo, &nopasswd);

	if (r == 0)
		r = tree_set_bool(e, user, "sudo", sudo);
	return r < 0 ? r : tree_set_bool(e, user, "passwordless_sudo", nopasswd);
}

static int set_keys(struct edit *e, struct json_object *user, const struct user_fields *f)
{
	struct json_object *keys;
	int r;

	if (f->no_keys)
		tree_unset(e, user, "ssh_keys");
	if (f->keys.count == 0)
		return 0;
	keys = tree_need_array(e, user, "ssh_keys");
	r = keys ? tree_set_bool(e, user, "allow_public_key", true) : -ENOMEM;
	for (unsigned i = 0; r == 0 && i < f->keys.count; i++)
		r = key_add(e, keys, f->keys.items[i]);
	return r;
}

static int set_username(struct edit *e, struct json_object *user, const char *name)
{
	int r = name_check_free(e, name, user_id(user));

	if (r == 0)
		r = tree_set_text(e, user, "username", name);
	if (r == 0 && tree_text_or_empty(user, "systemUsername")[0])
		r = tree_set_text(e, user, "systemUsername", "");
	return r;
}

/* What these texts may hold is known to the check of the whole document (directory/check.h). */
int user_set(struct edit *e, struct json_object *user, const struct user_fields *f)
{
	int r = 0;

	if (f->username)
		r = set_username(e, user, f->username);
	if (r == 0 && f->displayname)
		r = tree_set_text(e, user, "displayname", f->displayname);
	if (r == 0 && f->email)
		r = tree_set_text(e, user, "email", f->email);
	if (r == 0 && f->uid)
		r = set_id(e, user, "unix_uid", f->uid);
	if (r == 0 && f->gid)
		r = set_id(e, user, "unix_guid", f->gid);
	if (r == 0 && f->sudo)
		r = set_sudo(e, user, f->sudo);
	if (r == 0 && f->shell)
		r = tree_set_text(e, user, "shell", f->shell);
	if (r == 0 && f->home)
		r = tree_set_text(e, user, "home", f->home);
	return r == 0 ? set_keys(e, user, f) : r;
}

static int set_defaults(struct edit *e, struct json_object *user, const char *name,
			enum user_state state)
{
	char id[OBJECT_ID_SIZE];
	int r = object_id_make(id);

	if (r == 0)
		r = tree_set_text(e, user, "id", id);
	if (r == 0)
		r = tree_set_text(e, user, "username", name);
	if (r == 0)
		r = tree_set_text(e, user, "state", user_state_name(state));
	if (r == 0)
		r = tree_set_bool(e, user, "suspended", state == USER_SUSPENDED);
	return r == 0 ? tree_set_time(e, user, "created", e->now) : r;
}

int user_add(struct edit *e, const char *name, enum user_state state, const struct user_fields *f,
	     struct json_object **ret)
{
	struct json_object *users = tree_need_array(e, e->doc, "users"), *user;
	int r = users ? name_check_free(e, name, NULL) : -ENOMEM;

	if (r < 0)
		return r;
	user = json_object_new_object();
	r = tree_append(e, users, user);
	if (r == 0)
		r = set_defaults(e, user, name, state);
	if (r == 0)
		r = user_set(e, user, f);
	if (r == 0)
		*ret = user;
	return r;
}

int user_delete(struct edit *e, struct json_object *user)
{
	struct json_object *users = tree_array(e->doc, "users");
	struct json_object *removed = tree_need_array(e, e->doc, "removed");
	const char *id = user_id(user);
	int r = removed ? 0 : -ENOMEM;

	if (r == 0 && id)
		r = tree_list_add(e, removed, id);
	if (r < 0)
		return r;
	if (id) {
		tree_forget(e, tree_array(e->doc, "groups"), "members", id);
		tree_forget(e, tree_object(e->doc, "bindings"), "users", id);
	}
	for (size_t i = json_object_array_length(users); i-- > 0;)
		if (json_object_array_get_idx(users, i) == user)
			json_object_array_del_idx(users, i, 1);
	e->changed = true;
	return 0;
}
