/* The whole of a document: what is in it, where, and in which order its parts are read. */
#include "agentd/fetch/document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agentd/fetch/document_private.h"

#define CHUNK_SIZE (256u << 10) /* few users lie across two of them */
#define TIME_TEXT_MAX 64

static const struct {
	const char *key;
	char type;
} parts[PART_COUNT] = {
	[PART_USERS] = { "users", '[' },       [PART_GROUPS] = { "groups", '[' },
	[PART_BINDINGS] = { "bindings", '{' }, [PART_REMOVED] = { "removed", '[' },
	[PART_POLICY] = { "policy", '{' },     [PART_FORMAT] = { "format", '"' },
	[PART_SERIAL] = { "serial", '0' },   [PART_CONFIRMED_AT] = { "confirmed_at", '"' },
};

static int begin_part(struct document *d, const struct scan_at *at)
{
	enum part part = PART_COUNT - 1;

	while (part > PART_NONE && strcmp(parts[part].key, at->key) != 0)
		part--;
	if (part == PART_NONE || at->type == 'n')
		return SCAN_SKIP;
	if (d->at[part].type)
		return scan_fail(d->result->text, at, "\"%s\" is here twice", at->key);
	if (at->type != parts[part].type)
		return scan_fail(d->result->text, at, "\"%s\" is of the wrong type", at->key);
	d->at[part] = *at;
	d->at[part].depth = 0;
	d->part = part;
	if (part == PART_USERS || part == PART_GROUPS)
		return SCAN_ENTER;
	return part == PART_FORMAT || part == PART_SERIAL || part == PART_CONFIRMED_AT ? SCAN_TAKE : SCAN_SKIP;
}

static int begin_element(struct document *d, const struct scan_at *at)
{
	int r;

	d->element_id[0][0] = d->element_id[1][0] = '\0';
	if (d->part == PART_USERS)
		d->result->users++;
	if (at->type == '{')
		return SCAN_ENTER;
	if (d->part == PART_GROUPS) {
		r = buf_add(&d->group_ids, "", 1);
		if (r < 0)
			return r;
		d->n_groups++;
	}
	return SCAN_SKIP;
}

static int outline_begin(void *context, const struct scan_at *at)
{
	struct document *d = context;

	switch (at->depth) {
	case 0:
		if (at->type != '{')
			return scan_fail(d->result->text, at, "not an object");
		return SCAN_ENTER;
	case 1:
		return begin_part(d, at);
	case 2:
		return begin_element(d, at);
	}
	return strcmp(at->key, "id") == 0 || strcmp(at->key, "_id") == 0 ? SCAN_TAKE : SCAN_SKIP;
}

static int take_format(struct document *d, const struct scan_at *at, const struct json_node *n)
{
	const char *format = json_text(n, sizeof(DOCUMENT_FORMAT));

	if (!format || strcmp(format, DOCUMENT_FORMAT) != 0)
		return scan_fail(d->result->text, at, "\"format\" is not \"" DOCUMENT_FORMAT "\"");
	return 0;
}

static int take_confirmed_at(struct document *d, const struct scan_at *at, const struct json_node *n)
{
	const char *time = json_text(n, TIME_TEXT_MAX);

	if (!time || parse_time(time, &d->result->confirmed_at) < 0)
		return scan_fail(d->result->text, at, "\"confirmed_at\" is not a time");
	return 0;
}

static int take_serial(struct document *d, const struct scan_at *at, const struct json_node *n)
{
	if (json_u53(n, &d->result->serial) < 0)
		return scan_fail(d->result->text, at,
				 "\"serial\" is not a whole number from 0 to 2^53-1");
	return 0;
}

static int outline_take(void *context, const struct scan_at *at, const struct scan_value *value)
{
	struct document *d = context;
	struct json_node n;
	const char *id;
	int r = json_parse(&d->json, value, &d->fault, &n);

	if (r == -ENOMEM)
		return r;
	if (at->depth > 1) { /* whether it can be used is the parts' question */
		id = r < 0 ? NULL : json_text(&n, OBJECT_ID_SIZE - 1);
		if (id && object_id_valid(id))
			memcpy(d->element_id[at->key[0] == '_'], id, strlen(id) + 1);
		return 0;
	}
	if (r < 0)
		return scan_fail(d->result->text, at, "%s", d->fault.detail);
	if (d->part == PART_FORMAT)
		return take_format(d, at, &n);
	return d->part == PART_SERIAL ? take_serial(d, at, &n) : take_confirmed_at(d, at, &n);
}

