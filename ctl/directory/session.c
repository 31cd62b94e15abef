#include "ctl/directory/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "agentd/local.h"
#include "common/names.h"
#include "common/tally.h"
#include "ctl/directory/publish.h"
#include "ctl/directory/user.h"
#include "ctl/judge.h"
#include "ctl/view.h"

#define FILE_URL   "file://"
#define SERIAL_MAX ((INT64_C(1) << 53) - 1) /* what every JSON library can carry */

/* A symbolic link is itself: it is not edited. */
static bool same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return strcmp(a, b) == 0 || (lstat(a, &sa) == 0 && lstat(b, &sb) == 0 &&
				     sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino);
}

/* The file to edit. Another directory than a document cannot be edited from here. */
static const char *directory_path(struct session *s, const struct directory_options *o)
{
	const char *url = s->conf.url;

	s->own = s->conf.driver == CONF_DRIVER_DOCUMENT &&
		 strncmp(url, FILE_URL, strlen(FILE_URL)) == 0;
	if (s->own)
		url += strlen(FILE_URL);
	if (o->file) {
		s->own = s->own && same_file(o->file, url);
		return s->own ? url : o->file;
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
	buf_wipe(&s->done);
	buf_done(&s->touched);
	buf_done(&s->tried);
}

int session_touch(struct session *s, const struct json_object *o)
{
	const char *id = user_id(o);
	int r = id ? buf_add(&s->touched, id, strlen(id) + 1) : 0;

	s->n_touched += id && r == 0;
	return r;
}

int session_forget_tries(struct session *s, const struct json_object *user)
{
	const char *name = user_local_name(user);
	int r = name ? buf_add(&s->tried, name, strlen(name) + 1) : 0;

	s->n_tried += name && r == 0;
	return r;
}

int session_say(struct session *s, const char *text, size_t len)
{
	return buf_add(&s->done, text, len);
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
	r = session_say(s, safe, strlen(safe));
	if (r == 0)
		r = session_say(s, "\n", 1);
	return r < 0 ? r : session_touch(s, o);
}

/* RET_SERIAL: the one before, and then the new one. */
static int save(struct session *s, int64_t *ret_serial)
{
	int r;

	if (*ret_serial < 0 || *ret_serial >= SERIAL_MAX)
		return fault_set(&s->fault, -ERANGE, "the serial of %s cannot be raised further",
				 s->store.path);
	r = tree_set_int(&s->edit, s->edit.doc, "serial", ++*ret_serial);
	if (r == 0)
		r = tree_set_time(&s->edit, s->edit.doc, "made_at", s->edit.now);
	return r == 0 ? store_save(&s->store, s->dry_run, &s->fault) : r;
}

static struct strlist list_of(const struct buf *texts, uint32_t count)
{
	return (struct strlist){
		.data = (const char *)texts->data, .len = texts->len, .count = count};
}

/* Of those edited, who is left out on this computer or got something else, and why. */
static enum exit_code report_rejected(const struct session *s, struct view *v)
{
	const struct strlist touched = list_of(&s->touched, s->n_touched);
	CLEANUP(buf_done) struct buf buf = {0};
	enum exit_code code = EXIT_OK;
	struct reject reject;

	for (uint32_t i = 0; snapshot_reject(v->pam, i, &buf) == 0; i++) {
		char name[128], detail[512];
		bool left_out;

		if (record_reject_unpack(buf.data, buf.len, &reject) < 0 ||
		    !strlist_has(&touched, reject.id))
			continue;
		left_out = strcmp(reject.kind, "user") == 0 || strcmp(reject.kind, "group") == 0;
		name_escape(reject.name, name, sizeof(name));
		name_escape(reject.detail, detail, sizeof(detail));
		message_warning("%s is saved, but %s on this computer: %s%s%s", name,
				left_out ? "left out" : "not taken as it is", reject.reason,
				detail[0] ? ": " : "", detail);
		if (left_out)
			code = EXIT_REFUSED;
	}
	return code;
}

/* An unlocked user whose passwords this computer still refused would not be unlocked. */
static enum exit_code forget_tries(const struct session *s, struct view *v)
{
	const struct strlist tried = list_of(&s->tried, s->n_tried);
	CLEANUP(buf_done) struct buf buf = {0};
	enum exit_code code = EXIT_OK;
	struct account a;

	for (const char *name = NULL; (name = strlist_next(&tried, name));) {
		int r = view_account(v, name, &buf, &a);

		if (r == 0)
			r = tally_clear(TALLY_PATH, a.uid);
		if (r == 0 || r == -ESRCH)
			continue;
		message_error("%s: the failed attempts on this computer cannot be forgotten: %s",
			      name, strerror(-r));
		code = EXIT_ERROR;
	}
	return code;
}

/* What only this computer's own directory has consequences for. */
static enum exit_code finish_here(const struct session *s)
{
	AUTO_VIEW struct view v;
	struct fault f = {0};
	int r = view_open(&v, &f);
	enum exit_code code, rejected;

	if (r < 0)
		return fault_print(&f, r);
	if (!v.pam)
		return EXIT_OK;
	code = forget_tries(s, &v);
	rejected = report_rejected(s, &v);
	return code == EXIT_OK ? rejected : code;
}

/*
 * Under the lock the file is never older than what was published from it, unless a copy was put back: whoever was suspended
 * since then is not in it, and musterd does not take it.
 */
static int check_serial(struct session *s, int64_t serial)
{
	int64_t published = s->own && !s->dry_run ? published_serial(s->conf.url) : -1;

	if (serial >= published)
		return 0;
	fault_set(&s->fault, -ESTALE,
		  "%s has serial %lld, but what is published was made from %lld: an old copy?",
		  s->store.path, (long long)serial, (long long)published);
	fault_hint(&s->fault, "if it is right, set \"serial\" in it to %lld", (long long)published);
	return -ESTALE;
}

/* Only once it is published: a reader who went away ends us by SIGPIPE. */
static void say_done(const struct session *s)
{
	fwrite(s->done.data, 1, s->done.len, stdout);
	if (!s->edit.changed)
		puts("nothing to change");
	if (s->dry_run)
		puts("dry run: nothing was changed");
}

enum exit_code session_finish(struct session *s, int r)
{
	int64_t serial = 0;

	if (r < 0)
		return fault_print(&s->fault, r);
	tree_int(s->edit.doc, "serial", &serial);
	r = check_serial(s, serial);
	if (r == 0 && s->edit.changed)
		r = save(s, &serial);
	if (r < 0)
		return fault_print(&s->fault, r);
	store_done(&s->store); /* lets the next one in while musterd works */
	/* What an earlier call could not publish is published now, changed again or not. */
	if (s->publish && !s->dry_run && (s->edit.changed || published_serial(s->conf.url) < serial))
		r = publish(s->conf.url, serial, &s->fault);
	say_done(s);
	if (!s->publish || s->dry_run)
		return EXIT_OK;
	if (r < 0) {
		message_error("saved, but not published: %s", s->fault.text);
		message_hint("%s",
			     s->fault.hint[0] ? s->fault.hint : "'musterd --once' tries again");
		return EXIT_ERROR;
	}
	return finish_here(s);
}

enum exit_code session_each_user(const struct invocation *in, session_act_fn *act)
{
	AUTO_SESSION struct session s = SESSION_NONE;
	struct json_object *user;
	int r = session_open(&s, in->options, STORE_EDIT);

	for (int i = 0; r == 0 && i < in->n_args; i++) {
		r = user_find(&s.edit, in->args[i], &user);
		if (r == 0)
			r = act(&s, user, in->options);
	}
	return session_finish(&s, r);
}
