/* A 'musterctl setup' that nobody has confirmed yet, or that did not come to its end. */
#include "ctl/doctor/doctor.h"
#include "ctl/setup/trial.h"

void doctor_setup(struct doctor *d)
{
	const struct finding trial = {FINDING_WARNING, "setup",
				      .remedy = "run 'musterctl setup --confirm' to keep it, '--rollback' to undo it"};
	const struct finding ended = {FINDING_FAULT, "setup", .remedy = "run 'musterctl setup --rollback'"};

	if (!d->root)
		return;
	if (access(SETUP_BUSY, F_OK) == 0)
		doctor_tell(d, &ended, "'musterctl setup' is at work, or was ended in the middle of it");
	else if (trial_pending())
		doctor_tell(d, &trial, "what 'musterctl setup' switched on is on trial, and undone in time or by a reboot");
}
