/* The part "groups" of a document: read once for the groups and once or twice for their members. */
#include "agentd/fetch/document_private.h"

#include <errno.h>
#include <string.h>

#include "agentd/fetch/group.h"

/* Walks the ids that the outline has found, one an element. */
struct id_cursor {
	struct strlist ids;
	const char *id;
};

static struct id_cursor cursor_new(const struct document *d)
{
	return (struct id_cursor){
		{ (const char *)d->group_ids.data, (uint32_t)d->group_ids.len, d->n_groups }, NULL
	};
}

/* The id of the next element; "" when there is none that can be used. */
static const char *cursor_next(struct id_cursor *c)
{
	c->id = strlist_next(&c->ids, c->id);
	return c->id ? c->id : "";
}

static bool group_bound(const struct document *d, const char *id)
{
	return d->all_bound || idset_has(&d->bound_groups, id);
}

enum group_key {
	GROUP_KEY_OTHER = 0,
	GROUP_KEY_NAME,
	GROUP_KEY_ATTRIBUTES,
	GROUP_KEY_MEMBERS,
	GROUP_KEY_COUNT,
};

static const char *const group_keys[GROUP_KEY_COUNT] = {
	[GROUP_KEY_NAME] = "name",
	[GROUP_KEY_ATTRIBUTES] = "attributes",
	[GROUP_KEY_MEMBERS] = "members",
};

static enum group_key group_key(const char *key)
{
	enum group_key k = GROUP_KEY_COUNT - 1;

	while (k > GROUP_KEY_OTHER && strcmp(group_keys[k], key) != 0)
		k--;
	return k;
}

/* The group being read. */
struct groups {
	struct document *d;
	struct id_cursor cursor;
	struct dir_group group;
	char name[GROUP_NAME_MAX + 1];
	struct json_parser attributes; /* its tree holds the posix names */
	enum group_key key;
	unsigned seen; /* bit: key */
};

static int fault(struct groups *g, const char *reason, const char *detail)
{
	struct json_fault *f = &g->d->fault;

	return json_bad(&(struct json_node){ NULL, f }, JSON_FIELD("group", reason), "",
			"%s", detail);
}

static int groups_begin(void *context, const struct scan_at *at)
{
	struct groups *g = context;

	if (at->depth == 0)
		return SCAN_ENTER;
	if (at->depth == 1) {
		g->d->element = *at;
		g->d->fault.reason[0] = '\0';
		g->group = (struct dir_group){ .id = cursor_next(&g->cursor), .name = g->name };
		g->name[0] = '\0';
		g->seen = 0;
		return at->type == '{' ? SCAN_ENTER : SCAN_TAKE;
	}
	g->key = group_key(at->key);
	if (g->key != GROUP_KEY_OTHER && g->seen & 1u << g->key)
		fault(g, "key_twice", "it has the same key twice");
	g->seen |= 1u << g->key;
	if (g->key == GROUP_KEY_MEMBERS && at->type != '[' && at->type != 'n')
		fault(g, "members_type", "\"members\" is not a list");
	return g->key == GROUP_KEY_NAME || g->key == GROUP_KEY_ATTRIBUTES ? SCAN_TAKE : SCAN_SKIP;
}

static int take_name(struct groups *g, const struct scan_value *value)
{
	struct json_node n;
	const char *name;
	int r = json_parse(&g->d->json, value, &g->d->fault, &n);

	if (r < 0)
		return r;
	name = n.object ? json_text(&n, GROUP_NAME_MAX) : "";
	if (name)
		memcpy(g->name, name, strlen(name) + 1);
	else
		fault(g, "name_invalid", "its name is no plain text");
	return 0;
}

static int take_attributes(struct groups *g, const struct scan_value *value)
{
	struct json_node n;
	int r = json_parse(&g->attributes, value, &g->d->fault, &n);

	return r < 0 ? r : group_attributes_read(&n, document_report, g->d, &g->group);
}

static int groups_take(void *context, const struct scan_at *at, const struct scan_value *value)
{
	struct groups *g = context;
	int r;

	if (at->depth == 1) {
		fault(g, "group_type", "not an object");
		return document_report_fault(g->d, "group", "", "");
	}
	if (g->d->fault.reason[0] || !group_bound(g->d, g->group.id))
		return 0;
	r = g->key == GROUP_KEY_NAME ? take_name(g, value) : take_attributes(g, value);
	return r == -EBADMSG || r == -EINVAL ? 0
					     : r; /* the fault is reported when the group ends */
}

static int groups_leave(void *context, unsigned depth)
{
	struct groups *g = context;
	struct document *d = g->d;
	const char *id = g->group.id;
	int r;

	if (depth != 1)
		return 0;
	if (!*id)
		fault(g, "id_invalid", "it has no id that can be used");
	else if (!group_bound(d, id))
		return 0;
	else if (idset_has(&d->groups.twice, id))
		return document_report_twice(d, "group", id, g->name);
	if (d->fault.reason[0])
		return document_report_fault(d, "group", id, g->name);
	r = idset_add(&d->sent_groups, id);
	return r < 0 ? r : d->sink->group(d->sink->context, &g->group);
}

int part_groups(struct document *d, int fd)
{
	struct groups g = { .d = d, .cursor = cursor_new(d) };
	const struct scan_handler h = { groups_begin, groups_take, groups_leave, &g, DOCUMENT_ELEMENT_MAX, NULL };
	int r = part_scan(d, fd, &d->at[PART_GROUPS], &h);

	json_parser_done(&g.attributes);
	return r;
}

struct members {
	struct document *d;
	struct id_list list; /* what is sent */
	struct id_cursor cursor;
	bool bind;
};

static bool members_wanted(const struct members *m, const char *id)
{
	const struct document *d = m->d;

	return m->bind ? idset_has(&d->bound_groups, id) : idset_has(&d->sent_groups, id);
}

static int members_begin(void *context, const struct scan_at *at)
{
	struct members *m = context;

	switch (at->depth) {
	case 0:
		return SCAN_ENTER;
	case 1:
		m->list.group_id = cursor_next(&m->cursor);
		return at->type == '{' && members_wanted(m, m->list.group_id) ? SCAN_ENTER
									      : SCAN_SKIP;
	case 2:
		return at->type == '[' && group_key(at->key) == GROUP_KEY_MEMBERS ? SCAN_ENTER
										  : SCAN_SKIP;
	}
	return SCAN_TAKE;
}

static int members_take(void *context, const struct scan_at *at, const struct scan_value *value)
{
	struct members *m = context;
	struct document *d = m->d;
	const char *id;
	int r = document_id_take(d, at, value, &id);

	if (r < 0)
		return r;
	if (m->bind) {
		r = id ? idset_add(&d->bound_users, id) : 0;
		return r < 0 ? r : 0;
	}
	if (!id)
		return document_report_member(d, m->list.group_id);
	return idset_has(&d->sent_users, id) ? id_list_add(&m->list, id) : 0;
}

static int members_leave(void *context, unsigned depth)
{
	struct members *m = context;

	return depth == 1 ? id_list_flush(&m->list) : 0;
}

int part_members(struct document *d, int fd, bool bind)
{
	struct members m = {
		.d = d,
		.list = { .send = d->sink->membership, .context = d->sink->context },
		.cursor = cursor_new(d),
		.bind = bind,
	};
	const struct scan_handler h = { members_begin, members_take, members_leave, &m, OBJECT_ID_SIZE + 2, NULL };
	int r = part_scan(d, fd, &d->at[PART_GROUPS], &h);

	buf_done(&m.list.ids);
	return r;
}
