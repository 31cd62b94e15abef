#include "ctl/adopt/profile.h"

#include <errno.h>
#include <security/_pam_types.h>

#include "common/paths.h"
#include "ctl/doctor/visitor.h"

#define PAM_DIR MUSTER_ETC "/pam.d"

static bool asks(const char *service, enum pamstack_type type)
{
	CLEANUP(pamstack_done) struct pamstack s = {0};

	if (pamstack_load(PAM_DIR, service, type, &s) < 0)
		return false;
	for (unsigned i = 0; i < s.count; i++)
		if (visitor_is_for_adopted(&s.entries[i]))
			return true;
	return false;
}

bool adopt_profile_is_on(void)
{
	return (asks("common-auth", PAMSTACK_AUTH) && asks("common-account", PAMSTACK_ACCOUNT)) ||
	       (asks("system-auth", PAMSTACK_AUTH) && asks("system-auth", PAMSTACK_ACCOUNT));
}

/* As if he were not local: no module but muster lets him in. */
static bool opens(const struct pamstack *s)
{
	return visitor_passes(s, &(struct visitor){.adopted = true, .muster = PAM_SUCCESS});
}

static int check(const char *service, enum pamstack_type type, struct fault *f)
{
	CLEANUP(pamstack_done) struct pamstack s = {0};
	int r = pamstack_load(PAM_DIR, service, type, &s);

	if (r == -ENOENT || (r == 0 && s.count == 0))
		return 0;
	if (r < 0)
		return fault_set(f, r, "%s", s.error);
	if (type == PAMSTACK_ACCOUNT && visitor_adopted_slips_in(&s))
		fault_set(f, -EKEYREJECTED, PAM_DIR "/%s lets them in also where muster refuses them", service);
	else if (type == PAMSTACK_AUTH && !opens(&s))
		fault_set(f, -EKEYREJECTED, PAM_DIR "/%s does not take their passwords of the directory", service);
	else
		return 0;
	fault_hint(f, "the lines of the profile muster-adopt have to come before what decides otherwise: pam_muster(8)");
	return -EKEYREJECTED;
}

int adopt_profile_holds(struct fault *f)
{
	static const char *const files[] = {"common-account", "system-auth", "sshd"};
	int r = check("common-auth", PAMSTACK_AUTH, f);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(files); i++)
		r = check(files[i], PAMSTACK_ACCOUNT, f);
	return r;
}
