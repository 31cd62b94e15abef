#include "common/subject.h"
#include "pam/phases.h"

int phase_session(const struct call *c)
{
	CLEANUP(subject_done) struct subject s = {0};

	return call_load(c, &s) == 0 ? PAM_SUCCESS : PAM_IGNORE;
}
