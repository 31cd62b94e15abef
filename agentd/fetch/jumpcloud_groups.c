/*
 * What is known of bound groups beside what their members say: their names, which leases go by, and groups that nobody is
 * in. It changes seldom and is remembered.
 */
#include "agentd/fetch/jumpcloud_private.h"

#include <stdio.h>
#include <string.h>

#define BOUND "user groups of this system"
#define NAMES "user groups"

static uint32_t count(const struct buf *groups)
{
	return (uint32_t)(groups->len / sizeof(struct bound_group));
}

static struct bound_group *at(const struct buf *groups, uint32_t i)
{
	return (struct bound_group *)(void *)groups->data + i;
}

static int compare_group(const void *key, const void *member)
{
	return strcmp(key, ((const struct bound_group *)member)->id);
}

static struct bound_group *find(const struct buf *groups, const char *id)
{
	if (!groups->len)
		return NULL;
	return bsearch(id, groups->data, count(groups), sizeof(struct bound_group), compare_group);
}

static void forget(struct buf *groups)
{
	for (uint32_t i = 0; i < count(groups); i++)
		json_drop(at(groups, i)->attributes);
	buf_done(groups);
}

void jumpcloud_memory_done(struct jumpcloud_memory *m)
{
	forget(&m->groups);
	m->groups_known = m->policy_known = false;
}

/* Its attributes are on the way to it, at its end; or only compiled. */
static struct json_node attributes_of(const struct json_node *n, const char *id)
{
	struct json_node found = { NULL, n->fault }, paths, path, to;
	struct json_fault ignored = { .reason = "" };
	const char *to_id;

	jumpcloud_field(n, "compiledAttributes", &found);
	if (json_get_array(&(struct json_node){ n->object, &ignored }, JSON_FIELD("paths", "paths"), &paths) <= 0 ||
	    json_array_len(&paths) == 0 || !json_array_at(&paths, 0, &path) || json_array_len(&path) == 0)
		return found;
	path = json_array_item(&path, json_array_len(&path) - 1);
	if (jumpcloud_field(&path, "to", &to) &&
	    object_id_read(&(struct json_node){ to.object, &ignored }, &to_id) > 0 && strcmp(to_id, id) == 0)
		jumpcloud_field(&to, "attributes", &found);
	return found;
}

static int take_bound(struct jumpcloud *j, void *context, const struct scan_value *value)
{
	struct buf *groups = context;
	struct bound_group g = { .name = "" };
	struct json_node n, attributes;
	const char *id;
	int r = jumpcloud_object(j, value, "user_group", BOUND, &n, &id);

	if (r < 0)
		return r;
	memcpy(g.id, id, strlen(id) + 1);
	attributes = attributes_of(&n, id);
	g.attributes = json_keep(&attributes);
	r = buf_add(groups, &g, sizeof(g));
	if (r < 0)
		json_drop(g.attributes);
	return r;
}

static int ask_bound(struct jumpcloud *j, struct buf *groups)
{
	const struct jumpcloud_list list = { .what = BOUND, .item = take_bound, .context = groups, .graph = true };
	AUTO_FREE char *path = jumpcloud_system_path(j, "usergroups");

	return path ? jumpcloud_pages(j, &list, path) : -ENOMEM;
}

/* Those of members are bound whatever the other list says: it is older, or younger. */
static int add_those_of_members(struct jumpcloud *j, struct buf *groups)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < bound_groups_n(j); i++) {
		struct bound_group g = *bound_group_at(j, i);

		g.attributes = json_keep(&(struct json_node){ g.attributes, &j->fault });
		r = buf_add(groups, &g, sizeof(g));
		if (r < 0)
			json_drop(g.attributes);
	}
	return r;
}

/* Of groups that are there twice one stays. */
static void sort(struct buf *groups)
{
	uint32_t n = count(groups), kept = 0;

	if (n == 0)
		return;
	qsort(groups->data, n, sizeof(struct bound_group), compare_group);
	for (uint32_t i = 1; i < n; i++) {
		if (strcmp(at(groups, kept)->id, at(groups, i)->id) == 0)
			json_drop(at(groups, i)->attributes);
		else if (++kept != i)
			*at(groups, kept) = *at(groups, i);
	}
	groups->len = (kept + 1) * sizeof(struct bound_group);
}

