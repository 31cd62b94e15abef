/* musterctl explain: would this user get in, which rule decides, and on what data. */
#include "ctl/explain.h"

#include <errno.h>
#include <string.h>

#include "common/names.h"
#include "common/saved_verifier.h"
#include "ctl/commands.h"
#include "ctl/text.h"

struct explain_options {
	const char *service, *at, *offline;
	bool json;
};

static const struct option_spec options[] = {
	{"service", OPTION_TEXT, offsetof(struct explain_options, service), "SERVICE",
	 "a login through this PAM service (sshd, sudo, cron, ...)"},
	{"at", OPTION_TEXT, offsetof(struct explain_options, at), "TIME",
	 "at this time: 2026-11-30, 2026-11-30T08:00:00Z, +2h"},
	{"offline", OPTION_TEXT, offsetof(struct explain_options, offline), "DURATION",
	 "as if the directory had last confirmed the data so long before"},
	{"json", OPTION_FLAG, offsetof(struct explain_options, json), NULL, "print JSON"},
	{0},
};

static void explanation_done(struct explanation *e)
{
	view_done(&e->view);
	buf_wipe(&e->account_buf);
	buf_done(&e->reject_buf);
}

static int parse_options(struct explanation *e, const struct explain_options *o, struct fault *f)
{
	int64_t offline_ms;

	e->service = o->service;
	e->now = e->view.now;
	e->confirmed_at = view_info(&e->view)->confirmed_at;
	if (o->at && when_parse(o->at, e->view.now, &e->now) < 0)
		return fault_set(f, -EINVAL,
				 "--at '%s': not a time such as 2026-11-30T08:00:00Z or +2h",
				 o->at);
	/* At another time the data is as old as now, as long as nothing else is said: syncs go on. */
	e->confirmed_at += e->now - e->view.now;
	if (!o->offline)
		return 0;
	if (parse_duration_ms(o->offline, &offline_ms) < 0)
		return fault_set(f, -EINVAL,
				 "--offline '%s': not a duration such as 90s, 2h or 14d",
				 o->offline);
	e->confirmed_at = e->now - offline_ms / 1000;
	return 0;
}

/* As common/login.h: while the directory cannot be asked, the verifier decides that was saved when it last could. */
static void decide_off_line(struct explanation *e)
{
	CLEANUP(buf_wipe) struct buf data = {0};
	struct saved_verifier saved;
	int r = -EHOSTUNREACH;

	if (e->factor != FACTOR_DIRECTORY)
		r = saved_verifier_load(MUSTER_STATE_DIR, e->account.uid, &data, &saved);

	if (r == 0)
		r = saved_verifier_judge(&saved, &e->account, &e->view.policy, e->now);
	e->saved_error = r;
	if (r == 0)
		e->password_until = saved_verifier_ends_at(&saved, &e->view.policy);
	else if (e->reason == REASON_OK)
		e->reason = REASON_UNAVAILABLE;
}

/* Is a user of this name in the directory, but left out here, and why? */
static int find_reject(struct explanation *e)
{
	int r = view_reject(&e->view, e->name, &e->reject_buf, &e->reject);

	e->rejected = r == 0;
	return r == -ESRCH ? 0 : r;
}

static int decide(struct explanation *e, bool off_line, struct fault *f)
{
	int r;

	e->reason = REASON_UNKNOWN_USER;
	e->local = view_name_is_local(e->name);
	if (e->local) /* as the modules do, whatever the snapshot says */
		return 0;
	r = name_valid(e->name) ? view_account(&e->view, e->name, &e->account_buf, &e->account)
				: -ESRCH;
	if (r == -ESRCH)
		return find_reject(e);
	if (r < 0)
		return fault_set(f, r, "cannot read the account '%s': %s", e->name, strerror(-r));
	e->known = true;
	judge(&e->view, &e->account,
	      &(struct judge_question){e->service ? e->service : "", e->now, e->confirmed_at, NULL},
	      &e->judgement);
	e->reason = e->judgement.password.reason;
	e->factor = factor_of(&e->account, &e->view.policy, e->service, e->now);
	if (off_line && e->view.policy.password_ldap)
		decide_off_line(e);
	return e->account.bound ? 0 : find_reject(e); /* whoever has the name of one who left */
}

static enum exit_code run(const struct invocation *in)
{
	const struct explain_options *o = in->options;
	CLEANUP(explanation_done) struct explanation e = {.name = in->args[0]};
	struct fault f = {0};
	enum exit_code code;
	int r = view_open(&e.view, &f);

	if (r == 0 && !e.view.pam) {
		r = fault_set(&f, -EPERM, "explain: states are shown to root only");
		fault_hint(&f, "sudo musterctl explain %s", e.name);
	}
	if (r == 0)
		r = parse_options(&e, o, &f);
	if (r == 0)
		r = decide(&e, o->offline, &f);
	if (r < 0) {
		fault_print(&f, r);
		return EXIT_ERROR;
	}
	code = o->json ? explain_print_json(&e) : explain_print(&e);
	if (code != EXIT_OK)
		return code;
	return e.reason == REASON_OK ? EXIT_OK : EXIT_REFUSED;
}

const struct command command_explain = {
	.name = "explain",
	.args = "NAME",
	.min_args = 1,
	.max_args = 1,
	.summary = "Says whether a user would get in, and why.",
	.details = "Exit codes: 0 allowed, 1 refused, 2 error.",
	.options = options,
	.options_size = sizeof(struct explain_options),
	.run = run,
};
