#include "ctl/setup/apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/doctor/doctor.h"
#include "ctl/program.h"
#include "ctl/setup/files.h"
#include "ctl/setup/say.h"
#include "ctl/setup/trial.h"
#include "ctl/setup/undo.h"

#define PROVE_MS 120000
#define DIFF     "/usr/bin/diff"

/* ---- before anything is changed */

static int refuse(struct fault *f, const char *text, const char *hint)
{
	fault_set(f, -EKEYREJECTED, "%s", text);
	fault_hint(f, "%s", hint);
	return -EKEYREJECTED;
}

static int check_tools(enum pam_change change, struct fault *f)
{
	if (access("/usr/bin/authselect", X_OK) == 0)
		return refuse(f, "authselect manages nsswitch.conf and PAM here",
			      "docs/authselect.md has a profile and the steps");
	if (access(PAM_AUTH_UPDATE, X_OK) < 0)
		return refuse(f, "there is no " PAM_AUTH_UPDATE " here",
			      "docs/authselect.md has the lines for other distributions");
	if (access(PAM_PROFILES "/muster", R_OK) < 0 || access(PAM_PROFILES "/muster-gate", R_OK) < 0)
		return refuse(f, "muster's profiles are not in " PAM_PROFILES,
			      "install libpam-muster, or configure with --prefix=/usr");
	if (change == PAM_ENABLE_HOMES && access(PAM_PROFILES "/mkhomedir", R_OK) < 0)
		return refuse(f, PAM_PROFILES "/mkhomedir is not there",
			      "install libpam-modules, or leave --mkhomedir out");
	return 0;
}

/* What a login needs beside nsswitch.conf and PAM. */
static void examine_installation(struct doctor *d)
{
	doctor_files(d);
	doctor_nss_module(d);
	doctor_pam_module(d);
}

/* How many faults EXAMINE finds; they are told, and nothing else is. */
static unsigned count_faults(void (*examine)(struct doctor *))
{
	struct doctor d;
	unsigned faults;

	doctor_init(&d);
	d.least = FINDING_FAULT;
	examine(&d);
	faults = d.faults;
	doctor_done(&d);
	return faults;
}

static int check_installation(struct fault *f)
{
	return count_faults(examine_installation)
		       ? refuse(f, "what is told above has to be mended first", "nothing was changed")
		       : 0;
}

/* Would a service let in whom muster refuses, or local users out? */
static int check_services(struct fault *f)
{
	return count_faults(doctor_pam) ? refuse(f, "services of PAM are not safe with directory users: see above",
						 "mend them, and run this again")
					: 0;
}

/* ---- proofs */

static int prove(const char *root, struct buf *out, struct fault *f)
{
	AUTO_FREE char *folder = str_format("%s" SETUP_PAM_D, root);
	const char *const argv[] = {MUSTER_PROVE, folder, NULL};
	int r = folder ? program_run(argv, PROVE_MS, out) : -ENOMEM;
	const char *text = out->data ? (const char *)out->data : "";

	if (r != 0 || !strstr(text, "\nend\n"))
		return fault_set(f, -EKEYREJECTED,
				 "root's login cannot be tried: " MUSTER_PROVE " ended with %s, after: %s",
				 r < 0     ? strerror(-r)
				 : r > 256 ? "a signal"
					   : "an error",
				 *text ? text : "nothing");
	return 0;
}

/* Whatever local users were told before, they are told after. */
static int compare(const char *before, const char *after, const char *when, struct fault *f)
{
	char old[FIRST_LINE_SIZE], new[FIRST_LINE_SIZE];

	while (*before && *after) {
		size_t n = strcspn(before, "\n") + 1, m = strcspn(after, "\n") + 1;

		if (n != m || memcmp(before, after, n) != 0)
			break;
		before += n;
		after += m;
	}
	if (!*before && !*after)
		return 0;
	return fault_set(f, -EKEYREJECTED, "local users would notice, %s: '%s' was '%s'", when, first_line(after, new),
			 first_line(before, old));
}

static int prove_same(const char *root, const struct buf *before, const char *when, struct fault *f)
{
	CLEANUP(buf_done) struct buf now = {0};
	int r = prove(root, &now, f);

	return r < 0 ? r : compare((const char *)before->data, (const char *)now.data, when, f);
}

/* ---- the change itself */

static int show(enum setup_file i, struct fault *f)
{
	AUTO_FREE char *staged = str_format(SETUP_STAGE "%s", setup_path(i));
	const char *const argv[] = {DIFF,          "-u",          "--label", setup_path(i), "--label",
				    setup_path(i), setup_path(i), staged,    NULL};
	CLEANUP(buf_done) struct buf out = {0};
	int r = staged ? program_run(argv, PROVE_MS, &out) : -ENOMEM;

	if (r != 0 && r != 1)
		return fault_set(f, -EIO, "cannot run " DIFF);
	fputs((const char *)out.data, stdout);
	return 0;
}

