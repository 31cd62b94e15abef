#include "common/factor.h"

#include <strings.h>

#define ALL "all"

static bool has_secret(const struct account *a)
{
	return a->totp_secret && a->totp_secret[0];
}

bool factor_is_set_up(const struct account *a, const struct policy *p)
{
	return has_secret(a) || (p->password_ldap && (a->mfa_configured || a->totp_enabled));
}

bool factor_is_wanted(const struct account *a)
{
	return a->mfa_required || a->mfa_configured || a->totp_enabled || has_secret(a);
}

bool factor_is_uncounted(const struct account *a)
{
	return a->disable_lockout && !factor_is_wanted(a);
}

bool factor_is_excluded(const struct account *a, int64_t now)
{
	return a->mfa_exclusion && (a->mfa_exclusion_until == 0 || now < a->mfa_exclusion_until);
}

static bool has_service(const struct strlist *l, const char *service)
{
	const char *plain = access_plain_service(service);

	for (const char *s = NULL; (s = strlist_next(l, s));)
		if (strcasecmp(s, service) == 0 || strcasecmp(s, plain) == 0)
			return true;
	return false;
}

bool factor_is_asked(const struct policy *p, const char *service)
{
	if (has_service(&p->totp_services, ALL))
		return !service || !has_service(&p->totp_except, service);
	return service && has_service(&p->totp_services, service) &&
	       !has_service(&p->totp_except, service);
}

enum factor factor_of(const struct account *a, const struct policy *p, const char *service,
		      int64_t now)
{
	if (!factor_is_wanted(a) || !factor_is_asked(p, service) || factor_is_excluded(a, now))
		return FACTOR_NONE;
	if (has_secret(a))
		return FACTOR_CODE;
	return factor_is_set_up(a, p) ? FACTOR_DIRECTORY : FACTOR_PENDING;
}
