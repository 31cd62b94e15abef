/* One reply to a request, item by item, and the pages of a list. */
#include "agentd/fetch/jumpcloud_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int jumpcloud_fail(struct jumpcloud *j, int r, const char *what, const char *format, ...)
{
	int len = snprintf(j->text, JUMPCLOUD_TEXT_SIZE, "%s: ", what);
	va_list args;

	va_start(args, format);
	vsnprintf(j->text + len, JUMPCLOUD_TEXT_SIZE - (size_t)len, format, args);
	va_end(args);
	return r;
}

int jumpcloud_parse(struct jumpcloud *j, const char *what, const struct scan_value *value, struct json_node *ret)
{
	int r;

	j->fault.reason[0] = '\0';
	r = json_parse(&j->json, value, &j->fault, ret);
	return r == -EBADMSG ? jumpcloud_fail(j, r, what, "%s", j->fault.detail) : r;
}

/* A reply on its way in. */
struct incoming {
	struct jumpcloud *j;
	const struct jumpcloud_list *list;
	struct scanner scanner;
	bool in_items, has_items;
	bool enough; /* nobody wants the items that follow */
	bool again;  /* the first one was on the page before */
	uint32_t n_items;
	int64_t total; /* count_key says; -1: nothing */
};

static int not_this(struct incoming *in, const struct scan_at *at, const char *why)
{
	char text[SCAN_TEXT_SIZE];
	int r = scan_fail(text, at, "%s", why);

	return jumpcloud_fail(in->j, r, in->list->what, "%s", text);
}

static int begin_key(struct incoming *in, const struct scan_at *at)
{
	const struct jumpcloud_list *l = in->list;

	if (strcmp(at->key, l->count_key) == 0)
		return in->total >= 0 ? not_this(in, at, "a count that is there twice") : SCAN_TAKE;
	if (strcmp(at->key, l->items_key) != 0)
		return SCAN_SKIP;
	if (at->type != '[' || in->has_items)
		return not_this(in, at, "not the one list that was asked for");
	in->has_items = in->in_items = true;
	return SCAN_ENTER;
}

static int on_begin(void *context, const struct scan_at *at)
{
	struct incoming *in = context;
	const struct jumpcloud_list *l = in->list;

	if (l->single || in->in_items)
		return SCAN_TAKE;
	if (at->depth > 0)
		return begin_key(in, at);
	if (at->type != (l->items_key ? '{' : '['))
		return not_this(in, at, "not what was asked for");
	in->has_items = in->in_items = !l->items_key;
	return SCAN_ENTER;
}

static int on_leave(void *context, unsigned depth)
{
	struct incoming *in = context;

	(void)depth;
	in->in_items = false;
	return 0;
}

static int take_count(struct incoming *in, const struct scan_at *at, const struct scan_value *value)
{
	struct json_node n;
	uint64_t count = 0;
	int r = jumpcloud_parse(in->j, in->list->what, value, &n);

	if (r == 0 && json_u53(&n, &count) < 0)
		r = not_this(in, at, "a count that is none");
	in->total = (int64_t)count;
	return r;
}

static int changed(struct jumpcloud *j, const struct jumpcloud_list *l)
{
	return jumpcloud_fail(j, -EAGAIN, l->what, "it changed while it was read");
}

/* The first item of a page is the last one of the page before, or the list has moved. */
static int take_again(struct incoming *in, const struct scan_value *value)
{
	struct json_node n;
	const char *id;
	int r = jumpcloud_parse(in->j, in->list->what, value, &n);

	if (r < 0)
		return r;
	if (!json_is_object(&n) || object_id_read(&n, &id) < 0 || strcmp(id, in->j->object_id) != 0)
		return changed(in->j, in->list);
	return 0;
}

static int on_take(void *context, const struct scan_at *at, const struct scan_value *value)
{
	struct incoming *in = context;
	int r;

	if (!in->list->single && !in->in_items)
		return take_count(in, at, value);
	if (++in->n_items > JUMPCLOUD_PAGE)
		return not_this(in, at, "more than was asked for");
	if (in->again && in->n_items == 1)
		return take_again(in, value);
	r = in->enough ? 0 : in->list->item(in->j, in->list->context, value);
	in->enough |= r > 0;
	return r < 0 ? r : 0;
}

static int on_body(void *context, const void *data, size_t len)
{
	struct incoming *in = context;
	int r = scanner_feed(&in->scanner, data, len);

	if (r == -EBADMSG && scanner_text(&in->scanner)[0])
		return jumpcloud_fail(in->j, r, in->list->what, "%s", scanner_text(&in->scanner));
	return r;
}

static int finish(struct incoming *in)
{
	int r = scanner_finish(&in->scanner);

	if (r < 0)
		return jumpcloud_fail(in->j, r, in->list->what, "%s", scanner_text(&in->scanner));
	if (!in->list->single && !in->has_items)
		return jumpcloud_fail(in->j, -EBADMSG, in->list->what, "no \"%s\" in it", in->list->items_key);
	return 0;
}

int jumpcloud_get(struct jumpcloud *j, const struct jumpcloud_list *l, const char *path, const char *post,
		  uint32_t *ret_items, int64_t *ret_total)
{
	struct incoming in = { .j = j, .list = l, .again = l->graph && *j->object_id, .total = -1 };
	const struct scan_handler handler = { on_begin, on_take, on_leave, &in, LIST_ITEM_MAX, NULL };
	const struct jumpcloud_request request = { path, post, l->put, on_body, &in };
	struct jumpcloud_reply reply = { .total = -1 };
	int r;

	j->text[0] = '\0';
	scanner_init(&in.scanner, &handler);
	r = j->api->ask(j->api->context, &request, &reply);
	if (r == 0)
		r = finish(&in);
	else if (!j->text[0])
		jumpcloud_fail(j, r, l->what, "%s", reply.text[0] ? reply.text : strerror(-r));
	scanner_done(&in.scanner);
	if (ret_items)
		*ret_items = in.n_items;
	if (ret_total)
		*ret_total = l->count_key ? in.total : reply.total;
	return r == 0 && in.enough ? 1 : r;
}

int jumpcloud_pages(struct jumpcloud *j, const struct jumpcloud_list *l, const char *path)
{
	int64_t first_total = -1, total;
	uint32_t got = 0, n = 0, again;

	j->object_id[0] = '\0';
	do {
		again = l->graph && got > 0;
		AUTO_FREE char *page = str_format("%slimit=%d&skip=%" PRIu32, path, JUMPCLOUD_PAGE, got - again);
		int r = page ? jumpcloud_get(j, l, page, NULL, &n, &total) : -ENOMEM;

		if (r != 0)
			return r;
		if (got == 0)
			first_total = total;
		if (total != first_total || n < again)
			return changed(j, l);
		got += n - again;
		if (got > JUMPCLOUD_BOUND_MAX || total > JUMPCLOUD_BOUND_MAX)
			return jumpcloud_fail(j, -EFBIG, l->what, "more than %d", JUMPCLOUD_BOUND_MAX);
	} while (total < 0 ? n == JUMPCLOUD_PAGE : n > again && got < total);
	return total >= 0 && got != total ? changed(j, l) : 0;
}
