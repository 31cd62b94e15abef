#include "ctl/directory/check.h"

#include <errno.h>
#include <string.h>

#include "agentd/fetch/document.h"
#include "common/str.h"

/* Entries that are left out: a line of text each. */
struct rejects {
	struct buf lines; /* NUL after each */
	uint32_t count;
};

static void rejects_done(struct rejects *r)
{
	buf_done(&r->lines);
	r->count = 0;
}

static int note_reject(void *context, const struct reject *r)
{
	const char *detail = r->detail ? r->detail : "";
	AUTO_FREE char *line = str_format("%s %s: %s%s%s", r->kind, r->name[0] ? r->name : r->id,
					  r->reason, detail[0] ? ": " : "", detail);
	struct rejects *rejects = context;
	int result = line ? buf_add(&rejects->lines, line, strlen(line) + 1) : -ENOMEM;

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

static struct strlist rejects_list(const struct rejects *r)
{
	return (struct strlist){
		.data = (const char *)r->lines.data, .len = r->lines.len, .count = r->count};
}

int check_document(int old_fd, int new_fd, struct fault *f)
{
	CLEANUP(rejects_done) struct rejects old = {0};
	CLEANUP(rejects_done) struct rejects new = {0};
	struct document_result result = {0};
	struct strlist known, list;
	int r = read_rejects(new_fd, &new, &result);

	if (r < 0)
		return fault_set(f, r, "the change would spoil the directory: %s", result.text);
	if (new.count == 0)
		return 0;
	/* What cannot be read now had better be replaced: all that is left out then counts as new. */
	if (old_fd >= 0 && read_rejects(old_fd, &old, &result) < 0)
		rejects_done(&old);
	known = rejects_list(&old);
	list = rejects_list(&new);
	for (const char *line = NULL; (line = strlist_next(&list, line));)
		if (!strlist_has(&known, line))
			return fault_set(f, -EKEYREJECTED,
					 "refused, since it would be left out: %s", line);
	return 0;
}
