#include "ctl/directory/merge.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/names.h"
#include "ctl/directory/columns.h"
#include "ctl/directory/group.h"
#include "ctl/directory/state.h"
#include "ctl/directory/user.h"
#include "ctl/message.h"

/* An object of json-c serves as hash table: key -> user. The first of a key stays. */
static int index_add(struct json_object *index, const char *key, struct json_object *user)
{
	if (!key || !key[0] || json_object_object_get_ex(index, key, NULL))
		return 0;
	return json_object_object_add(index, key, json_object_get(user)) < 0 ? -ENOMEM : 0;
}

static int index_user(struct merge *m, struct json_object *user)
{
	int r = index_add(m->by_id, user_id(user), user);

	return r < 0 ? r : index_add(m->by_name, tree_text(user, "username"), user);
}

int merge_init(struct merge *m, struct edit *e, enum user_state default_state)
{
	struct json_object *users = tree_need_array(e, e->doc, "users");
	size_t n = users ? json_object_array_length(users) : 0;

	*m = (struct merge){.edit = e,
			    .default_state = default_state,
			    .by_id = json_object_new_object(),
			    .by_name = json_object_new_object(),
			    .touched = json_object_new_object()};
	if (!users || !m->by_id || !m->by_name || !m->touched)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int r = index_user(m, json_object_array_get_idx(users, i));

		if (r < 0)
			return r;
	}
	return 0;
}

void merge_done(struct merge *m)
{
	json_object_put(m->by_id);
	json_object_put(m->by_name);
	json_object_put(m->touched);
}

/* An id is a person: one that is not known yet is nobody of a name that is. The index keeps old names of the renamed. */
static struct json_object *find(const struct merge *m, const char *id, const char *name)
{
	struct json_object *user = NULL;

	json_object_object_get_ex(id ? m->by_id : m->by_name, id ? id : name, &user);
	return id || strcmp(tree_text_or_empty(user, "username"), name) == 0 ? user : NULL;
}

/* A new user in the document, with its id; everything else is merged afterwards. */
static int add_user(struct merge *m, const char *id, const char *name, struct json_object **ret)
{
	struct edit *e = m->edit;
	struct json_object *user = json_object_new_object();
	char made[OBJECT_ID_SIZE];
	int r = tree_append(e, tree_array(e->doc, "users"), user);

	if (r == 0 && !id)
		r = object_id_make(made);
	if (r == 0)
		r = tree_set_text(e, user, "id", id ? id : made);
	if (r == 0)
		r = tree_set_text(e, user, "username", name);
	if (r == 0)
		r = index_user(m, user);
	/* Who comes back is not removed any longer. */
	tree_list_remove(e, tree_array(e->doc, "removed"), id ? id : made);
	*ret = user;
	return r;
}

static bool has_value(const struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(o, key, &value) && value;
}

static int merge_field(struct edit *e, struct json_object *user, const char *key,
		       struct json_object *value)
{
	struct json_object *old = NULL;

	if (json_object_object_get_ex(user, key, &old) && json_object_equal(old, value))
		return 0;
	if (json_object_object_add(user, key, json_object_get(value)) < 0)
		return -ENOMEM;
	e->changed = true;
	return 0;
}

/* null says nothing, as an empty cell does; but JumpCloud says so of dates that there are none. */
static bool says_something(const char *key, const struct json_object *value,
			   const struct json_object *user)
{
	const struct column *c = value ? NULL : column_find(key);

	return value || (c && c->kind == COLUMN_TIME && json_object_object_get_ex(user, key, NULL));
}

/* Takes over all fields but the identity, and a password in clear, which is nothing for a file. */
static int merge_fields(struct edit *e, struct json_object *user,
			const struct json_object *incoming)
{
	json_object_object_foreach((struct json_object *)(uintptr_t)incoming, key, value)
	{
		int r;

		if (strcmp(key, "id") == 0 || strcmp(key, "_id") == 0 ||
		    strcmp(key, "password") == 0 || !says_something(key, value, user))
			continue;
		r = merge_field(e, user, key, value);
		if (r < 0)
			return r;
	}
	return 0;
}

int merge_password(struct merge *m, struct json_object *user, const struct json_object *incoming,
		   const char *hash)
{
	static const char *const kept[] = {"account_locked", "account_locked_date",
					   "password_expired", "password_expiration_date"};
	int r = user_set_password(m->edit, user, hash);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kept); i++) {
		if (has_value(incoming, kept[i]))
			r = merge_field(m->edit, user, kept[i],
					json_object_object_get(incoming, kept[i]));
	}
	return r;
}

/*
 * State and flag must agree; a new user that says nothing gets the default. Unless changes come along, what fell due before
 * counts no more: the state that comes is the newer word.
 */
