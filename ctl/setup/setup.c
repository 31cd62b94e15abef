/* musterctl setup: muster in nsswitch.conf and PAM, and out of them again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/program.h"
#include "ctl/setup/apply.h"
#include "ctl/setup/files.h"
#include "ctl/setup/say.h"
#include "ctl/setup/trial.h"
#include "ctl/setup/undo.h"
#include "ctl/text.h"

struct setup_options {
	bool dry_run, mkhomedir, confirm, rollback, uninstall;
	const char *try;
};

static const struct option_spec options[] = {
	{"dry-run", OPTION_FLAG, offsetof(struct setup_options, dry_run), NULL, "check, and show what would change"},
	{"mkhomedir", OPTION_FLAG, offsetof(struct setup_options, mkhomedir), NULL,
	 "have homes made at the first login, too"},
	{"try", OPTION_TEXT, offsetof(struct setup_options, try), "MINUTES", "undo it then, unless it is confirmed"},
	{"confirm", OPTION_FLAG, offsetof(struct setup_options, confirm), NULL, "keep what is on trial"},
	{"rollback", OPTION_FLAG, offsetof(struct setup_options, rollback), NULL, "undo what is on trial, now"},
	{"uninstall", OPTION_FLAG, offsetof(struct setup_options, uninstall), NULL, "take muster out again"},
	{0},
};

static enum exit_code confirm(void)
{
	struct fault f = {0};
	int r;

	if (!trial_pending()) {
		message_error("nothing is on trial; what was, is undone");
		return EXIT_REFUSED;
	}
	if (access(SETUP_BUSY, F_OK) == 0) {
		message_error("this setup was ended in the middle of its work");
		message_hint("'musterctl setup --rollback' undoes what it did");
		return EXIT_REFUSED;
	}
	r = trial_end(&f);
	if (r < 0)
		return fault_print(&f, r);
	say("confirmed: muster stays switched on");
	return EXIT_OK;
}

static enum exit_code undo(bool all)
{
	struct fault f = {0};
	int r;

	if (!all && !trial_pending() && access(SETUP_BUSY, F_OK) < 0) {
		message_error("nothing is on trial");
		return EXIT_REFUSED;
	}
	if (!all)
		say("undoing what was on trial");
	r = setup_undo(all, &f);
	if (r == 1)
		puts("nothing to change");
	return r < 0 ? fault_print(&f, r) : EXIT_OK;
}

static enum exit_code switch_on(const struct setup_order *o)
{
	struct fault f = {0};
	char span[SPAN_TEXT_SIZE];
	int r;

	if (trial_pending() && !o->dry_run) {
		message_error("an earlier setup is on trial");
		message_hint("'musterctl setup --confirm' keeps it, '--rollback' undoes it");
		return EXIT_REFUSED;
	}
	r = setup_apply(o, &f);
	if (r == 1)
		puts("nothing to change");
	if (r != 0)
		return r < 0 ? fault_print(&f, r) : EXIT_OK;
	if (o->dry_run)
		return EXIT_OK;
	say("muster is switched on in nsswitch.conf and PAM; local users log in as before");
	if (o->try_ms) {
		span_text(o->try_ms / 1000, span);
		printf("It is undone in %s, or by a reboot, unless you run: musterctl setup --confirm\n", span);
		if (!systemd_runs())
			message_warning(
				"without systemd a reboot does not undo it: then run 'musterctl setup --rollback'");
	}
	puts("'musterctl doctor' says what else there is to do.");
	return EXIT_OK;
}

static enum exit_code run(const struct invocation *in)
{
	const struct setup_options *o = in->options;
	struct setup_order order = {.change = o->mkhomedir ? PAM_ENABLE_HOMES : PAM_ENABLE, .dry_run = o->dry_run};
	AUTO_CLOSE int lock = -1;
	struct fault f = {0};
	int r;

	if (o->confirm + o->rollback + o->uninstall + (o->try || o->mkhomedir || o->dry_run) > 1) {
		message_error("setup: --confirm, --rollback and --uninstall stand alone");
		return EXIT_ERROR;
	}
	if (o->try && trial_parse(o->try, &order.try_ms) < 0) {
		message_error("setup: --try takes minutes, or a duration from 10s to 1d");
		return EXIT_ERROR;
	}
	if (geteuid() != 0) {
		message_error("setup: only root may");
		return EXIT_ERROR;
	}
	r = setup_lock(o->rollback, &lock, &f);
	if (r < 0)
		return fault_print(&f, r);
	if (o->confirm)
		return confirm();
	return o->rollback || o->uninstall ? undo(o->uninstall) : switch_on(&order);
}

const struct command command_setup = {
	.name = "setup",
	.summary = "Switches muster on in nsswitch.conf and PAM, having proved that local users notice nothing.",
	.details = "PAM is changed by pam-auth-update. What goes wrong on the way is undone.\n"
		   "Exit code 0: done, or nothing to change; 1: a check or a proof failed, nothing is changed, or some of it\n"
		   "could not be taken out;\n"
		   "2: wrong usage, or an error: what it says is how things are.",
	.options = options,
	.options_size = sizeof(struct setup_options),
	.run = run,
};
