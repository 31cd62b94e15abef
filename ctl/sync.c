/* musterctl sync, accept, forget: 'musterd --once' with an administrator's word; musterctl unlock. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/names.h"
#include "common/paths.h"
#include "common/record.h"
#include "common/tally.h"
#include "ctl/commands.h"
#include "ctl/message.h"
#include "ctl/musterd.h"
#include "ctl/view.h"

struct sync_options {
	bool accept_removals;
};

static const struct option_spec sync_specs[] = {
	{"accept-removals", OPTION_FLAG, offsetof(struct sync_options, accept_removals), NULL,
	 "let all go whom the directory does not name any more"},
	{0},
};

/* Musterd says itself what it did, and why not. */
static enum exit_code run_musterd(const char *const *arguments, unsigned n)
{
	pid_t pid;
	int r = musterd_start(arguments, n, STDERR_FILENO, &pid);

	if (r == 0)
		r = musterd_wait(pid);
	if (r < 0)
		message_error("cannot run %s: %s", MUSTERD, strerror(-r));
	else if (r > 256)
		message_error("musterd was killed by signal %d", r - 256);
	return r == 0 ? EXIT_OK : EXIT_ERROR;
}

/* 0: none is published, or it cannot be seen. */
static uint64_t published_generation(void)
{
	AUTO_VIEW struct view v;
	struct fault ignored = {0};

	return view_open(&v, &ignored) == 0 ? view_info(&v)->generation : 0;
}

static enum exit_code run_sync(const struct invocation *in)
{
	const struct sync_options *o = in->options;
	const char *const arguments[] = {"--accept-removals"};
	uint64_t before = published_generation();
	enum exit_code code = run_musterd(arguments, o->accept_removals);

	if (code == EXIT_OK && before && published_generation() == before)
		printf("nothing changed: generation %" PRIu64 "\n", before);
	return code;
}

/* musterd --once OPTION NAME … */
static enum exit_code run_names(const struct invocation *in, const char *option)
{
	const char *arguments[MUSTERD_ARGUMENTS_MAX];
	unsigned n = 0;

	if (in->n_args * 2 > MUSTERD_ARGUMENTS_MAX) {
		message_error("at most %d names at once", MUSTERD_ARGUMENTS_MAX / 2);
		return EXIT_ERROR;
	}
	for (int i = 0; i < in->n_args; i++) {
		arguments[n++] = option;
		arguments[n++] = in->args[i];
	}
	return run_musterd(arguments, n);
}

static enum exit_code run_accept(const struct invocation *in)
{
	return run_names(in, "--accept");
}

static enum exit_code run_forget(const struct invocation *in)
{
	return run_names(in, "--forget");
}

static int unlock(struct view *v, const char *name)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct account a;
	int r = view_account(v, name, &buf, &a);

	return r < 0 ? r : tally_clear(MUSTER_RUNTIME_DIR "/tally", a.uid);
}

static enum exit_code run_unlock(const struct invocation *in)
{
	AUTO_VIEW struct view v;
	struct fault f = {0};
	enum exit_code code = EXIT_OK;
	int r = view_open(&v, &f);

	if (r == 0 && !v.pam)
		r = fault_set(&f, -EACCES, "the tries of others are root's to forget");
	if (r < 0)
		return fault_print(&f, r);
	for (int i = 0; i < in->n_args; i++) {
		char name[128];

		r = unlock(&v, in->args[i]);
		if (r == 0)
			continue;
		name_escape(in->args[i], name, sizeof(name));
		f = (struct fault){0};
		fault_set(&f, r, "%s: %s", name,
			  r == -ESRCH ? "no such user of the directory" : strerror(-r));
		code = fault_print(&f, r) == EXIT_ERROR || code == EXIT_ERROR ? EXIT_ERROR
									      : EXIT_REFUSED;
	}
	return code;
}

const struct command command_sync = {
	.name = "sync",
	.summary = "Asks the directory now, publishes what changed, and says what that was.",
	.details = "Needs root. A living musterd takes notice; none is needed.",
	.options = sync_specs,
	.options_size = sizeof(struct sync_options),
	.run = run_sync,
};

const struct command command_accept = {
	.name = "accept",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Lets the name of one who left go to the user who now has it in the directory.",
	.details = "Files, crontabs and mail on this computer go by names: whoever gets the name "
		   "may get\n"
		   "at them. 'musterctl status' shows such users as name_recycled. Needs root.",
	.run = run_accept,
};

const struct command command_forget = {
	.name = "forget",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Ends the tombstone of one who left: name, uid and gid resolve no more.",
	.details = "Without it that happens by itself after [accounts] tombstone. Needs root.",
	.run = run_forget,
};

const struct command command_unlock = {
	.name = "unlock",
	.args = "NAME...",
	.min_args = 1,
	.max_args = -1,
	.summary = "Forgets the failed attempts of users on this computer.",
	.details = "A lock set by the directory stays: 'musterctl directory unlock' or the "
		   "directory's\n"
		   "own console ends that. Needs root.",
	.run = run_unlock,
};
