/* The users of a document: those who are as they were in the one before, and those who have to be parsed. */
#include "agentd/fetch/document_private.h"

#include <errno.h>

#include "common/record.h"

static int users_begin(void *context, const struct scan_at *at)
{
	(void)context;
	return at->depth == 0 ? SCAN_ENTER : SCAN_TAKE;
}

/* Who is as he was, and may be so: bound as he was, and the only one with his id. */
static const struct known_user *same_user(struct document *d, const char *data, size_t len)
{
	const struct known_user *u = known_next(d->options->known, data, len);
	bool bound;

	if (!u || idset_has_hash(&d->users.twice, u->id))
		return NULL;
	bound = d->all_bound || idset_has_hash(&d->bound_users, u->id);
	return bound == (u->record_len > 0) ? u : NULL;
}

static ssize_t users_known(void *context, const struct scan_at *at, const char *data, size_t len)
{
	struct document *d = context;
	const struct known_user *u = at->depth == 1 ? same_user(d, data, len) : NULL;
	int r = 0;

	if (!u)
		return 0;
	if (u->record_len > 0) {
		r = idset_add_hash(&d->sent_users, u->id);
		if (r >= 0)
			r = d->options->packed(d->sink->context, known_record(d->options->known, u), u->record_len);
	}
	known_keep(d->options->known, u);
	return r < 0 ? r : (ssize_t)u->len;
}

/* Only of users bound here is anything said; of those without a usable id nobody knows. The id of one who is not, or NULL. */
static const char *id_elsewhere(const struct document *d, const struct json_node *n)
{
	struct json_fault ignored = { .reason = "" };
	const char *id;

	if (d->all_bound || object_id_read(&(struct json_node){ n->object, &ignored }, &id) < 0)
		return NULL;
	return idset_has(&d->bound_users, id) ? NULL : id;
}

/* In VALUE is the user with this id, from whom nothing but RECORD comes, or nothing at all. */
static void remember(struct document *d, const struct scan_value *value, const char *id, const struct buf *record)
{
	if (d->options->known)
		known_add(d->options->known, value->data, value->len, idset_hash(id), record);
}

/* Behind him those who follow him are looked for. */
static void pass(struct document *d, const char *id)
{
	if (d->options->known && *id)
		known_pass(d->options->known, idset_hash(id));
}

static int send_account(struct document *d, const struct account *a)
{
	int r;

	if (!d->options->known)
		return d->sink->account(d->sink->context, a);
	d->packed.len = 0;
	r = record_account_pack(a, &d->packed);
	return r < 0 ? r : d->options->packed(d->sink->context, d->packed.data, d->packed.len);
}

static int check_secrets(struct document *d, const struct scan_at *at, const struct json_node *n)
{
	if (d->options->secrets || (!json_present(n, "password_hash") && !json_present(n, "totp_secret")))
		return 0;
	scan_fail(d->result->text, at, "passwords or TOTP secrets in a document that anyone may fetch");
	return -EACCES;
}

static int user_found(struct document *d, const struct json_node *n, const struct scan_value *value)
{
	uint32_t n_reports = d->n_reports;
	const char *id = id_elsewhere(d, n);
	struct account a;
	int r;

	if (id) {
		pass(d, id);
		remember(d, value, id, NULL);
		return 0;
	}
	r = user_read(&d->user, n, &a);
	pass(d, a.id);
	if (*a.id && idset_has(&d->users.twice, a.id))
		return document_report_twice(d, "user", a.id, a.name);
	if (r == -EINVAL)
		return document_report_fault(d, "user", a.id, a.name);
	if (r == 0)
		r = idset_add(&d->sent_users, a.id);
	if (r >= 0)
		r = send_account(d, &a);
	if (r == 0 && d->n_reports == n_reports)
		remember(d, value, a.id, &d->packed);
	return r;
}

static int users_take(void *context, const struct scan_at *at, const struct scan_value *value)
{
	struct document *d = context;
	struct json_node n = { NULL, &d->fault };
	int r;

	d->element = *at;
	d->fault.reason[0] = '\0';
	r = json_parse(&d->json, value, &d->fault, &n);
	if (r == -EBADMSG)
		return document_report_fault(d, "user", "", "");
	if (r == 0)
		r = check_secrets(d, at, &n);
	return r < 0 ? r : user_found(d, &n, value);
}

int part_users(struct document *d, int fd)
{
	const struct scan_handler h = {
		.begin = users_begin,
		.take = users_take,
		.leave = leave_nothing,
		.known = d->options->known ? users_known : NULL,
		.context = d,
		.take_max = DOCUMENT_ELEMENT_MAX,
	};

	d->user.drop = document_report;
	d->user.context = d;
	if (d->options->known)
		known_again(d->options->known);
	return part_scan(d, fd, &d->at[PART_USERS], &h);
}
