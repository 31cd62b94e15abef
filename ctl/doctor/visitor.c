#include "ctl/doctor/visitor.h"

#include <security/_pam_types.h>
#include <string.h>

#include "common/paths.h"

/* Of modules that nothing is known of: a success, unless that alone would end or change the stack. */
static int answer_of_others(const struct pamstack_entry *e)
{
	int action = e->actions[PAM_SUCCESS];

	return action == PAMSTACK_DONE || action > 0 ? PAM_IGNORE : PAM_SUCCESS;
}

bool visitor_is_for_adopted(const struct pamstack_entry *e)
{
	return strcmp(e->module, "pam_muster") == 0 && strstr(e->args, "adopt");
}

static int answer(const struct pamstack_entry *e, const void *data)
{
	const struct visitor *v = data;

	if (e == v->liked_by)
		return PAM_SUCCESS;
	if (strcmp(e->module, "pam_listfile") == 0 && strstr(e->args, MUSTER_ADOPTED))
		return v->adopted ? PAM_SUCCESS : PAM_AUTH_ERR;
	if (strcmp(e->module, "pam_muster") == 0)
		return v->adopted && !visitor_is_for_adopted(e) ? PAM_USER_UNKNOWN : v->muster;
	/* "x" as password and no shadow entry: pam_unix refuses them, unless it is told not to mind */
	if (strcmp(e->module, "pam_unix") == 0)
		return v->local || strstr(e->args, "broken_shadow") ? PAM_SUCCESS : PAM_AUTHINFO_UNAVAIL;
	if (strcmp(e->module, "pam_localuser") == 0)
		return v->local ? PAM_SUCCESS : PAM_PERM_DENIED;
	if (strcmp(e->module, "pam_deny") == 0)
		return PAM_AUTH_ERR;
	if (strcmp(e->module, "pam_permit") == 0)
		return PAM_SUCCESS;
	return answer_of_others(e);
}

bool visitor_passes(const struct pamstack *s, const struct visitor *v)
{
	return pamstack_run(s, answer, v) == PAM_SUCCESS;
}

bool visitor_any_passes(const struct pamstack *s, const struct visitor *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (visitor_passes(s, &v[i]))
			return true;
	return false;
}

bool visitor_adopted_slips_in(const struct pamstack *s)
{
	static const struct visitor refused[] = {
		{.local = true, .adopted = true, .muster = PAM_ACCT_EXPIRED},
		{.local = true, .adopted = true, .muster = PAM_PERM_DENIED},
		{.local = true, .adopted = true, .muster = PAM_AUTHINFO_UNAVAIL},
		{.local = true, .adopted = true, .muster = PAM_MODULE_UNKNOWN},
	};

	return visitor_any_passes(s, refused, ARRAY_SIZE(refused));
}
