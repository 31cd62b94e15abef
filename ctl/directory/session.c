#include "ctl/directory/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agentd/local.h"
#include "common/names.h"
#include "ctl/directory/publish.h"
#include "ctl/directory/user.h"
#include "ctl/view.h"

#define FILE_URL   "file://"
#define SERIAL_MAX ((INT64_C(1) << 53) - 1) /* what every JSON library can carry */

/* The file to edit. Another directory than a document cannot be edited from here. */
static const char *directory_path(struct session *s, const struct directory_options *o)
{
	const char *url = s->conf.url;

	s->own = s->conf.driver == CONF_DRIVER_DOCUMENT &&
		 strncmp(url, FILE_URL, strlen(FILE_URL)) == 0;
	if (s->own)
		url += strlen(FILE_URL);
	if (o->file) {
		s->own = s->own && strcmp(o->file, url) == 0;
		return o->file;
	}
	if (s->own)
		return url;
	fault_set(&s->fault, -EINVAL, "the directory of this computer is not a local file, but %s",
		  url);
	fault_hint(&s->fault, "edit it where it lives, or name a document with --file");
	return NULL;
}

int session_open(struct session *s, const struct directory_options *o, enum store_mode mode)
{
	char error[CONF_ERROR_SIZE];
	const char *path;
	int r;

	r = conf_load(NULL, &s->conf, error);
	if (r < 0)
		return fault_set(&s->fault, r, "%s", error);
	path = directory_path(s, o);
	if (!path)
		return -EINVAL;
	if (s->own) {
		r = local_load(MUSTER_ETC, &s->local, error);
		if (r < 0)
			return fault_set(&s->fault, r, "%s", error);
	}
	s->publish = s->own && !o->no_publish;
	r = store_open(&s->store, path, mode, &s->fault);
	s->edit = (struct edit){
		.doc = s->store.doc, .now = time(NULL), .fault = &s->fault, .local = s->local};
	return r;
}

void session_done(struct session *s)
{
	store_done(&s->store);
	conf_done(&s->conf);
	local_free(s->local);
	buf_done(&s->done);
	buf_done(&s->touched);
}

int session_touch(struct session *s, const struct json_object *o)
{
	const char *id = user_id(o);
	int r = id ? buf_add(&s->touched, id, strlen(id) + 1) : 0;

	s->n_touched += id && r == 0;
	return r;
}

int session_note(struct session *s, const struct json_object *o, const char *format, ...)
{
	const char *name = tree_text(o, "username");
	char text[512], line[1024], safe[sizeof(line)];
	va_list ap;
	int r;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "%s: %s", name ? name : tree_text_or_empty(o, "name"), text);
	name_escape(line, safe, sizeof(safe));
	r = buf_add(&s->done, safe, strlen(safe));
	if (r == 0)
		r = buf_add(&s->done, "\n", 1);
	return r < 0 ? r : session_touch(s, o);
}

static int save(struct session *s, int64_t *ret_serial)
{
	int64_t serial = 0;
	int r;

	tree_int(s->edit.doc, "serial", &serial);
	if (serial < 0 || serial >= SERIAL_MAX)
		return fault_set(&s->fault, -ERANGE, "the serial of %s cannot be raised further",
				 s->store.path);
	*ret_serial = serial + 1;
	r = tree_set_int(&s->edit, s->edit.doc, "serial", *ret_serial);
	if (r == 0)
		r = tree_set_time(&s->edit, s->edit.doc, "made_at", s->edit.now);
	return r == 0 ? store_save(&s->store, s->dry_run, &s->fault) : r;
}

/* Of those edited, who is left out on this computer, and why. */
static enum exit_code report_rejected(const struct session *s)
{
	const struct strlist touched = {.data = (const char *)s->touched.data,
					.len = s->touched.len,
					.count = s->n_touched};
	CLEANUP(buf_done) struct buf buf = {0};
	enum exit_code code = EXIT_OK;
	struct reject reject;
	AUTO_VIEW struct view v;

	if (view_open(&v, &(struct fault){0}) < 0 || !v.pam)
		return EXIT_OK; /* publish() has seen it well: replaced since */
	for (uint32_t i = 0; snapshot_reject(v.pam, i, &buf) == 0; i++) {
		char name[128], detail[512];

		if (record_reject_unpack(buf.data, buf.len, &reject) < 0 ||
		    !strlist_has(&touched, reject.id))
			continue;
		name_escape(reject.name, name, sizeof(name));
		name_escape(reject.detail, detail, sizeof(detail));
		message_warning("%s is saved, but left out on this computer: %s%s%s", name,
				reject.reason, detail[0] ? ": " : "", detail);
		code = EXIT_REFUSED;
	}
	return code;
}

enum exit_code session_finish(struct session *s, int r)
{
	int64_t serial = 0;

	if (r == 0 && s->edit.changed)
		r = save(s, &serial);
	if (r < 0)
		return fault_print(&s->fault, r);
	store_done(&s->store); /* lets the next one in while musterd works */
	fwrite(s->done.data, 1, s->done.len, stdout);
	if (!s->edit.changed) {
		puts("nothing to change");
		return EXIT_OK;
	}
	if (s->dry_run)
		puts("dry run: nothing was changed");
	if (!s->publish || s->dry_run)
		return EXIT_OK;
	r = publish(serial, &s->fault);
	if (r < 0) {
		message_error("saved, but not published: %s", s->fault.text);
		message_hint("%s",
			     s->fault.hint[0] ? s->fault.hint : "'musterd --once' tries again");
		return EXIT_ERROR;
	}
	return report_rejected(s);
}
