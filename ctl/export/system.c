/* One system: ask, compare with what the file said, and write it when that is safe. */
#include <errno.h>
#include <string.h>

#include "agentd/guard_rule.h"
#include "agentd/source.h"
#include "common/names.h"
#include "ctl/directory/tree.h"
#include "ctl/export/document.h"
#include "ctl/export/export.h"
#include "ctl/text.h"

/* So often a file is written again that says the same, since each endpoint then asks for all of it: leases are longer. */
#define CONFIRM_S   900
#define REMOVED_MAX 10000 /* who left long ago is told no more */

static struct json_object *users_of(const struct json_object *doc)
{
	return doc ? tree_array(doc, "users") : NULL;
}

static uint32_t count_of(const struct json_object *list)
{
	return list ? (uint32_t)json_object_array_length(list) : 0;
}

/* The ids in LIST, an array of objects or of ids, as the keys of an object. NULL: out of memory. */
static struct json_object *ids_of(const struct json_object *list)
{
	struct json_object *ids = json_object_new_object();

	for (uint32_t i = 0; ids && i < count_of(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		const char *id = json_object_is_type(item, json_type_string) ? json_object_get_string(item)
									     : tree_text_or_empty(item, "id");

		if (json_object_object_add(ids, id, NULL) < 0) {
			json_object_put(ids);
			return NULL;
		}
	}
	return ids;
}

static bool has(const struct json_object *ids, const char *id)
{
	return json_object_object_get_ex(ids, id, NULL);
}

static int add_text(struct json_object *list, const char *text)
{
	struct json_object *item = json_object_new_string(text);

	if (item && json_object_array_add(list, item) == 0)
		return 0;
	json_object_put(item);
	return -ENOMEM;
}

/* Ids of LIST that are in none of the three go to OUT, and are known there. */
static int add_absent(const struct json_object *list, const struct json_object *present,
		      const struct json_object *left_out, struct json_object *known, struct json_object *out)
{
	for (uint32_t i = 0; i < count_of(list) && count_of(out) < REMOVED_MAX; i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		const char *id = json_object_is_type(item, json_type_string) ? json_object_get_string(item)
									     : tree_text_or_empty(item, "id");

		if (has(present, id) || has(left_out, id) || has(known, id))
			continue;
		if (add_text(out, id) < 0 || json_object_object_add(known, id, NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

/*
 * Who was in the old document and is bound no more is named, so that endpoints need not guess; for good,
 * since one may have been off line for long. Not who is left out for a fault in his record.
 */
static int name_removed(struct json_object *old, struct json_object *doc, const struct json_object *left_out)
{
	struct json_object *present = ids_of(users_of(doc)), *faulty = ids_of(left_out);
	struct json_object *known = json_object_new_object(), *out = json_object_new_array();
	int r = present && faulty && known && out ? 0 : -ENOMEM;

	if (r == 0)
		r = add_absent(tree_array(doc, "removed"), present, faulty, known, out);
	if (r == 0)
		r = add_absent(users_of(old), present, faulty, known, out);
	if (r == 0 && old)
		r = add_absent(tree_array(old, "removed"), present, faulty, known, out);
	json_object_object_del(doc, "removed");
	if (r == 0 && count_of(out) && json_object_object_add(doc, "removed", json_object_get(out)) < 0)
		r = -ENOMEM;
	json_object_put(present);
	json_object_put(faulty);
	json_object_put(known);
	json_object_put(out);
	return r;
}

static int count_missing(struct json_object *old, struct json_object *doc, uint32_t *ret)
{
	struct json_object *present = ids_of(users_of(doc));

	if (!present)
		return -ENOMEM;
	*ret = 0;
	for (uint32_t i = 0; i < count_of(users_of(old)); i++)
		*ret += !has(present, tree_text_or_empty(json_object_array_get_idx(users_of(old), i), "id"));
	json_object_put(present);
	return 0;
}

/* Does it say the same, but for serial and times? Takes them out of OLD. */
static bool same(struct json_object *old, struct json_object *doc)
{
	if (!old)
		return false;
	json_object_object_del(old, "serial");
	json_object_object_del(old, "made_at");
	json_object_object_del(old, "confirmed_at");
	return json_object_equal(old, doc);
}

/* Takes VALUE over; NULL is -ENOMEM. */
static int put(struct json_object *doc, const char *key, struct json_object *value)
{
	if (value && json_object_object_add(doc, key, value) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

static int stamp(struct json_object *doc, int64_t serial, int64_t made_at, int64_t confirmed_at)
{
	int r = put(doc, "serial", json_object_new_int64(serial));

	if (r == 0)
		r = put(doc, "made_at", time_to_json(made_at));
	return r < 0 ? r : put(doc, "confirmed_at", time_to_json(confirmed_at));
}

/* The file says what it should; from time to time also that somebody has asked. */
static int keep(const struct target *t, const struct export_options *o, struct json_object *doc, int64_t made_at,
		int64_t confirmed_at, struct export_result *ret)
{
	int r;

	if (confirmed_at <= o->now && o->now - confirmed_at < CONFIRM_S) {
		r = target_keep(t, &ret->fault);
	} else {
		r = stamp(doc, ret->serial, made_at, o->now);
		if (r == 0)
			r = target_save(t, doc, &ret->fault);
	}
	ret->outcome = r == 0 ? EXPORT_UNCHANGED : EXPORT_FAILED;
	return r;
}

static int write_new(const struct target *t, const struct export_options *o, struct json_object *old,
		     struct json_object *doc, struct export_result *ret)
{
	int64_t made_at = o->now, confirmed_at = 0;
	int r;

	ret->serial = 0;
	if (old && !tree_int(old, "serial", &ret->serial))
		ret->serial = 0;
	if (old && !tree_time(old, "made_at", &made_at))
		made_at = o->now;
	if (old && !tree_time(old, "confirmed_at", &confirmed_at))
		confirmed_at = 0;
	r = name_removed(old, doc, ret->left_out);
	if (r == 0 && same(old, doc))
		return keep(t, o, doc, made_at, confirmed_at, ret);
	/* Above the old one, and above any that was written before the file was lost. */
	ret->serial = ret->serial + 1 > o->now ? ret->serial + 1 : o->now;
	if (r == 0)
		r = stamp(doc, ret->serial, o->now, o->now);
	if (r == 0)
		r = target_save(t, doc, &ret->fault);
	if (r == 0)
		ret->outcome = EXPORT_WRITTEN;
	return r;
}

static int compare_and_write(const struct target *t, const struct export_options *o,
			     const struct stage *stage, struct json_object *old, struct export_result *ret)
{
	struct json_object *doc = NULL;
	int r = document_make(stage, old, ret->left_out, &doc);

	if (r < 0)
		return r;
	ret->users = count_of(users_of(doc));
	ret->groups = count_of(tree_array(doc, "groups"));
	r = count_missing(old, doc, &ret->missing);
	if (r == 0 && !o->accept_removals &&
	    (ret->users == 0 || guard_many(count_of(users_of(old)), ret->missing, false)))
		ret->outcome = EXPORT_HELD;
	else if (r == 0)
		r = write_new(t, o, old, doc, ret);
	json_object_put(doc);
	return r;
}

static int fetch(const struct conf *c, const struct export_options *o, struct stage *stage, struct fault *f)
{
	CLEANUP(source_close) struct source source = {.document = -1, .fetch_fd = -1};
	struct fetcher_reply reply;
	char error[SOURCE_ERROR_SIZE];
	int r = source_open(c, &source, error);

	if (r == 0)
		r = source_fetch(&source, o->local, "", stage, &reply, error);
	return r < 0 ? fault_set(f, r, "%s", error) : 0;
}

void export_system(const struct conf *c, const struct export_options *o, struct export_result *ret)
{
	CLEANUP(stage_done) struct stage stage = {.fd = -1};
	struct target t = {.dir_fd = o->dir_fd, .name = ret->name, .group = o->group};
	struct json_object *old = NULL;
	int r = str_print(ret->name, sizeof(ret->name), "%s.json", c->system_id);

	ret->left_out = json_object_new_array();
	if (r == 0 && !ret->left_out)
		r = -ENOMEM;
	if (r == 0)
		r = target_load(&t, &old, &ret->fault);
	if (r == 0)
		r = fetch(c, o, &stage, &ret->fault);
	if (r == 0)
		r = compare_and_write(&t, o, &stage, old, ret);
	if (r < 0 && !ret->fault.text[0])
		fault_set(&ret->fault, r, "%s", strerror(-r));
	json_object_put(old);
}

static int take_systems(const struct stage *stage, struct buf *ids)
{
	CLEANUP(stage_walk_done) struct stage_walk walk = {.stage = stage};
	struct membership m;
	int r;

	while ((r = stage_next(&walk)) > 0) {
		if (record_kind(walk.record, walk.place.len) != RECORD_MEMBERSHIP)
			continue;
		r = record_membership_unpack(walk.record, walk.place.len, &m);
		for (const char *id = NULL; r == 0 && (id = strlist_next(&m.user_ids, id));)
			r = object_id_valid(id) ? buf_add(ids, id, strlen(id) + 1) : -EPROTO;
		if (r < 0)
			return r;
	}
	return r;
}

int export_systems(const struct conf *c, const struct export_options *o, struct buf *ids, struct fault *f)
{
	CLEANUP(source_close) struct source source = {.document = -1, .fetch_fd = -1};
	CLEANUP(stage_done) struct stage stage = {.fd = -1};
	char error[SOURCE_ERROR_SIZE];
	int r;

	if (c->driver != CONF_DRIVER_JUMPCLOUD)
		return fault_set(f, -EINVAL,
				 "--all: only the driver jumpcloud knows which systems there are");
	r = source_open(c, &source, error);
	if (r == 0)
		r = source_systems(&source, o->local, &stage, error);
	if (r < 0)
		return fault_set(f, r, "%s", error);
	r = take_systems(&stage, ids);
	if (r < 0)
		return fault_set(f, r, "the list of systems: %s", strerror(-r));
	return ids->len ? 0 : fault_set(f, -ENOENT, "the organisation has no system that this key may see");
}

void export_result_done(struct export_result *r)
{
	json_object_put(r->left_out);
	r->left_out = NULL;
}
