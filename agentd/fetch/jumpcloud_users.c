/* The records of bound users, a page of ids at a time, and what is scheduled for them. */
#include "agentd/fetch/jumpcloud_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIELDS(s)                                                                         \
	"_id" s "username" s "systemUsername" s "state" s "activated" s "suspended" s     \
	"account_locked" s "account_locked_date" s "password_expired" s "password_date" s \
	"password_expiration_date" s "password_never_expires" s "created" s "unix_uid" s  \
	"unix_guid" s "displayname" s "email" s "sudo" s "passwordless_sudo" s            \
	"allow_public_key" s "public_key" s "ssh_keys" s "mfa" s "totp_enabled" s         \
	"disableDeviceMaxLoginAttempts" s "organization"

#define RECORDS	  "users"
#define SCHEDULED "scheduled states"

/* What came of one bound user. */
struct user_record {
	const struct bound_user *bound;
	struct buf text; /* the object as it came; empty: none */
	uint32_t n_keys;
	bool bad_unicode;
	struct scheduled_change scheduled[ACCOUNT_SCHEDULED_MAX];
	uint32_t n_scheduled;
};

struct batch {
	struct user_record records[JUMPCLOUD_PAGE];
	uint32_t n;
};

static void batch_done(struct batch *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		buf_done(&b->records[i].text);
}

static int compare_record(const void *key, const void *member)
{
	return strcmp(key, ((const struct user_record *)member)->bound->id);
}

/* NULL: not one of those. */
static struct user_record *find_record(struct batch *b, const char *id)
{
	return bsearch(id, b->records, b->n, sizeof(b->records[0]), compare_record);
}

static int keep_text(struct user_record *r, const struct scan_value *value)
{
	r->n_keys = value->n_keys;
	r->bad_unicode = value->bad_unicode;
	return buf_add(&r->text, value->data, value->len);
}

/*
 * Whom nobody asked for is nobody's business; a filter that is not understood finds everybody. What cannot be parsed may be
 * of one user's making: he is asked for alone then, and no other is kept from being read.
 */
static int take_record(struct jumpcloud *j, void *context, const struct scan_value *value)
{
	struct user_record *record;
	struct json_node n;
	const char *id;
	int r = jumpcloud_parse(j, RECORDS, value, &n);

	if (r < 0)
		return r == -EBADMSG ? 0 : r;
	if (!json_is_object(&n) || object_id_read(&n, &id) < 0)
		return jumpcloud_fail(j, -EBADMSG, RECORDS, "one without an id");
	record = find_record(context, id);
	if (!record)
		return 0;
	if (record->text.len)
		return jumpcloud_fail(j, -EBADMSG, RECORDS, "%s is there twice", id);
	return keep_text(record, value);
}

static int take_scheduled(struct jumpcloud *j, void *context, const struct scan_value *value)
{
	struct scheduled_change change = { .at = 0 };
	struct user_record *record;
	struct json_node n;
	const char *id, *state;
	int r = jumpcloud_parse(j, SCHEDULED, value, &n);

	if (r < 0)
		return r;
	if (!json_is_object(&n) ||
	    json_get_text(&n, JSON_FIELD("systemUserId", "id"), OBJECT_ID_SIZE, &id) <= 0 ||
	    json_get_text(&n, JSON_FIELD("state", "state"), 32, &state) <= 0 ||
	    json_get_time(&n, JSON_FIELD("scheduledDate", "date"), &change.at) <= 0)
		return jumpcloud_fail(j, -EBADMSG, SCHEDULED, "one without user, state or date");
	record = find_record(context, id);
	if (!record || user_state_parse(state, &change.state) < 0 || change.state == USER_STAGED)
		return 0;
	if (record->n_scheduled == ACCOUNT_SCHEDULED_MAX)
		return jumpcloud_fail(j, -EBADMSG, SCHEDULED, "more than %d for %s", ACCOUNT_SCHEDULED_MAX, id);
	record->scheduled[record->n_scheduled++] = change;
	return 0;
}

