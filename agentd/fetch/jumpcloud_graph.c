/*
 * Who is bound, and in which groups: GraphObjectWithPaths of JumpCloud's API v2. What is there counts; what is not as
 * published grants nothing.
 */
#include "agentd/fetch/jumpcloud_private.h"

#include <errno.h>
#include <string.h>

/* Quiet reading: what is missing or of another type is not there. */
bool jumpcloud_field(const struct json_node *n, const char *key, struct json_node *ret)
{
	struct json_fault ignored = { .reason = "" };
	struct json_node quiet = { n->object, &ignored };

	if (!json_is_object(n) || json_get_object(&quiet, JSON_FIELD(key, key), ret) <= 0)
		return false;
	ret->fault = n->fault;
	return true;
}

static bool get_array(const struct json_node *n, const char *key, struct json_node *ret)
{
	struct json_fault ignored = { .reason = "" };
	struct json_node quiet = { n->object, &ignored };

	if (!json_is_object(n) || json_get_array(&quiet, JSON_FIELD(key, key), ret) <= 0)
		return false;
	ret->fault = n->fault;
	return true;
}

static bool get_true(const struct json_node *n, const char *key)
{
	struct json_fault ignored = { .reason = "" };
	struct json_node quiet = { n->object, &ignored };
	bool value = false;

	return json_get_bool(&quiet, JSON_FIELD(key, key), &value) > 0 && value;
}

static bool is_type(const struct json_node *n, const char *type)
{
	struct json_fault ignored = { .reason = "" };
	struct json_node quiet = { n->object, &ignored };
	const char *s;

	return json_is_object(n) && json_get_text(&quiet, JSON_FIELD("type", "type"), 64, &s) > 0 && strcmp(s, type) == 0;
}

/* What the server says is in force here: JumpCloud weighs bindings and groups against each other, we do not. */
static void read_sudo(const struct json_node *n, struct bound_user *ret)
{
	struct json_node compiled, sudo;

	if (!jumpcloud_field(n, "compiledAttributes", &compiled) || !jumpcloud_field(&compiled, "sudo", &sudo))
		return;
	ret->sudo = get_true(&sudo, "enabled");
	ret->sudo_nopasswd = ret->sudo && get_true(&sudo, "withoutPassword");
}

int jumpcloud_add_group(struct jumpcloud *j, const char *id, const struct json_node *attributes)
{
	struct bound_group g = { .attributes = json_keep(attributes) };
	int r = idset_add(&j->seen_groups, id);

	memcpy(g.id, id, strlen(id) + 1);
	if (r > 0)
		r = buf_add(&j->groups, &g, sizeof(g));
	else if (r == 0)
		r = 1; /* it is there already */
	if (r != 0)
		json_drop(g.attributes);
	return r < 0 ? r : 0;
}

/* The groups on one way from here to a user or group; the last step is that one itself. */
static int read_path(struct jumpcloud *j, const struct json_node *path, const char *user_id)
{
	struct json_fault ignored = { .reason = "" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < json_array_len(path); i++) {
		struct json_node step = json_array_item(path, i), to, attributes = { NULL, path->fault };
		struct bound_member m = { .group_id = "" };
		const char *id;

		if (!jumpcloud_field(&step, "to", &to) || !is_type(&to, "user_group") ||
		    object_id_read(&(struct json_node){ to.object, &ignored }, &id) < 0)
			continue;
		jumpcloud_field(&to, "attributes", &attributes);
		r = jumpcloud_add_group(j, id, &attributes);
		if (r < 0 || !user_id)
			continue;
		memcpy(m.group_id, id, strlen(id) + 1);
		memcpy(m.user_id, user_id, strlen(user_id) + 1);
		r = buf_add(&j->members, &m, sizeof(m));
	}
	return r;
}

static int read_paths(struct jumpcloud *j, const struct json_node *n, const char *user_id)
{
	struct json_node paths;
	int r = 0;

	if (!get_array(n, "paths", &paths))
		return 0;
	for (size_t i = 0; r == 0 && i < json_array_len(&paths); i++) {
		struct json_node path;

		if (json_array_at(&paths, i, &path))
			r = read_path(j, &path, user_id);
	}
	return r;
}

int jumpcloud_object(struct jumpcloud *j, const struct scan_value *value, const char *type, const char *what,
		       struct json_node *ret, const char **ret_id)
{
	int r = jumpcloud_parse(j, what, value, ret);

	if (r < 0)
		return r;
	if (!is_type(ret, type) || object_id_read(ret, ret_id) < 0)
		return jumpcloud_fail(j, -EBADMSG, what, "an item that is no %s with an id", type);
	memcpy(j->object_id, *ret_id, strlen(*ret_id) + 1);
	return 0;
}

#define USERS "users of this system"

