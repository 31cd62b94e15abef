/*
 * What is published: there, whole, the same in both places, new enough, and by a clock that can be
 * believed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/names.h"
#include "common/paths.h"
#include "ctl/doctor/doctor.h"
#include "ctl/text.h"

#define CLOCK_SLACK_S 300
#define SILENCE_S     3600 /* and … */
#define SILENCE_POLLS 10   /* … so many polls without one is too long */
#define SYNC          "run 'musterctl sync' and see what it says"

/* Generation of a whole snapshot; 0: there is none that is, and it was told of. */
static uint64_t check_snapshot(struct doctor *d, const char *path, enum snapshot_kind kind,
			       enum finding_status missing)
{
	CLEANUP(snapshot_closep) struct snapshot *s = NULL;
	struct finding f = {FINDING_FAULT, "data.published", .file = path, .remedy = SYNC};
	int r = snapshot_open(path, kind, &s);

	if (r == 0)
		r = snapshot_load(s);
	if (r == 0)
		r = snapshot_verify(s);
	if (r == 0)
		return snapshot_info(s)->generation;
	if (r == -ENOENT)
		f.status = missing;
	doctor_tell(d, &f, "%s",
		    r == -ENOENT    ? "nothing is published"
		    : r == -EBADMSG ? "the file is damaged"
		    : r == -EPERM   ? "owner, mode or kind of file is wrong: it is not used"
				    : strerror(-r));
	return 0;
}

static void check_pair(struct doctor *d, const char *runtime, const char *state, enum snapshot_kind kind)
{
	uint64_t now = check_snapshot(d, runtime, kind, FINDING_FAULT);
	uint64_t kept = check_snapshot(d, state, kind, FINDING_WARNING);
	struct finding f = {FINDING_WARNING, "data.published", .file = state, .remedy = SYNC};

	if (now && kept && now != kept) {
		doctor_tell(d, &f,
			    "generation %" PRIu64 " is kept for the next boot, %" PRIu64 " is in force", kept,
			    now);
	} else if (now && kept) {
		doctor_ok(d, "data.published", runtime, "whole, generation %" PRIu64, now);
	}
}

static void check_snapshots(struct doctor *d)
{
	check_pair(d, MUSTER_RUNTIME_DIR "/" NSS_SNAPSHOT, MUSTER_STATE_DIR "/" NSS_SNAPSHOT, SNAPSHOT_NSS);
	if (d->root)
		check_pair(d, MUSTER_RUNTIME_DIR "/" PAM_SNAPSHOT, MUSTER_STATE_DIR "/" PAM_SNAPSHOT,
			   SNAPSHOT_PAM);
	else
		doctor_unseen(d, "data.published", PAM_SNAPSHOT);
}

static void check_age(struct doctor *d)
{
	int64_t age_s = view_age_s(&d->view), lease_s = d->view.policy.lease_s;
	char age[SPAN_TEXT_SIZE], lease[SPAN_TEXT_SIZE];
	struct finding f = {FINDING_FAULT, "data.age", .remedy = SYNC};

	span_text(age_s, age);
	span_text(lease_s, lease);
	if (!d->view.pam || lease_s == 0) {
		doctor_ok(d, "data.age", NULL, "the directory confirmed it %s ago", age);
	} else if (age_s > lease_s) {
		doctor_tell(
			d, &f,
			"the directory confirmed it %s ago; all its users are refused, since the lease is %s",
			age, lease);
	} else if (age_s > lease_s / 2) {
		f.status = FINDING_WARNING;
		doctor_tell(d, &f, "the directory confirmed it %s ago; its users are refused after %s", age,
			    lease);
	} else {
		doctor_ok(d, "data.age", NULL, "the directory confirmed it %s ago; the lease is %s", age,
			  lease);
	}
}

/* As installed: the embedded directory is not made yet, and nothing was ever published. */
static bool has_no_directory(const struct doctor *d)
{
	return !d->conf_error[0] && !doctor_uses_network(d) && access(d->conf.url + strlen("file://"), F_OK) < 0 &&
	       errno == ENOENT && access(MUSTER_RUNTIME_DIR "/" NSS_SNAPSHOT, F_OK) < 0 &&
	       access(MUSTER_STATE_DIR "/" NSS_SNAPSHOT, F_OK) < 0;
}