static int census_add_hash(struct id_census *census, uint64_t id)
{
	int r = idset_add_hash(&census->seen, id);

	return r == 0 ? idset_add_hash(&census->twice, id) : r;
}

static int census_add(struct id_census *census, const char *id)
{
	return *id ? census_add_hash(census, idset_hash(id)) : 1;
}

/* A user with the very bytes that he had in the document before: they were good. */
static ssize_t outline_known(void *context, const struct scan_at *at, const char *data, size_t len)
{
	struct document *d = context;
	const struct known_user *u;
	int r;

	if (at->depth != 2 || d->part != PART_USERS)
		return 0;
	u = known_next(d->options->known, data, len);
	if (!u)
		return 0;
	d->result->users++;
	r = census_add_hash(&d->users, u->id);
	return r < 0 ? r : (ssize_t)u->len;
}

/* An element of users or groups has ended: which one was it? */
static int outline_leave(void *context, unsigned depth)
{
	struct document *d = context;
	struct id_census *census = d->part == PART_USERS ? &d->users : &d->groups;
	const char *id = d->element_id[0], *_id = d->element_id[1];
	int r;

	if (depth != 2)
		return 0;
	if (d->options->known && d->part == PART_USERS && (*id || *_id))
		known_pass(d->options->known, idset_hash(*id ? id : _id));
	r = census_add(census, id);
	if (r >= 0 && strcmp(id, _id) != 0)
		r = census_add(census, _id);
	if (r >= 0 && d->part == PART_GROUPS) {
		if (!*id)
			id = _id;
		else if (*_id && strcmp(id, _id) != 0)
			id = "";
		r = buf_add(&d->group_ids, id, strlen(id) + 1);
		d->n_groups++;
	}
	if (r == -EFBIG)
		snprintf(d->result->text, DOCUMENT_TEXT_SIZE, "more than %u users or groups",
			 IDSET_MAX);
	return r;
}

int document_new(const struct document_options *options, const struct document_sink *sink,
		 struct document_result *result, struct document **ret)
{
	struct document *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	*result = (struct document_result){ 0 };
	d->options = options;
	d->user.passwords_elsewhere = options->passwords_elsewhere;
	d->sink = sink;
	d->result = result;
	d->handler = (struct scan_handler){ .begin = outline_begin,
					    .take = outline_take,
					    .leave = outline_leave,
					    .known = options->known ? outline_known : NULL,
					    .context = d,
					    .take_max = SCAN_TEXT_SIZE };
	scanner_init(&d->scanner, &d->handler);
	if (options->known)
		known_begin(options->known);
	*ret = d;
	return 0;
}

void document_free(struct document *d)
{
	if (!d)
		return;
	if (d->options->known)
		known_end(d->options->known, d->whole);
	scanner_done(&d->scanner);
	json_parser_done(&d->json);
	user_reader_done(&d->user);
	buf_done(&d->group_ids);
	buf_wipe(&d->packed);
	idset_done(&d->users.seen);
	idset_done(&d->users.twice);
	idset_done(&d->groups.seen);
	idset_done(&d->groups.twice);
	idset_done(&d->bound_users);
	idset_done(&d->bound_groups);
	idset_done(&d->sent_users);
	idset_done(&d->sent_groups);
	idset_done(&d->told);
	free(d);
}

void document_freep(struct document **d)
{
	document_free(*d);
}

/* Every error leaves a sentence in the result: a handler's, the scanner's, or the system's. */
static int outcome(struct document *d, int r)
{
	const char *text = scanner_text(&d->scanner);

	if (r < 0 && !d->result->text[0])
		snprintf(d->result->text, DOCUMENT_TEXT_SIZE, "%s", *text ? text : strerror(-r));
	return r;
}

int document_feed(struct document *d, const void *data, size_t len)
{
	return outcome(d, scanner_feed(&d->scanner, data, len));
}

