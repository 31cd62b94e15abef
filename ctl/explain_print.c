#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/names.h"
#include "ctl/explain.h"
#include "ctl/text.h"

static void print_line(const char *label, const char *text)
{
	char safe[768];

	name_escape(text, safe, sizeof(safe));
	printf("  %-12s %s\n", label, safe);
}

static char *locked_rule(const struct explanation *e)
{
	const struct tally *t = &e->judgement.tally;
	char text[WHEN_TEXT_SIZE];

	if (e->judgement.account.reason == REASON_LOCKED) {
		when_text(e->account.account_locked_at, e->now, text);
		return str_format("locked in the directory%s%s",
				  e->account.account_locked_at ? " since " : "",
				  e->account.account_locked_at ? text : "");
	}
	if (t->locked_until_ms == 0)
		return str_format(
			"%u wrong passwords here: passwords are refused until unlocked, keys pass",
			t->failures);
	span_text((t->locked_until_ms - e->judgement.boottime_ms) / 1000, text);
	return str_format("%u wrong passwords here: passwords are refused for %s, keys pass",
			  t->failures, text);
}

static char *unavailable_rule(const struct explanation *e)
{
	char text[WHEN_TEXT_SIZE];

	if (e->judgement.tally_error < 0)
		return str_format("the record of failed attempts cannot be read: %s", strerror(-e->judgement.tally_error));
	if (e->judgement.no_password)
		return str_format("the directory has no password_hash for this user");
	span_text(e->view.policy.offline_password_max_age_s, text);
	switch (-e->saved_error) {
	case ENOENT:
		return str_format("off line no password can be verified that was never right here on line");
	case ESTALE:
		return str_format("off line a password serves for %s after the directory found it right", text);
	case EHOSTUNREACH:
		return str_format("off line nobody can check a code: the LDAP server alone can");
	case EKEYEXPIRED:
		return str_format("off line no password can be verified that was not right here since it was changed");
	}
	return str_format("off line no password can be verified: the saved verifier: %s", strerror(-e->saved_error));
}

static char *unknown_rule(const struct explanation *e)
{
	if (e->local)
		return str_format("a local user, in /etc/passwd: muster is never asked about it");
	if (e->rejected)
		return str_format("left out of the directory's users: %s%s%s", e->reject.reason,
				  e->reject.detail[0] ? ": " : "", e->reject.detail);
	return str_format("the directory lets no user of this name onto this computer");
}

static const struct access_rule *access_rule(const struct explanation *e)
{
	return e->known ? e->judgement.password.rule : NULL;
}

/* Which access rule decided, and where it stands. */
static char *access_text(const struct explanation *e)
{
	const struct access_rule *r = access_rule(e);
	char name[64];

	if (!r)
		return str_format("access rules cannot be judged");
	name_escape(r->name, name, sizeof(name));
	return str_format("access rule '%s' in " MUSTER_CONF ":%u %s%s", name, r->line,
			  e->reason == REASON_OK     ? "allows it"
			  : e->reason == REASON_HOURS ? "denies it at this time"
						      : "denies it",
			  r->group_unknown && !r->allow ? "; the directory has no group of a name in it, so it fits everybody" : "");
}

static void print_local_time(const struct explanation *e)
{
	static const char *const days[] = {"Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"};
	int minute = access_minute(&e->view.policy.zone, e->now);
	char text[64];

	if (minute < 0)
		return;
	snprintf(text, sizeof(text), "%s %02d:%02d, by which hours of access rules count", days[minute / ACCESS_DAY],
		 minute % ACCESS_DAY / 60, minute % 60);
	print_line("local time", text);
}

/* What was judged beside the account. */
static void print_access(const struct explanation *e)
{
	const struct access_rules *rules = &e->view.policy.access;
	AUTO_FREE char *rule = e->reason == REASON_OK && access_rule(e) ? access_text(e) : NULL;
	bool named = false;

	for (uint32_t i = 0; i < rules->n; i++)
		named |= rules->rule[i].services.count > 0;
	if (e->service)
		print_line("service", e->service);
	else if (named)
		print_line("service", "any; access rules that name services are asked with --service alone");
	if (rule)
		print_line("access", rule);
	print_local_time(e);
}