static int settle_state(struct merge *m, struct json_object *user,
			const struct json_object *incoming, bool is_new)
{
	const char *word = tree_text(incoming, "state");
	bool flag_given = has_value(incoming, "suspended");
	bool flag = tree_true(incoming, "suspended");
	enum user_state state = flag ? USER_SUSPENDED : m->default_state;

	if (word && user_state_parse(word, &state) < 0)
		return fault_set(m->edit->fault, -EINVAL,
				 "state '%s': it may be ACTIVATED, STAGED or SUSPENDED", word);
	if (word && flag_given && flag != (state == USER_SUSPENDED))
		return fault_set(m->edit->fault, -EINVAL,
				 "state %s and suspended %s contradict each other", word,
				 flag ? "true" : "false");
	if (!word && !is_new && !flag)
		return 0;
	if (!tree_array(incoming, "scheduled"))
		return user_set_state(m->edit, user, state);
	return user_write_state(m->edit, user, state);
}

/* "First Last", where there is no displayname. */
static int set_displayname(struct edit *e, struct json_object *user)
{
	const char *first = tree_text_or_empty(user, "firstname"),
		   *last = tree_text_or_empty(user, "lastname");
	AUTO_FREE char *name = str_format("%s%s%s", first, first[0] && last[0] ? " " : "", last);

	if (!name)
		return -ENOMEM;
	return tree_text_or_empty(user, "displayname")[0] || !name[0]
		       ? 0
		       : tree_set_text(e, user, "displayname", name);
}

static int check_uid(struct edit *e, const struct json_object *user)
{
	int64_t uid;

	return tree_int(user, "unix_uid", &uid) ? unix_id_check_rules(e, "unix_uid", uid) : 0;
}

int merge_user(struct merge *m, const struct json_object *incoming, struct json_object **ret_user,
	       bool *ret_is_new)
{
	const char *id = user_id(incoming), *name = tree_text(incoming, "username");
	struct edit *e = m->edit;
	struct json_object *user;
	bool is_new;
	int r = 0;

	if (!name || !name[0])
		return fault_set(e->fault, -EINVAL, "a user without a username");
	if (!id && (has_value(incoming, "id") || has_value(incoming, "_id")))
		return fault_set(e->fault, -EINVAL, "the id of '%s' is no text", name);
	if (id && !object_id_valid(id))
		return fault_set(e->fault, -EINVAL, "'%s' cannot be an id", id);
	user = find(m, id, name);
	is_new = !user;
	if (is_new)
		r = add_user(m, id, name, &user);
	if (r == 0)
		r = merge_fields(e, user, incoming);
	if (r == 0)
		r = settle_state(m, user, incoming, is_new);
	if (r == 0)
		r = set_displayname(e, user);
	if (r == 0)
		r = name_check_rules(e, user_local_name(user));
	if (r == 0)
		r = check_uid(e, user);
	if (r == 0)
		r = index_add(m->touched, user_id(user), user);
	if (r < 0)
		return r;
	*ret_user = user;
	*ret_is_new = is_new;
	return 0;
}

static bool is_touched(const struct merge *m, const struct json_object *user)
{
	const char *id = user_id(user);

	return id && json_object_object_get_ex(m->touched, id, NULL);
}

/* KEY is USER's from now on; -EEXIST when it is another one's, and one of the two came with this import. */
static int claim(struct merge *m, struct json_object *taken, const char *key,
		 struct json_object *user)
{
	struct json_object *other = NULL;

	if (!json_object_object_get_ex(taken, key, &other))
		return index_add(taken, key, user);
	if (other == user || (!is_touched(m, user) && !is_touched(m, other)))
		return 0;
	fault_set(m->edit->fault, -EEXIST, "%s is both %s's (id %s) and %s's (id %s)", key,
		  tree_text_or_empty(other, "username"), tree_text_or_empty(other, "id"),
		  tree_text_or_empty(user, "username"), tree_text_or_empty(user, "id"));
	fault_hint(m->edit->fault,
		   "another id is another person: to update the one who is there, take "
		   "the id out of the file; else delete or rename that one first");
	return -EEXIST;
}

static int claim_name(struct merge *m, struct json_object *taken, const char *name,
		      struct json_object *user)
{
	char lower[4 * NAME_MAX_LEN] = "name ";
	size_t at = strlen(lower);

	for (; *name && at < sizeof(lower) - 1; name++)
		lower[at++] = (char)tolower((unsigned char)*name);
	lower[at] = '\0';
	return claim(m, taken, lower, user);
}

static int claim_all(struct merge *m, struct json_object *taken, struct json_object *user)
{
	static const char *const names[] = {"username", "systemUsername"};
	char key[32];
	int64_t uid;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++)
		if (tree_text_or_empty(user, names[i])[0])
			r = claim_name(m, taken, tree_text(user, names[i]), user);
	if (r == 0 && tree_int(user, "unix_uid", &uid)) {
		snprintf(key, sizeof(key), "uid %" PRId64, uid);
		r = claim(m, taken, key, user);
	}
	if (r == 0 && is_touched(m, user) && group_has_posix_name(m->edit, user_local_name(user)))
		r = fault_set(m->edit->fault, -EEXIST, "'%s' is the local name of a group",
			      user_local_name(user));
	return r;
}

int merge_check_unique(struct merge *m)
{
	struct json_object *users = tree_array(m->edit->doc, "users"),
			   *taken = json_object_new_object();
	int r = taken ? 0 : -ENOMEM;

	for (size_t i = 0, n = json_object_array_length(users); r == 0 && i < n; i++)
		r = claim_all(m, taken, json_object_array_get_idx(users, i));
	json_object_put(taken);
	return r;
}
