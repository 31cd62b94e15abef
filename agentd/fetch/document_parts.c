/* What is in each part of a document but its users and groups. */
#include "agentd/fetch/document_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agentd/fetch/group.h"

#define ESCAPED_SIZE  256

int document_report(void *context, const struct reject *reject)
{
	struct document *d = context;
	char id[ESCAPED_SIZE], name[ESCAPED_SIZE], text[ESCAPED_SIZE], detail[ESCAPED_SIZE + 32];
	struct reject r = *reject;

	name_escape(r.id, id, sizeof(id));
	name_escape(r.name, name, sizeof(name));
	name_escape(r.detail, text, sizeof(text));
	snprintf(detail, sizeof(detail), "line %" PRIu32 "%s%s", d->element.line, *text ? ": " : "",
		 text);
	r.id = id;
	r.name = name;
	r.detail = detail;
	d->n_reports++;
	return d->sink->reject(d->sink->context, &r);
}

int document_report_fault(struct document *d, const char *kind, const char *id, const char *name)
{
	const struct reject r = { .kind = kind,
				  .id = id,
				  .name = name,
				  .reason = d->fault.reason,
				  .detail = d->fault.detail };

	return document_report(d, &r);
}

int document_report_twice(struct document *d, const char *kind, const char *id, const char *name)
{
	const struct reject r = { .kind = kind,
				  .id = id,
				  .name = name,
				  .reason = "id_duplicate",
				  .detail = "more than one has this id" };
	int new = idset_add(&d->told, id);

	return new > 0 ? document_report(d, &r) : new;
}

/* Handlers that take one value whole. */
static int take_all(void *context, const struct scan_at *at)
{
	(void)context;
	(void)at;
	return SCAN_TAKE;
}

int leave_nothing(void *context, unsigned depth)
{
	(void)context;
	(void)depth;
	return 0;
}

static int policy_take(void *context, const struct scan_at *at, const struct scan_value *value)
{
	struct document *d = context;
	struct lockout_policy p;
	struct json_node n;
	int r;

	d->fault.reason[0] = '\0';
	r = json_parse(&d->json, value, &d->fault, &n);
	if (r == 0)
		r = lockout_read(&n, &p);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return scan_fail(d->result->text, at, "\"policy\": %s", d->fault.detail);
	return d->sink->lockout(d->sink->context, &p);
}

int part_policy(struct document *d, int fd)
{
	const struct scan_handler h = { take_all, policy_take, leave_nothing, d, DOCUMENT_ELEMENT_MAX, NULL };

	return part_scan(d, fd, &d->at[PART_POLICY], &h);
}

int document_id_take(struct document *d, const struct scan_at *at, const struct scan_value *value,
		     const char **ret)
{
	struct json_node n;
	int r = json_parse(&d->json, value, &d->fault, &n);

	d->element = *at;
	*ret = r < 0 ? NULL : json_text(&n, OBJECT_ID_SIZE - 1);
	if (*ret && !object_id_valid(*ret))
		*ret = NULL;
	return r == -ENOMEM ? r : 0;
}

int document_report_member(struct document *d, const char *group_id)
{
	return document_report(
		d, &(struct reject){ "member", group_id, "", "id_invalid", "in a list of ids" });
}

struct removals {
	struct document *d;
	struct id_list list;
};

static int removed_begin(void *context, const struct scan_at *at)
{
	(void)context;
	return at->depth == 0 ? SCAN_ENTER : SCAN_TAKE;
}

static int removed_take(void *context, const struct scan_at *at, const struct scan_value *value)
{
	struct removals *m = context;
	const char *id;
	int r = document_id_take(m->d, at, value, &id);

	if (r < 0)
		return r;
	return id ? id_list_add(&m->list, id) : document_report_member(m->d, "");
}

int part_removed(struct document *d, int fd)
{
	struct removals m = { d, { d->sink->removed, d->sink->context, "", { 0 }, 0 } };
	const struct scan_handler h = { removed_begin, removed_take, leave_nothing, &m, OBJECT_ID_SIZE + 2, NULL };
	int r = part_scan(d, fd, &d->at[PART_REMOVED], &h);

	if (r == 0)
		r = id_list_flush(&m.list);
	buf_done(&m.list.ids);
	return r;
}

struct bindings {
	struct document *d;
	struct idset *set; /* where the ids of this list belong */
};

/* The entry of this endpoint, by either of its names; both count together. */
static bool names_us(const struct document_options *o, const char *key)
{
	return *key && (strcmp(key, o->system_id) == 0 || strcasecmp(key, o->hostname) == 0);
}

static int bindings_begin(void *context, const struct scan_at *at)
{
	struct bindings *b = context;

	switch (at->depth) {
	case 0:
		return SCAN_ENTER;
	case 1:
		if (!names_us(b->d->options, at->key) || at->type == 'n')
			return SCAN_SKIP;
		if (at->type != '{')
			return scan_fail(b->d->result->text, at, "a binding is not an object");
		return SCAN_ENTER;
	case 2:
		b->set = strcmp(at->key, "users") == 0	  ? &b->d->bound_users
			 : strcmp(at->key, "groups") == 0 ? &b->d->bound_groups
							  : NULL;
		if (!b->set || at->type == 'n')
			return SCAN_SKIP;
		if (at->type != '[')
			return scan_fail(b->d->result->text, at,
					 "\"%s\" of a binding is not a list", at->key);
		return SCAN_ENTER;
	}
	return SCAN_TAKE;
}

static int bindings_take(void *context, const struct scan_at *at, const struct scan_value *value)
{
	struct bindings *b = context;
	const char *id;
	int r = document_id_take(b->d, at, value, &id);

	if (r < 0)
		return r;
	r = id ? idset_add(b->set, id) : document_report_member(b->d, "");
	return r < 0 ? r : 0;
}

int part_bindings(struct document *d, int fd)
{
	struct bindings b = { .d = d };
	const struct scan_handler h = { bindings_begin, bindings_take, leave_nothing, &b, OBJECT_ID_SIZE + 2, NULL };

	return part_scan(d, fd, &d->at[PART_BINDINGS], &h);
}