/* The rule that fired, in the administrator's words; freed by the caller. */
static char *rule_text(const struct explanation *e)
{
	const struct account *a = &e->account;
	const char *state = user_state_name(verdict_state_at(a, e->now));
	char when[WHEN_TEXT_SIZE];

	switch (e->reason) {
	case REASON_UNBOUND:
		when_text(a->removed_at, e->now, when);
		return str_format("no longer bound to this computer: removed %s%s%s%s%s", when,
				  e->rejected ? "; who has the name now is left out: " : "",
				  e->rejected ? e->reject.reason : "",
				  e->rejected && e->reject.detail[0] ? ": " : "",
				  e->rejected ? e->reject.detail : "");
	case REASON_SUSPENDED:
		return str_format("state is %s%s", state,
				  a->suspended ? ", and the flag 'suspended' is set" : "");
	case REASON_STAGED:
		return str_format("state is %s: not activated yet", state);
	case REASON_LOCKED:
		return locked_rule(e);
	case REASON_PASSWORD_PENDING:
		return str_format("no password was ever set");
	case REASON_PASSWORD_EXPIRED:
		if (a->password_expired)
			return str_format("the directory has let the password expire");
		when_text(a->password_expires_at, e->now, when);
		return str_format("the password expired %s", when);
	case REASON_STALE:
		span_text(a->has_lease ? a->lease_s : e->view.policy.lease_s, when);
		return str_format("the data is older than the lease of %s", when);
	case REASON_SERVICE:
	case REASON_HOURS:
		return access_text(e);
	case REASON_UNAVAILABLE:
		return unavailable_rule(e);
	case REASON_UNKNOWN_USER:
		return unknown_rule(e);
	case REASON_OK:
		return str_format("active, neither locked nor expired");
	case REASON_MFA_PENDING:
		return str_format("a second factor is required, and none is set up");
	case REASON_UNDECIDED:
	case REASON_WRONG_PASSWORD:
	case REASON_WRONG_CODE:
	case REASON_BACKOFF:
		break;
	}
	return str_format("cannot be decided");
}

/* In words; freed by the caller. */
static char *factor_text(const struct explanation *e)
{
	const struct account *a = &e->account;
	const struct policy *p = &e->view.policy;
	char when[WHEN_TEXT_SIZE];

	switch (e->factor) {
	case FACTOR_CODE:
		return str_format("a code is asked for, and checked by this computer");
	case FACTOR_DIRECTORY:
		return str_format("a code is asked for, and checked by the LDAP server");
	case FACTOR_PENDING:
		return str_format("required, and not set up");
	case FACTOR_NONE:
		break;
	}
	if (!factor_is_wanted(a))
		return str_format("none");
	if (!factor_is_asked(p, e->service))
		return str_format("wanted, but asked for by no service%s%s", e->service ? " called " : " that is not named",
				  e->service ? e->service : "");
	when_text(a->mfa_exclusion_until, e->now, when);
	return str_format("wanted, but excluded%s%s", a->mfa_exclusion_until ? " until " : "",
			  a->mfa_exclusion_until ? when : "");
}

static void print_factor(const struct explanation *e)
{
	AUTO_FREE char *text = factor_text(e);

	if (text)
		print_line("2nd factor", text);
}

static void print_account(const struct explanation *e)
{
	const struct account *a = &e->account;
	char when[WHEN_TEXT_SIZE], text[160];

	if (a->adopted)
		print_line("account", "a local user, taken over by the directory");
	print_line("state", user_state_name(verdict_state_at(a, e->now)));
	for (uint32_t i = 0; i < a->n_scheduled; i++) {
		if (a->scheduled[i].at <= e->now)
			continue;
		when_text(a->scheduled[i].at, e->now, when);
		snprintf(text, sizeof(text), "%s at %s", user_state_name(a->scheduled[i].state),
			 when);
		print_line("scheduled", text);
	}
	when_text(a->password_changed_at, e->now, when);
	print_line("password set", a->password_changed_at ? when : a->activated ? "yes" : "never");
	if (e->judgement.no_password && a->activated)
		print_line("password", "no password_hash: passwords are refused");
	when_text(a->password_expires_at, e->now, when);
	print_line("expires", a->password_never_expires ? "never" : when);
	if (e->password_until) {
		when_text(e->password_until, e->now, when);
		snprintf(text, sizeof(text), "the password serves until %s", when);
		print_line("off line", text);
	}
	print_factor(e);
	if (e->judgement.tally.failures > 0) {
		snprintf(text, sizeof(text), "%u of %u", e->judgement.tally.failures,
			 e->view.policy.max_attempts);
		print_line("failures", text);
	}
}

enum exit_code explain_print(const struct explanation *e)
{
	const struct snapshot_info *info = view_info(&e->view);
	char name[128], text[256], when[WHEN_TEXT_SIZE];
	AUTO_FREE char *rule = rule_text(e);