/* Ids need no encoding in a URL or in JSON. HEAD id JOINT id … id TAIL. */
static int join_ids(const struct batch *b, const char *head, const char *joint, const char *tail, struct buf *ret)
{
	int r = buf_add(ret, head, strlen(head));

	for (uint32_t i = 0; r == 0 && i < b->n; i++) {
		r = i > 0 ? buf_add(ret, joint, strlen(joint)) : 0;
		if (r == 0)
			r = buf_add(ret, b->records[i].bound->id, strlen(b->records[i].bound->id));
	}
	return r < 0 ? r : buf_add(ret, tail, strlen(tail) + 1);
}

/* Where a role or a plan does not have it, the state alone is known. */
static int ask_scheduled(struct jumpcloud *j, struct batch *b)
{
	const struct jumpcloud_list list = {
		.what = SCHEDULED,
		.items_key = "results",
		.count_key = "events_count",
		.item = take_scheduled,
		.context = b,
	};
	CLEANUP(buf_done) struct buf path = { 0 };
	int r;

	if (j->unscheduled)
		return 0;
	r = join_ids(b, "/v2/bulk/userstates/eventlist/next?users=", ",", "&", &path);
	if (r == 0)
		r = jumpcloud_pages(j, &list, (const char *)path.data);
	j->unscheduled = r < 0 && jumpcloud_optional(r) == 0;
	return jumpcloud_optional(r);
}

static int ask_records(struct jumpcloud *j, struct batch *b)
{
	const struct jumpcloud_list list = {
		.what = RECORDS,
		.items_key = "results",
		.count_key = "totalCount",
		.item = take_record,
		.context = b,
	};
	CLEANUP(buf_done) struct buf post = { 0 };
	int r = join_ids(b, "{\"filter\":{\"or\":[{\"_id\":\"", "\"},{\"_id\":\"",
			 "\"}]},\"fields\":\"" FIELDS(" ") "\",\"limit\":100,\"skip\":0}", &post);

	return r < 0 ? r : jumpcloud_get(j, &list, "/search/systemusers", (const char *)post.data, NULL, NULL);
}

static int take_single(struct jumpcloud *j, void *context, const struct scan_value *value)
{
	struct user_record *record = context;
	struct json_node n;
	const char *id;
	int r = jumpcloud_parse(j, RECORDS, value, &n);

	if (r < 0)
		return r;
	if (!json_is_object(&n) || object_id_read(&n, &id) < 0 || strcmp(id, record->bound->id) != 0)
		return jumpcloud_fail(j, -EBADMSG, RECORDS, "not the one that was asked for");
	return keep_text(record, value);
}

static int ask_single(struct jumpcloud *j, struct user_record *record)
{
	const struct jumpcloud_list list = { .what = RECORDS, .single = true, .item = take_single, .context = record };
	AUTO_FREE char *path = str_format("/systemusers/%s?fields=" FIELDS("%%20"), record->bound->id);

	j->fault.reason[0] = '\0';
	return path ? jumpcloud_get(j, &list, path, NULL, NULL, NULL) : -ENOMEM;
}

static int reject_record(struct jumpcloud *j, const struct user_record *record)
{
	return jumpcloud_reject(j, &(struct reject){ "user", record->bound->id, "", j->fault.reason, j->fault.detail });
}

/*
 * Who was not among the others. Who is gone by now is not told at all: whether that is to be believed is musterd's to say
 * (agentd/guard.h). Who may not be read, or is one too many, is kept.
 */
static int find_missing(struct jumpcloud *j, struct user_record *record)
{
	int r = -EPERM;

	if (j->n_singles < JUMPCLOUD_SINGLES_MAX) {
		j->n_singles++;
		r = ask_single(j, record);
	}
	if (r == -EPERM)
		return id_list_add(&j->kept, record->bound->id);
	if (r == -EBADMSG && j->fault.reason[0])
		return reject_record(j, record);
	return r == -ENOENT ? 0 : r;
}

/* All users are of one. */
static void read_organisation(struct jumpcloud *j, const struct json_node *n)
{
	const char *id;

	if (json_get_text(n, JSON_FIELD("organization", "org"), OBJECT_ID_SIZE - 1, &id) > 0 && object_id_valid(id))
		memcpy(j->org_id, id, strlen(id) + 1);
}