static int take_name(struct jumpcloud *j, void *context, const struct scan_value *value)
{
	struct bound_group *g;
	struct json_node n;
	const char *id, *name = "";
	int r = jumpcloud_parse(j, NAMES, value, &n);

	if (r < 0)
		return r;
	if (!json_is_object(&n) || object_id_read(&n, &id) < 0)
		return jumpcloud_fail(j, -EBADMSG, NAMES, "one without an id");
	g = find(context, id);
	if (g && json_get_text(&n, JSON_FIELD("name", "name"), GROUP_NAME_MAX, &name) > 0)
		memcpy(g->name, name, strlen(name) + 1);
	return 0;
}

/* The names of groups FIRST to END; of all there are, when the API does not take the filter. */
static int ask_names_of(struct jumpcloud *j, struct buf *groups, uint32_t first, uint32_t end)
{
	const struct jumpcloud_list list = { .what = NAMES, .item = take_name, .context = groups };
	static const char head[] = "/v2/usergroups?fields=id,name&filter=id:in:";
	CLEANUP(buf_done) struct buf path = { 0 };
	int r = buf_add(&path, head, strlen(head));

	for (uint32_t i = first; r == 0 && i < end; i++) {
		r = i > first ? buf_add(&path, "%7C", 3) : 0;
		if (r == 0)
			r = buf_add(&path, at(groups, i)->id, strlen(at(groups, i)->id));
	}
	if (r == 0)
		r = buf_add(&path, "&", 2);
	return r < 0 ? r : jumpcloud_pages(j, &list, (const char *)path.data);
}

static bool all_named(const struct buf *groups)
{
	for (uint32_t i = 0; i < count(groups); i++)
		if (!*at(groups, i)->name)
			return false;
	return true;
}

static int ask_names(struct jumpcloud *j, struct buf *groups)
{
	const struct jumpcloud_list list = { .what = NAMES, .item = take_name, .context = groups };
	int r = 0;

	for (uint32_t i = 0, end; r == 0 && i < count(groups); i = end) {
		end = count(groups) - i > JUMPCLOUD_PAGE ? i + JUMPCLOUD_PAGE : count(groups);
		r = ask_names_of(j, groups, i, end);
	}
	if (r == -EPROTO || (r == 0 && !all_named(groups)))
		r = jumpcloud_pages(j, &list, "/v2/usergroups?fields=id,name&");
	return jumpcloud_optional(r);
}

static int ask_once(struct jumpcloud *j, struct buf *groups)
{
	int r = ask_bound(j, groups);

	if (r == 0)
		r = add_those_of_members(j, groups);
	if (r < 0)
		return r;
	sort(groups);
	return ask_names(j, groups);
}

static int learn(struct jumpcloud *j, struct jumpcloud_memory *memory)
{
	struct buf groups = { 0 };
	int r = -EAGAIN;

	for (int i = 0; r == -EAGAIN && i < JUMPCLOUD_ATTEMPTS; i++) {
		forget(&groups);
		r = ask_once(j, &groups);
	}
	if (r < 0) {
		forget(&groups);
		return r;
	}
	forget(&memory->groups);
	memory->groups = groups;
	memory->groups_known = true;
	memory->groups_until_ms = j->options->now_ms + JUMPCLOUD_MEMORY_MS;
	return 0;
}

static bool knows_all(const struct jumpcloud *j, const struct jumpcloud_memory *memory)
{
	if (!memory->groups_known || j->options->now_ms >= memory->groups_until_ms)
		return false;
	for (uint32_t i = 0; i < bound_groups_n(j); i++)
		if (!find(&memory->groups, bound_group_at(j, i)->id))
			return false;
	return true;
}

/* What members say of their groups is newer than what is remembered. */
int jumpcloud_groups(struct jumpcloud *j, struct jumpcloud_memory *memory)
{
	int r = knows_all(j, memory) ? 0 : learn(j, memory);

	for (uint32_t i = 0; r == 0 && i < count(&memory->groups); i++) {
		const struct bound_group *known = at(&memory->groups, i);
		struct bound_group *g = find(&j->groups, known->id);

		if (g)
			memcpy(g->name, known->name, sizeof(g->name));
	}
	for (uint32_t i = 0; r == 0 && i < count(&memory->groups); i++) {
		struct bound_group g = *at(&memory->groups, i);

		if (idset_has(&j->seen_groups, g.id))
			continue;
		g.attributes = json_keep(&(struct json_node){ g.attributes, &j->fault });
		r = buf_add(&j->groups, &g, sizeof(g));
		if (r < 0)
			json_drop(g.attributes);
	}
	jumpcloud_sort(&j->groups, sizeof(struct bound_group));
	return r;
}