	if (!rule)
		return message_out_of_memory();
	name_escape(e->name, name, sizeof(name));
	printf("%s: %s: %s\n", name,
	       e->reason == REASON_OK ? "allowed"
	       : e->local             ? "not decided by muster"
				      : "refused",
	       reason_name(e->reason));
	print_line("why", rule);
	/* Of a password that was not right nothing is told, as when there is none. */
	if (e->known && e->reason != REASON_OK && !(e->reason == REASON_UNAVAILABLE && e->judgement.no_password)) {
		reason_text(e->reason, e->view.policy.portal_url, e->service, text, sizeof(text));
		print_line("is told", text);
	}
	if (e->known)
		print_access(e);
	else if (e->service)
		print_line("service", e->service);
	when_text(e->now, e->view.now, when);
	print_line("at", when);
	if (e->known)
		print_account(e);
	when_text(e->confirmed_at, e->now, when);
	print_line("confirmed", when);
	snprintf(text, sizeof(text), "%" PRIu64, info->generation);
	print_line("generation", text);
	return EXIT_OK;
}

static struct json_object *json_scheduled(const struct explanation *e)
{
	struct json_object *list = json_object_new_array();

	for (uint32_t i = 0; i < e->account.n_scheduled; i++) {
		const struct scheduled_change *c = &e->account.scheduled[i];
		struct json_object *o;

		if (c->at <= e->now)
			continue;
		o = json_object_new_object();
		json_object_object_add(o, "state", text_to_json(user_state_name(c->state)));
		json_object_object_add(o, "at", time_to_json(c->at));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *json_access(const struct explanation *e)
{
	const struct access_rule *r = access_rule(e);
	struct json_object *o;

	if (!r)
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, "name", text_to_json(r->name));
	json_object_object_add(o, "allow", json_object_new_boolean(r->allow));
	json_object_object_add(o, "file", text_to_json(MUSTER_CONF));
	json_object_object_add(o, "line", json_object_new_uint64(r->line));
	return o;
}

static const char *factor_word(enum factor f)
{
	switch (f) {
	case FACTOR_NONE:
		return "none";
	case FACTOR_CODE:
		return "code";
	case FACTOR_DIRECTORY:
		return "directory";
	case FACTOR_PENDING:
		break;
	}
	return "pending";
}

static void json_account(struct json_object *o, const struct explanation *e)
{
	const struct account *a = &e->account;

	json_object_object_add(o, "adopted", json_object_new_boolean(a->adopted));
	json_object_object_add(o, "uid", json_object_new_uint64(a->uid));
	json_object_object_add(o, "state",
			       text_to_json(user_state_name(verdict_state_at(a, e->now))));
	json_object_object_add(o, "scheduled", json_scheduled(e));
	json_object_object_add(o, "password_set_at", time_to_json(a->password_changed_at));
	json_object_object_add(
		o, "password_expires_at",
		time_to_json(a->password_never_expires ? 0 : a->password_expires_at));
	json_object_object_add(o, "offline_password_until", time_to_json(e->password_until));
	json_object_object_add(o, "second_factor", text_to_json(factor_word(e->factor)));
	json_object_object_add(o, "failures", json_object_new_uint64(e->judgement.tally.failures));
	/* What keys, sudo and cron meet: it differs where passwords alone are refused. */
	json_object_object_add(o, "reason_without_password",
			       text_to_json(reason_name(e->judgement.account.reason)));
}

enum exit_code explain_print_json(const struct explanation *e)
{
	struct json_object *o = json_object_new_object();
	AUTO_FREE char *rule = rule_text(e);
	int64_t age_s = e->now - e->confirmed_at;

	json_object_object_add(o, "user", text_to_json(e->name));
	json_object_object_add(o, "allowed", json_object_new_boolean(e->reason == REASON_OK));
	json_object_object_add(o, "reason", text_to_json(reason_name(e->reason)));
	json_object_object_add(o, "why", text_to_json(rule));
	json_object_object_add(o, "service", text_to_json(e->service));
	json_object_object_add(o, "at", time_to_json(e->now));
	json_object_object_add(o, "data_age_s", json_object_new_int64(age_s > 0 ? age_s : 0));
	json_object_object_add(o, "generation",
			       json_object_new_uint64(view_info(&e->view)->generation));
	json_object_object_add(o, "local", json_object_new_boolean(e->local));
	json_object_object_add(o, "access_rule", json_access(e));
	if (e->known)
		json_account(o, e);
	return json_print(o);
}