/* 0, *RET; -EINVAL he cannot be taken, J's fault says why. Good until the next one is read. */
static int read_account(struct jumpcloud *j, const struct user_record *record, struct account *ret)
{
	const struct scan_value value = { (const char *)record->text.data, record->text.len, record->n_keys,
					  record->bad_unicode };
	struct json_node n;
	int r = jumpcloud_parse(j, RECORDS, &value, &n);

	j->user.api = true;
	j->user.drop = jumpcloud_reject;
	j->user.context = j;
	if (r == 0)
		r = user_read(&j->user, &n, ret);
	if (r < 0)
		return r;
	if (!*j->org_id)
		read_organisation(j, &n);
	ret->sudo_nopasswd = ret->sudo_nopasswd || record->bound->sudo_nopasswd;
	ret->sudo = ret->sudo || record->bound->sudo;
	for (uint32_t i = 0; i < record->n_scheduled; i++)
		account_schedule(ret, record->scheduled[i]);
	return 0;
}

static int tell(struct jumpcloud *j, const struct user_record *record)
{
	struct account a;
	int r = read_account(j, record, &a);

	if (r == -EINVAL)
		return jumpcloud_reject(j, &(struct reject){ "user", a.id, a.name, j->fault.reason, j->fault.detail });
	return r < 0 ? r : j->sink->account(j->sink->context, &a);
}

static int ask_batch(struct jumpcloud *j, struct batch *b)
{
	int r = ask_scheduled(j, b);

	if (r == 0)
		r = ask_records(j, b);
	for (uint32_t i = 0; r == 0 && i < b->n; i++) {
		struct user_record *record = &b->records[i];

		if (!record->text.len)
			r = find_missing(j, record);
		if (r == 0 && record->text.len)
			r = tell(j, record);
	}
	return r;
}

int jumpcloud_users(struct jumpcloud *j)
{
	uint32_t n = bound_users_n(j), done = 0;
	int r = 0;

	while (r == 0 && done < n) {
		AUTO_FREE struct batch *b = calloc(1, sizeof(*b));

		if (!b)
			return -ENOMEM;
		for (; b->n < JUMPCLOUD_PAGE && done < n; b->n++)
			b->records[b->n].bound = bound_user_at(j, done++);
		r = ask_batch(j, b);
		batch_done(b);
	}
	return r < 0 ? r : id_list_flush(&j->kept);
}

int jumpcloud_refresh(const struct jumpcloud_api *api, const struct jumpcloud_options *options, const char *id,
		      const struct document_sink *sink, char ret_text[static JUMPCLOUD_TEXT_SIZE])
{
	CLEANUP(jumpcloud_done) struct jumpcloud j = {
		.api = api, .options = options, .sink = sink, .text = ret_text
	};
	struct id_list gone = { .send = sink->removed, .context = sink->context, .group_id = "" };
	struct bound_user bound = { .sudo = false };
	struct user_record record = { .bound = &bound };
	bool gone_by_now, unreadable;
	int r;

	memcpy(bound.id, id, strnlen(id, sizeof(bound.id) - 1));
	r = ask_single(&j, &record);
	gone_by_now = r == -ENOENT;
	unreadable = r == -EPERM || (r == -EBADMSG && j.fault.reason[0]); /* his alone, when the list can be read */
	/* 404 is also said where nothing is known at all, as of an organisation that is not there: then the list is not either */
	if (r == 0 || gone_by_now || unreadable)
		r = jumpcloud_bound_user(&j, id, &bound);
	if (r > 0 && unreadable) { /* he stays as he was last known, until a sync has more to say */
		gone.send = sink->kept;
		r = id_list_add(&gone, id);
		if (r == 0)
			r = id_list_flush(&gone);
	} else if (r > 0 && !gone_by_now) {
		struct account a;

		r = read_account(&j, &record, &a);
		if (r == -EINVAL) /* as in a sync: who cannot be taken is left out */
			r = jumpcloud_reject(&j, &(struct reject){ "user", id, a.name, j.fault.reason, j.fault.detail });
		else if (r == 0)
			r = sink->account(sink->context, &a);
	} else if (r >= 0) {
		r = id_list_add(&gone, id);
		if (r == 0)
			r = id_list_flush(&gone);
	}
	buf_done(&record.text);
	buf_done(&gone.ids);
	return r;
}
