#include "ctl/directory/check.h"

#include <errno.h>
#include <string.h>

#include "agentd/fetch/document.h"
#include "common/str.h"

/* Entries that are left out, a text each. The line in a detail moves with every edit: WHAT does without it. */
struct rejects {
	struct buf what, details; /* NUL after each */
	uint32_t count;
};

static void rejects_done(struct rejects *r)
{
	buf_done(&r->what);
	buf_done(&r->details);
	r->count = 0;
}

static int note_reject(void *context, const struct reject *r)
{
	AUTO_FREE char *what =
		str_format("%s %s: %s", r->kind, r->name[0] ? r->name : r->id, r->reason);
	struct rejects *rejects = context;
	int result = what ? buf_add(&rejects->what, what, strlen(what) + 1) : -ENOMEM;

	if (result == 0)
		result = buf_add(&rejects->details, r->detail, strlen(r->detail) + 1);
	rejects->count += result == 0;
	return result;
}

static int take_account(void *context, const struct account *a)
{
	(void)context, (void)a;
	return 0;
}

static int take_group(void *context, const struct dir_group *g)
{
	(void)context, (void)g;
	return 0;
}

static int take_membership(void *context, const struct membership *m)
{
	(void)context, (void)m;
	return 0;
}

static int take_lockout(void *context, const struct lockout_policy *p)
{
	(void)context, (void)p;
	return 0;
}

static int read_rejects(int fd, struct rejects *rejects, struct document_result *result)
{
	const struct document_options options = {
		.hostname = "", .system_id = "", .everywhere = true, .secrets = true};
	const struct document_sink sink = {.account = take_account,
					   .group = take_group,
					   .membership = take_membership,
					   .removed = take_membership,
					   .lockout = take_lockout,
					   .reject = note_reject,
					   .context = rejects};

	return document_read(fd, &options, &sink, result);
}

static struct strlist list_of(const struct buf *texts, uint32_t count)
{
	return (struct strlist){
		.data = (const char *)texts->data, .len = texts->len, .count = count};
}

int check_document(int old_fd, int new_fd, struct fault *f)
{
	CLEANUP(rejects_done) struct rejects old = {0};
	CLEANUP(rejects_done) struct rejects new = {0};
	struct document_result result = {0};
	struct strlist known, list, details;
	const char *detail = NULL;
	int r = read_rejects(new_fd, &new, &result);

	if (r < 0)
		return fault_set(f, r, "the change would spoil the directory: %s", result.text);
	if (new.count == 0)
		return 0;
	/* What cannot be read now had better be replaced: all that is left out then counts as new. */
	if (old_fd >= 0 && read_rejects(old_fd, &old, &result) < 0)
		rejects_done(&old);
	known = list_of(&old.what, old.count);
	list = list_of(&new.what, new.count);
	details = list_of(&new.details, new.count);
	for (const char *what = NULL; (what = strlist_next(&list, what));) {
		detail = strlist_next(&details, detail);
		if (!strlist_has(&known, what))
			return fault_set(f, -EKEYREJECTED,
					 "refused, since it would be left out: %s (%s)", what,
					 detail);
	}
	return 0;
}