static int take_user(struct jumpcloud *j, void *context, const struct scan_value *value)
{
	struct bound_user u = { .sudo = false };
	struct json_node n;
	const char *id;
	int r = jumpcloud_object(j, value, "user", USERS, &n, &id);

	(void)context;
	if (r < 0)
		return r;
	memcpy(u.id, id, strlen(id) + 1);
	read_sudo(&n, &u);
	r = read_paths(j, &n, u.id);
	return r < 0 ? r : buf_add(&j->users, &u, sizeof(u));
}

char *jumpcloud_system_path(const struct jumpcloud *j, const char *what)
{
	return str_format("/v2/systems/%s/%s?", j->options->system_id, what);
}

/* Ids are what these structs begin with. */
static int compare_ids(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int compare_members(const void *a, const void *b)
{
	const struct bound_member *x = a, *y = b;

	return strcmp(x->group_id, y->group_id) ?: strcmp(x->user_id, y->user_id);
}

static size_t sort_unique(struct buf *b, size_t size, int (*compare)(const void *, const void *))
{
	size_t n = b->len / size, kept = 0;

	if (n == 0)
		return 0;
	qsort(b->data, n, size, compare);
	for (size_t i = 1; i < n; i++)
		if (compare(b->data + kept * size, b->data + i * size) != 0)
			memmove(b->data + ++kept * size, b->data + i * size, size);
	b->len = (kept + 1) * size;
	return n - kept - 1;
}

size_t jumpcloud_sort(struct buf *b, size_t size)
{
	return sort_unique(b, size, compare_ids);
}

void jumpcloud_unbind(struct jumpcloud *j)
{
	for (uint32_t i = 0; i < bound_groups_n(j); i++)
		json_drop(bound_group_at(j, i)->attributes);
	j->users.len = j->groups.len = j->members.len = 0;
	idset_done(&j->seen_groups);
}

/* FILTER ends in '&' or is "". A system that is not there has no users to remove. */
static int ask_users(struct jumpcloud *j, const struct jumpcloud_list *l, const char *filter)
{
	AUTO_FREE char *base = jumpcloud_system_path(j, "users");
	AUTO_FREE char *path = base ? str_format("%s%s", base, filter) : NULL;
	int r = path ? jumpcloud_pages(j, l, path) : -ENOMEM;

	if (r == -ENOENT)
		return jumpcloud_fail(j, -EPROTO, l->what, "JumpCloud does not know system_id %s",
				      j->options->system_id);
	return r;
}

static int ask_bound(struct jumpcloud *j)
{
	const struct jumpcloud_list users = { .what = USERS, .item = take_user, .graph = true };
	int r;

	jumpcloud_unbind(j);
	r = ask_users(j, &users, "");
	if (r == 0 && jumpcloud_sort(&j->users, sizeof(struct bound_user)) > 0)
		return jumpcloud_fail(j, -EAGAIN, USERS, "one is there twice");
	jumpcloud_sort(&j->groups, sizeof(struct bound_group));
	sort_unique(&j->members, sizeof(struct bound_member), compare_members);
	return r;
}

int jumpcloud_bound(struct jumpcloud *j)
{
	int r;

	for (int i = 0; i < JUMPCLOUD_ATTEMPTS; i++) {
		r = ask_bound(j);
		if (r != -EAGAIN)
			break;
	}
	return r;
}

struct wanted {
	const char *id;
	struct bound_user *ret;
	struct idset seen;
};

static int take_wanted(struct jumpcloud *j, void *context, const struct scan_value *value)
{
	struct wanted *w = context;
	struct json_node n;
	const char *id;
	int r = jumpcloud_object(j, value, "user", USERS, &n, &id);

	if (r == 0)
		r = idset_add(&w->seen, id);
	if (r == 0)
		return jumpcloud_fail(j, -EAGAIN, USERS, "one is there twice");
	if (r < 0 || strcmp(id, w->id) != 0)
		return r < 0 ? r : 0;
	*w->ret = (struct bound_user){ .sudo = false };
	memcpy(w->ret->id, id, strlen(id) + 1);
	read_sudo(&n, w->ret);
	return 1;
}

static int find_wanted(struct jumpcloud *j, const char *id, const char *filter, struct bound_user *ret)
{
	struct wanted w = { .id = id, .ret = ret };
	const struct jumpcloud_list users = { .what = USERS, .item = take_wanted, .context = &w, .graph = true };
	int r = ask_users(j, &users, filter);

	idset_done(&w.seen);
	return r;
}

/*
 * The filter is in the published schema, but nobody has seen what the real server makes of it: that somebody is not bound is
 * believed of the whole list alone.
 */
int jumpcloud_bound_user(struct jumpcloud *j, const char *id, struct bound_user *ret)
{
	AUTO_FREE char *filter = str_format("filter=id:eq:%s&", id);
	int r = filter ? find_wanted(j, id, filter, ret) : -ENOMEM;

	if (r == 0 || r == -EPROTO || r == -EAGAIN)
		r = find_wanted(j, id, "", ret);
	return r;
}