static int show_all(struct fault *f)
{
	int r = show(SETUP_NSSWITCH, f);

	for (enum setup_file i = SETUP_PAM; r == 0 && i < SETUP_FILES; i++)
		if (strncmp(setup_path(i), SETUP_PAM_D, strlen(SETUP_PAM_D)) == 0)
			r = show(i, f);
	return r;
}

/* Both copies, whole, before the first byte of /etc changes: whoever undoes it knows which files are whose. */
static int save(struct fault *f)
{
	int r = setup_remove(SETUP_BEFORE);

	if (r == 0)
		r = setup_remove(SETUP_AFTER);
	if (r == 0 && (rename(SETUP_STAGE, SETUP_AFTER) < 0 || rename(SETUP_FOUND, SETUP_BEFORE) < 0))
		r = -errno;
	if (r < 0)
		return fault_set(f, r, "cannot write to " SETUP_DIR ": %s", strerror(-r));
	return setup_mark(SETUP_BUSY, "", f);
}

static int overtaken(struct fault *f)
{
	return fault_set(f, -EKEYREJECTED, "somebody else changed nsswitch.conf or PAM at the same time: try again");
}

/* PAM first: nobody exists before somebody decides about him. */
static int change(const struct setup_order *o, struct fault *f)
{
	int r = 0;

	if (!setup_same(SETUP_LIVE, SETUP_BEFORE, 0, SETUP_FILES - 1))
		return overtaken(f);
	if (!setup_same(SETUP_LIVE, SETUP_AFTER, SETUP_SEEN, SETUP_FILES - 1))
		r = pam_update(SETUP_LIVE, o->change, f);
	if (r == 0 && !setup_same(SETUP_LIVE, SETUP_AFTER, SETUP_PAM, SETUP_FILES - 1))
		return overtaken(f);
	return r < 0 ? r : setup_copy_file(SETUP_AFTER, SETUP_LIVE, SETUP_NSSWITCH, f);
}

static int change_and_prove(const struct setup_order *o, const struct buf *before, struct fault *f)
{
	int r = o->try_ms ? trial_begin(o->try_ms, f) : 0;

	if (r == 0)
		r = change(o, f);
	if (r == 0)
		r = prove_same(SETUP_LIVE, before, "now that it is done", f);
	if (r == 0)
		r = check_services(f);
	return r == 0 ? setup_sync(f) : r;
}

static int go_back(int r)
{
	struct fault f;

	if (setup_undo(false, &f) >= 0)
		return r;
	message_error("what was changed could not all be undone: %s", f.text);
	return -EIO;
}

static int stage(const struct setup_order *o, struct buf *before, struct fault *f)
{
	int r = check_tools(o->change, f);

	if (r == 0)
		r = setup_sound(SETUP_LIVE, f);
	if (r == 0)
		r = check_installation(f);
	if (r == 0)
		r = stage_make(o->change, f);
	if (r < 0)
		return r;
	if (setup_same(SETUP_LIVE, SETUP_STAGE, SETUP_NSSWITCH, SETUP_NSSWITCH) &&
	    setup_same(SETUP_LIVE, SETUP_STAGE, SETUP_PAM, SETUP_FILES - 1))
		return 1;
	r = prove(SETUP_LIVE, before, f);
	if (r == 0 && !strstr((const char *)before->data, " root account: Success\n"))
		return refuse(f, "no service of login, sshd, su, sudo and cron lets root in even now",
			      "see 'musterctl doctor'");
	return r < 0 ? r : prove_same(SETUP_STAGE, before, "with the files as they would be", f);
}

int setup_apply(const struct setup_order *o, struct fault *f)
{
	CLEANUP(buf_done) struct buf before = {0};
	int r;

	if (access(SETUP_BUSY, F_OK) == 0 && o->dry_run)
		return refuse(f, "a setup was ended in the middle of its work",
			      "'musterctl setup --rollback' undoes it");
	if (access(SETUP_BUSY, F_OK) == 0) {
		say_warning("a setup was ended in the middle of its work: it is undone first");
		r = setup_undo(false, f);
		if (r < 0)
			return r;
	}
	r = stage(o, &before, f);
	if (r == 0 && o->dry_run)
		r = show_all(f);
	else if (r == 0)
		r = save(f);
	if (r == 0 && !o->dry_run) {
		r = change_and_prove(o, &before, f);
		r = r < 0 ? go_back(r) : setup_unmark(SETUP_BUSY, f);
	}
	if ((setup_remove(SETUP_STAGE) < 0 || setup_remove(SETUP_FOUND) < 0) && r >= 0)
		r = fault_set(f, -EIO, "cannot remove " SETUP_STAGE);
	return r;
}
