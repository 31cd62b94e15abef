#include "tests/unit/document_dump.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "common/record.h"

static void say(struct dump *d, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(struct dump *d, const char *format, ...)
{
	char line[2048];
	va_list args;
	int n, r;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	r = buf_add(&d->text, line, (size_t)n);
	assert(r == 0);
}

static void say_text(struct dump *d, const char *name, const char *value)
{
	if (*value)
		say(d, " %s=%s", name, value);
}

static void say_bool(struct dump *d, const char *name, bool value)
{
	if (value)
		say(d, " %s", name);
}

static void say_time(struct dump *d, const char *name, int64_t value)
{
	if (value)
		say(d, " %s=%" PRId64, name, value);
}

static int dump_account(void *context, const struct account *a)
{
	struct dump *d = context;

	assert(a->bound && a->removed_at == 0 && strlist_valid(&a->ssh_keys));
	say(d, "account %s %s %u:%u %s", a->id, a->name, a->uid, a->gid, user_state_name(a->state));
	say_text(d, "username", a->username);
	say_text(d, "gecos", a->gecos);
	say_text(d, "home", a->home);
	say_text(d, "shell", a->shell);
	say_text(d, "email", a->email);
	say_text(d, "hash", a->password_hash);
	say_text(d, "totp", a->totp_secret);
	say_bool(d, "suspended", a->suspended);
	say_bool(d, "locked", a->account_locked);
	say_bool(d, "pending", !a->activated);
	say_bool(d, "expired", a->password_expired);
	say_bool(d, "never_expires", a->password_never_expires);
	say_bool(d, "sudo", a->sudo);
	say_bool(d, "nopasswd", a->sudo_nopasswd);
	say_bool(d, "no_keys", !a->allow_public_key);
	say_bool(d, "totp_enabled", a->totp_enabled);
	say_bool(d, "mfa", a->mfa_configured);
	say_bool(d, "mfa_required", a->mfa_required);
	say_bool(d, "mfa_exclusion", a->mfa_exclusion);
	say_bool(d, "no_lockout", a->disable_lockout);
	say_time(d, "created", a->created_at);
	say_time(d, "locked", a->account_locked_at);
	say_time(d, "changed", a->password_changed_at);
	say_time(d, "expires", a->password_expires_at);
	say_time(d, "excluded", a->mfa_exclusion_until);
	for (uint32_t i = 0; i < a->n_scheduled; i++)
		say(d, " %s@%" PRId64, user_state_name(a->scheduled[i].state), a->scheduled[i].at);
	for (const char *key = NULL; (key = strlist_next(&a->ssh_keys, key));)
		say(d, " key=%.24s", key);
	say(d, "\n");
	return 0;
}

static int dump_group(void *context, const struct dir_group *g)
{
	struct dump *d = context;

	say(d, "group %s \"%s\"", g->id, g->name);
	say_bool(d, "sudo", g->sudo);
	say_bool(d, "nopasswd", g->sudo_nopasswd);
	for (uint32_t i = 0; i < g->n_posix; i++)
		say(d, " %s=%u", g->posix[i].name, g->posix[i].gid);
	say(d, "\n");
	return 0;
}

static int dump_ids(struct dump *d, const char *what, const struct membership *m)
{
	assert(strlist_valid(&m->user_ids) && m->user_ids.count > 0);
	say(d, "%s", what);
	say_text(d, "of", m->group_id);
	for (const char *id = NULL; (id = strlist_next(&m->user_ids, id));)
		say(d, " %s", id);
	say(d, "\n");
	return 0;
}

static int dump_membership(void *context, const struct membership *m)
{
	return dump_ids(context, "members", m);
}

static int dump_removed(void *context, const struct membership *m)
{
	return dump_ids(context, "removed", m);
}

static int dump_kept(void *context, const struct membership *m)
{
	return dump_ids(context, "kept", m);
}

static int dump_lockout(void *context, const struct lockout_policy *p)
{
	struct dump *d = context;

	say(d, "lockout");
	if (p->has_max_attempts)
		say(d, " attempts=%u", p->max_attempts);
	if (p->has_lock_time)
		say(d, " time=%u", p->lock_time_s);
	if (p->has_window)
		say(d, " window=%u", p->window_s);
	say(d, "\n");
	return 0;
}

static int dump_reject(void *context, const struct reject *r)
{
	say(context, "reject %s %s %s %s (%s)\n", r->kind, *r->id ? r->id : "-", *r->name ? r->name : "-", r->reason,
	    r->detail);
	return 0;
}

struct document_sink dump_sink(struct dump *d)
{
	return (struct document_sink){ dump_account, dump_group,   dump_membership, dump_removed,
				       dump_kept,    dump_lockout, dump_reject,	    d };
}

int dump_packed(void *context, const void *record, size_t len)
{
	struct account a;

	assert(record_account_unpack(record, len, &a) == 0);
	return dump_account(context, &a);
}

static int memory_file(const char *text, size_t len)
{
	int fd = memfd_create("document", MFD_CLOEXEC);
	ssize_t n = write(fd, text, len);

	assert(n == (ssize_t)len);
	return fd;
}

static void defaults(struct dump *d)
{
	if (!d->options.hostname)
		d->options.hostname = "";
	if (!d->options.system_id)
		d->options.system_id = "";
}

int dump_document(struct dump *d, const char *text, size_t len)
{
	AUTO_CLOSE int fd = memory_file(text, len);
	const struct document_sink sink = dump_sink(d);
	int r;

	defaults(d);
	r = document_read(fd, &d->options, &sink, &d->result);
	assert(buf_add(&d->text, "", 1) == 0);
	return r;
}

int dump_pieces(struct dump *d, const char *text, size_t len, size_t first, size_t step)
{
	AUTO_CLOSE int fd = memory_file(text, len);
	const struct document_sink sink = dump_sink(d);
	CLEANUP(document_freep) struct document *doc = NULL;
	int r;

	defaults(d);
	r = document_new(&d->options, &sink, &d->result, &doc);
	for (size_t done = 0, n; r == 0 && done < len; done += n) {
		n = done == 0 && first ? first : step;
		n = n > len - done ? len - done : n;
		r = document_feed(doc, text + done, n);
	}
	if (r == 0)
		r = document_parts(doc, fd);
	assert(buf_add(&d->text, "", 1) == 0);
	return r;
}
