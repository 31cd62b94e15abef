/* musterctl directory import: users from CSV, and from JumpCloud's user lists as they are. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/directory/actions.h"
#include "ctl/directory/entries.h"
#include "ctl/directory/group.h"
#include "ctl/directory/merge.h"
#include "ctl/directory/session.h"

#define PROBLEMS_SHOWN 20

struct import_options {
	struct directory_options directory;
	bool dry_run;
};

static const struct option_spec options[] = {
	{DIRECTORY_OPTION_FILE},
	{DIRECTORY_OPTION_NO_PUBLISH},
	{"dry-run", OPTION_FLAG, offsetof(struct import_options, dry_run), NULL,
	 "say what would change, and stop"},
	{0},
};

/* IS_NEW: the user is in no group yet; that spares a search of the members, which may be many. */
static int join_groups(struct edit *e, const struct entry *entry, const struct json_object *user,
		       bool is_new)
{
	for (const char *name = NULL; (name = strlist_next(&entry->groups, name));) {
		struct json_object *group;
		int r = group_find(e, name, &group);

		if (r == 0)
			r = group_member_add_user(e, group, user, is_new);
		if (r < 0)
			return r;
	}
	return 0;
}

enum outcome {
	UNCHANGED,
	UPDATED,
	ADDED,
	N_OUTCOMES,
};
static const char *const outcome_words[] = {"unchanged", "updated", "added"};

static int import_one(struct session *s, struct merge *m, const struct entry *entry,
		      unsigned counts[N_OUTCOMES])
{
	struct edit *e = &s->edit;
	bool before = e->changed, is_new;
	struct json_object *user;
	enum outcome outcome;
	int r;

	e->changed = false;
	r = merge_user(m, entry->user, &user, &is_new);
	if (r == 0)
		r = join_groups(e, entry, user, is_new);
	if (r == 0 && entry->password_hash)
		r = merge_password(m, user, entry->user, entry->password_hash);
	if (r < 0)
		return r;
	/* In a dry run nothing is hashed. */
	outcome = is_new ? ADDED : e->changed || entry->password ? UPDATED : UNCHANGED;
	counts[outcome]++;
	e->changed |= before;
	return s->dry_run ? session_note(s, user, "%s", outcome_words[outcome])
			  : session_touch(s, user);
}

static void say_problem(const struct entries *entries, size_t i, const struct fault *f, int r)
{
	const char *why = f->text[0] ? f->text : strerror(-r);

	if (entries->list[i].line)
		message_error("%s: line %u: %s", entries->path, entries->list[i].line, why);
	else
		message_error("%s: user %zu: %s", entries->path, i + 1, why);
}

/* All or nothing, but all that is wrong is told at once. */
static int import_all(struct session *s, const struct entries *entries)
{
	CLEANUP(merge_done) struct merge m = {0};
	unsigned counts[N_OUTCOMES] = {0};
	size_t n_bad = 0;
	int r = merge_init(&m, &s->edit, s->conf.default_state_import);

	for (size_t i = 0; r != -ENOMEM && i < entries->n; i++) {
		s->fault = (struct fault){0};
		r = import_one(s, &m, &entries->list[i], counts);
		if (r < 0 && n_bad++ < PROBLEMS_SHOWN)
			say_problem(entries, i, &s->fault, r);
	}
	if (r == -ENOMEM)
		return r;
	if (n_bad > 0)
		return fault_set(&s->fault, -EKEYREJECTED,
				 "%zu of %zu users cannot be imported; nothing was changed", n_bad,
				 entries->n);
	r = merge_check_unique(&m);
	if (r == 0)
		printf("%u added, %u updated, %u unchanged\n", counts[ADDED], counts[UPDATED],
		       counts[UNCHANGED]);
	return r;
}

static enum exit_code run(const struct invocation *in)
{
	const struct import_options *o = in->options;
	CLEANUP(entries_done) struct entries entries = {0};
	AUTO_SESSION struct session s = SESSION_NONE;
	int r = entries_load(&entries, in->args[0], &s.fault);

	if (r == 0 && entries.n_dropped_columns > 0)
		message_warning("%u columns of JumpCloud's are not kept: addresses, telephone "
				"numbers, device bindings",
				entries.n_dropped_columns);
	if (r == 0 && !o->dry_run) /* takes its time: before the lock */
		r = entries_hash(&entries, &s.fault);
	if (r == 0)
		r = session_open(&s, &o->directory, STORE_CREATE);
	s.dry_run = o->dry_run;
	if (r == 0)
		r = import_all(&s, &entries);
	return session_finish(&s, r);
}

const struct command action_import = {
	.name = "import",
	.args = "FILE",
	.min_args = 1,
	.max_args = 1,
	.summary = "Takes users over from CSV or from a list of JumpCloud's, all or none.",
	.details = "CSV has a header with the names of JumpCloud's CSV import; muster-directory(5) "
		   "lists them. JSON is the\n"
		   "reply of JumpCloud's GET /systemusers, a list of users, or an export. Users "
		   "that are there are found by\n"
		   "id, or by name where FILE has no id, and updated; empty cells change nothing. "
		   "New ones that say nothing\n"
		   "of their state get that of '[directory] default_state_import'.",
	.options = options,
	.options_size = sizeof(struct import_options),
	.run = run,
};