/* Over the network somebody has to ask again and again: a living musterd, or a timer that runs musterd --once. */
static void check_asked(struct doctor *d, const struct sync_status *s, const char *when)
{
	struct finding f = {FINDING_WARNING, "data.sync",
			    .remedy = "see that musterd lives, or have 'musterd --once' run now and then"};
	int64_t silence_s = d->view.now - s->last_attempt_at;

	if (doctor_uses_network(d) && silence_s > SILENCE_S && silence_s > SILENCE_POLLS * d->conf.poll_interval_ms / 1000)
		doctor_tell(d, &f, "nobody has asked the directory since %s", when);
}

static void check_sync(struct doctor *d)
{
	const struct sync_status *s = d->view.sync;
	struct finding f = {FINDING_FAULT, "data.sync", .remedy = "mend that, then run 'musterctl sync'"};
	char when[WHEN_TEXT_SIZE], url[256];

	if (!s) {
		f.remedy = "configure a directory, then run 'musterctl sync'";
		doctor_tell(d, &f, "there was no sync yet");
		return;
	}
	when_text(s->last_attempt_at, d->view.now, when);
	name_escape(s->directory_url, url, sizeof(url));
	if (s->last_error[0]) {
		doctor_tell(d, &f, "the last one, %s, ended so: %s", when, s->last_error);
	} else {
		doctor_ok(d, "data.sync", NULL, "%s answered %s", url, when);
	}
	check_asked(d, s, when);
	f = (struct finding){FINDING_WARNING, "data.held",
			     .remedy = "run 'musterctl sync --accept-removals' when that is right"};
	if (s->held)
		doctor_tell(d, &f, "%u accounts are missing from the directory at once, and stay for now",
			    s->held);
}

static void check_clock(struct doctor *d)
{
	const struct clock_mark *mark = &d->view.status.mark;
	struct clock_reading now;
	struct finding f = {FINDING_FAULT, "clock", .remedy = "set the clock, and run a time service"};
	int64_t trusted, off;
	char span[SPAN_TEXT_SIZE];

	if (!d->view.pam || d->view_fault.text[0] || clock_read(&now) < 0)
		return;
	trusted = clock_trusted(&now, mark);
	off = now.wall_s - trusted;
	if (off < -CLOCK_SLACK_S) {
		span_text(-off, span);
		doctor_tell(d, &f, "the clock is %s behind what is known to be true; that counts", span);
		return;
	}
	off = now.wall_s - (mark->wall_s + (now.boottime_ms - mark->boottime_ms) / 1000);
	if (strcmp(now.boot_id, mark->boot_id) == 0 && off > CLOCK_SLACK_S) {
		f.status = FINDING_WARNING;
		span_text(off, span);
		doctor_tell(d, &f,
			    "the clock is %s ahead of what was known, since the last sync: leases and "
			    "passwords end early",
			    span);
		return;
	}
	doctor_ok(d, "clock", NULL, "agrees with what is known");
}

/* What access rules lack, as published. */
static void check_access(struct doctor *d)
{
	const struct access_rules *rules = &d->view.policy.access;
	struct finding f = {FINDING_FAULT, "data.access", .file = MUSTER_CONF,
			    .remedy = "name a group of the directory as it is there, then run 'musterctl sync'"};
	bool hours = false, missing = false;

	for (uint32_t i = 0; i < rules->n; i++) {
		const struct access_rule *r = &rules->rule[i];

		hours |= r->n_spans > 0;
		missing |= r->group_unknown;
		f.line = r->line;
		if (r->group_unknown)
			doctor_tell(d, &f, "access rule '%s' names a group that the directory does not have: it %s", r->name,
				    r->allow ? "lets nobody in by that" : "counts for everybody");
	}
	f = (struct finding){FINDING_FAULT, "data.access", .file = MUSTER_ETC "/localtime",
			     .remedy = "set a time zone, then run 'musterctl sync'"};
	if (hours && !d->view.policy.zone.n)
		doctor_tell(d, &f, "local time is not known: no access rule with hours allows, and each that denies does");
	else if (rules->n && !missing)
		doctor_ok(d, "data.access", NULL, "%u access rules", rules->n);
}

void doctor_data(struct doctor *d)
{
	const struct finding none = {FINDING_NOTE, "data.directory",
				     .remedy = "run 'musterctl directory add NAME', or set url in " MUSTER_CONF};

	if (has_no_directory(d)) {
		doctor_tell(d, &none, "no directory is set: nobody new can log in");
		return;
	}
	check_snapshots(d);
	if (!d->view_fault.text[0])
		check_age(d);
	if (d->view.pam && !d->view_fault.text[0])
		check_access(d);
	check_sync(d);
	check_clock(d);
}
