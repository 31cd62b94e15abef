/* Local users in the directory's hands: is this computer as [accounts] adopt wants it? */
#include <string.h>

#include "ctl/adopt/plan.h"
#include "ctl/doctor/doctor.h"

#define CHECK "users.adopt"

static void tell_user(struct doctor *d, const struct adopt_user *u)
{
	struct finding f = {FINDING_WARNING, CHECK,
			    .remedy = "see 'musterctl adopt', then run it with --apply"};

	if (u->action != ADOPT_NOTHING)
		doctor_tell(d, &f, "%s: %s%s%s", u->name, adopt_action_name(u->action),
			    u->why ? ": " : "", u->why ? u->why : "");
	else if (u->listed && !u->known)
		doctor_tell(d, &f, "%s: %s", u->name, u->why);
}

void doctor_adopt(struct doctor *d)
{
	CLEANUP(adopt_plan_done) struct adopt_plan p = {0};
	struct fault fault = {0};
	struct finding f = {FINDING_FAULT, CHECK, .file = MUSTER_ADOPTED,
			    .remedy = "run 'musterctl adopt --apply'"};

	if (d->view_fault.text[0] || d->conf_error[0] ||
	    (!d->conf.adopt.count && access(MUSTER_ADOPTED, F_OK) < 0))
		return;
	if (!d->root) {
		doctor_unseen(d, CHECK, "local users in the directory's hands");
		return;
	}
	if (adopt_plan_make(&p, false, &fault) < 0) {
		doctor_tell(d, &f, "%s", fault.text);
		return;
	}
	for (size_t i = 0; i < adopt_plan_count(&p); i++)
		tell_user(d, adopt_plan_user(&p, i));
	if (adopt_plan_any_listed(&p) && !p.profile)
		doctor_tell(d, &f,
			    "PAM does not ask muster about those in the list: their local "
			    "passwords are locked, and keys "
			    "open refused accounts");
	else if (!adopt_plan_changes(&p) && !adopt_plan_blocked(&p))
		doctor_ok(d, CHECK, NULL, "local users are in the directory's hands as configured");
}
