#include "ctl/setup/undo.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/adopt/apply.h"
#include "ctl/setup/files.h"
#include "ctl/setup/nsswitch_edit.h"
#include "ctl/setup/say.h"
#include "ctl/setup/stage.h"
#include "ctl/setup/trial.h"

/* nsswitch.conf, or PAM's files. */
struct part {
	const char *name;
	enum setup_file first, last;
	bool (*has_muster)(const char *root);
	int (*take_out)(struct fault *f);
	int (*put_back)(struct fault *f);
};

static int take_out_nss(struct fault *f)
{
	CLEANUP(buf_done) struct buf before = {0};
	CLEANUP(buf_done) struct buf old = {0};
	CLEANUP(buf_done) struct buf new = {0};
	struct fault ignored;
	struct stat st;
	int r = setup_read(SETUP_LIVE, SETUP_NSSWITCH, &old, f);
	/* the merging was there without us: it stays */
	bool merged = setup_read(SETUP_BEFORE, SETUP_NSSWITCH, &before, &ignored) == 0 &&
		      strcasestr((const char *)before.data, "=merge");

	if (r == 0 && lstat(setup_path(SETUP_NSSWITCH), &st) < 0)
		r = fault_set(f, -errno, "%s: %s", setup_path(SETUP_NSSWITCH), strerror(errno));
	if (r == 0 && !S_ISREG(st.st_mode))
		r = fault_set(f, -EKEYREJECTED, "%s is no regular file: take muster out by hand",
			      setup_path(SETUP_NSSWITCH));
	if (r == 0)
		r = nsswitch_remove((const char *)old.data, !merged, &new);
	return r < 0 ? r : setup_write(SETUP_LIVE, SETUP_NSSWITCH, st.st_mode & 07777, &new, f);
}

static int put_back_nss(struct fault *f)
{
	return setup_copy_file(SETUP_BEFORE, SETUP_LIVE, SETUP_NSSWITCH, f);
}

static int take_out_pam(struct fault *f)
{
	return pam_update(SETUP_LIVE, PAM_DISABLE, f);
}

/* Our profiles stay noted as seen: else the next package with a profile would have them enabled again. */
static int put_seen_back(struct fault *f)
{
	static const char *const ours[] = {"muster\n", "muster-gate\n"};
	CLEANUP(buf_done) struct buf text = {0};
	int r = setup_read(SETUP_BEFORE, SETUP_SEEN, &text, f);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(ours); i++) {
		AUTO_FREE char *line = str_format("\n%s", ours[i]);
		const char *had = (const char *)text.data;

		if (!line)
			return -ENOMEM;
		if (strncmp(had, ours[i], strlen(ours[i])) == 0 || strstr(had, line))
			continue;
		r = buf_add(&text, ours[i], strlen(ours[i]) + 1);
		text.len -= r == 0;
	}
	return r < 0 ? r : setup_write(SETUP_LIVE, SETUP_SEEN, 0644, &text, f);
}

/*
 * By the tool first, which keeps debconf's notes right; then its files get back what they had. When the tool fails (debconf
 * is locked, say), the files alone do.
 */
static int put_back_pam(struct fault *f)
{
	struct fault ignored;
	int r = setup_has_pam(SETUP_BEFORE) ? 0 : take_out_pam(&ignored);

	if (r < 0)
		say_warning("%s: its files are put back without it", ignored.text);
	r = put_seen_back(f);
	for (enum setup_file i = SETUP_PAM; r == 0 && i < SETUP_FILES; i++)
		r = setup_copy_file(SETUP_BEFORE, SETUP_LIVE, i, f);
	return r;
}

static const struct part nss = {"nsswitch.conf", SETUP_NSSWITCH, SETUP_NSSWITCH,
				setup_has_nss,   take_out_nss,   put_back_nss};
static const struct part pam = {"PAM", SETUP_PAM, SETUP_FILES - 1, setup_has_pam, take_out_pam, put_back_pam};

/* Has nobody but setup written to any of its files since they were saved? Who was killed removing the copies has left half of them. */
static bool is_ours(const struct part *p)
{
	if (!setup_same(SETUP_BEFORE, SETUP_BEFORE, p->first, p->last))
		return false;
	for (enum setup_file i = p->first; i <= p->last; i++)
		if (!setup_same(SETUP_LIVE, SETUP_BEFORE, i, i) && !setup_same(SETUP_LIVE, SETUP_AFTER, i, i))
			return false;
	return true;
}

static int refuse_edited(const struct part *p, struct fault *f)
{
	fault_set(f, -EKEYREJECTED, "%s still names muster: it was edited by hand", p->name);
	fault_hint(f, "take those lines out, or run 'pam-auth-update --force --package --disable muster muster-gate', "
		      "which drops other edits, too");
	return -EKEYREJECTED;
}

/* BEGUN: some of it is done already. 0: done; 1: nothing to do. */
static int undo_part(const struct part *p, bool all, bool begun, struct fault *f)
{
	bool had = p->has_muster(SETUP_BEFORE);
	int r;

	if (!begun && setup_same(SETUP_LIVE, SETUP_BEFORE, p->first, p->last) && !(all && had))
		return 1;
	if (is_ours(p) && !(all && had)) {
		r = p->put_back(f);
		if (r == 0)
			say("%s is as it was before", p->name);
		return r;
	}
	if (had && !all) {
		say_warning("%s was edited since, and named muster before: it is left as it is", p->name);
		return 0;
	}
	if (!begun && !p->has_muster(SETUP_LIVE))
		return 1;
	r = p->take_out(f);
	if (r < 0)
		return r;
	if (!p->has_muster(SETUP_LIVE)) {
		say("muster is taken out of %s; all else there stays", p->name);
		return 0;
	}
	return refuse_edited(p, f);
}

/*
 * Whom the directory took over has no other way in when PAM asks muster no more. All else of muster goes first: where it cannot,
 * nobody is given back, and where that cannot be done, all else is gone. 0: nobody was to be given back; 1: done.
 */
static int give_back(struct fault *f)
{
	int r = 0;

	if (!adopt_is_on())
		return 0;
	if (setup_has_pam_for_all(SETUP_LIVE))
		r = take_out_pam(f);
	if (r == 0 && setup_has_pam_for_all(SETUP_LIVE))
		r = refuse_edited(&pam, f);
	if (r == 0)
		r = adopt_restore(f);
	return r < 0 ? r : 1;
}

int setup_undo(bool all, struct fault *f)
{
	bool goes = all || !setup_has_pam(SETUP_BEFORE);
	int users = undo_part(&nss, all, false, f), r; /* first nobody new exists, then nobody asks */
	struct fault other, *why = users < 0 ? &other : f;
	int gate = goes ? give_back(why) : 0;

	if (gate >= 0)
		gate = undo_part(&pam, all, gate > 0, why);
	r = users < 0 ? users : gate;
	if (r < 0) /* the copies stay: what is left can be done once more */
		return r;
	r = setup_sync(f);
	if (r == 0)
		r = trial_end(f);
	if (r == 0)
		r = setup_unmark(SETUP_BUSY, f);
	if (r < 0)
		return r;
	if (setup_remove(SETUP_AFTER) < 0 || setup_remove(SETUP_BEFORE) < 0)
		return fault_set(f, -EIO, "cannot remove what is in " SETUP_DIR);
	return users == 1 && gate == 1 ? 1 : 0;
}