static int outline_check(struct document *d)
{
	int r = scanner_finish(&d->scanner);

	if (r < 0)
		return r;
	for (enum part part = PART_NONE; part < PART_COUNT; part++)
		if ((part == PART_FORMAT || part == PART_USERS) && !d->at[part].type) {
			snprintf(d->result->text, DOCUMENT_TEXT_SIZE, "\"%s\" is missing",
				 parts[part].key);
			return -EBADMSG;
		}
	return 0;
}

/* Each needs what those before it have found. */
static int read_parts(struct document *d, int fd)
{
	int r = outline_check(d);

	d->all_bound = d->options->everywhere || !d->at[PART_BINDINGS].type;
	if (r == 0 && d->at[PART_POLICY].type)
		r = part_policy(d, fd);
	if (r == 0 && d->at[PART_REMOVED].type)
		r = part_removed(d, fd);
	if (r == 0 && !d->all_bound)
		r = part_bindings(d, fd);
	if (r == 0 && d->bound_groups.count && d->at[PART_GROUPS].type)
		r = part_members(d, fd, true);
	if (r == 0)
		r = part_users(d, fd);
	if (r == 0 && d->at[PART_GROUPS].type)
		r = part_groups(d, fd);
	if (r == 0 && d->at[PART_GROUPS].type)
		r = part_members(d, fd, false);
	return r;
}

int document_parts(struct document *d, int fd)
{
	int r = read_parts(d, fd);

	d->whole = r == 0;
	return outcome(d, r);
}

/* Up to SIZE bytes at OFFSET; 0 at the end. */
static ssize_t read_at(int fd, void *out, size_t size, uint64_t offset)
{
	ssize_t n;

	do
		n = pread(fd, out, size, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int part_scan(struct document *d, int fd, const struct scan_at *at,
	      const struct scan_handler *handler)
{
	AUTO_FREE char *chunk = malloc(CHUNK_SIZE);
	struct scanner s;
	uint64_t offset = at->offset;
	ssize_t n;
	int r = chunk ? 0 : -ENOMEM;

	scanner_init_part(&s, handler, at);
	while (r == 0) {
		n = read_at(fd, chunk, CHUNK_SIZE, offset);
		if (n <= 0) { /* the outline got further */
			r = n < 0 ? (int)n : -EAGAIN;
			break;
		}
		r = scanner_feed(&s, chunk, (size_t)n);
		offset += (uint64_t)n;
	}
	if (r < 0 && !d->result->text[0])
		snprintf(d->result->text, DOCUMENT_TEXT_SIZE, "%s", scanner_text(&s));
	scanner_done(&s);
	return r < 0 ? r : 0;
}

static int feed_all(struct document *d, int fd)
{
	AUTO_FREE char *chunk = malloc(CHUNK_SIZE);
	uint64_t offset = 0;
	ssize_t n;
	int r = chunk ? 0 : -ENOMEM;

	while (r == 0 && (n = read_at(fd, chunk, CHUNK_SIZE, offset)) != 0) {
		if (n < 0)
			return outcome(d, (int)n);
		r = document_feed(d, chunk, (size_t)n);
		offset += (uint64_t)n;
	}
	return r;
}

/* Written to in place? The change time says nothing: it moves when another file is renamed over this one, which is whole. */
static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int document_read(int fd, const struct document_options *options, const struct document_sink *sink,
		  struct document_result *ret)
{
	CLEANUP(document_freep) struct document *d = NULL;
	struct stat before, after;
	int r = document_new(options, sink, ret, &d);

	if (r < 0)
		return r;
	if (fstat(fd, &before) < 0)
		return outcome(d, -errno);
	if (!S_ISREG(before.st_mode)) {
		snprintf(ret->text, sizeof(ret->text), "not a regular file");
		return -EINVAL;
	}
	r = feed_all(d, fd);
	if (r == 0)
		r = document_parts(d, fd);
	if (fstat(fd, &after) < 0 || !same_file(&before, &after)) {
		snprintf(ret->text, sizeof(ret->text),
			 "the document was changed while it was read");
		return -EAGAIN;
	}
	return r;
}
