#include "common/reason.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/macros.h"

static const struct {
	enum reason reason;
	const char *name;
	const char *text; /* the sentence when there is nothing to insert */
} reasons[] = {
	{REASON_UNDECIDED, "undecided", "This account cannot be checked at the moment."},
	{REASON_UNBOUND, "unbound", "This account no longer has access to this computer."},
	{REASON_SUSPENDED, "suspended", "This account is suspended."},
	{REASON_STAGED, "staged", "This account is not active yet."},
	{REASON_LOCKED, "locked", "This account is locked."},
	{REASON_PASSWORD_PENDING, "password_pending", "Set your password first."},
	{REASON_PASSWORD_EXPIRED, "password_expired", "Your password has expired."},
	{REASON_STALE, "stale", "This computer has been off line too long."},
	{REASON_SERVICE, "service", "Not allowed for this service."},
	{REASON_HOURS, "hours", "Not allowed at this time."},
	{REASON_MFA_PENDING, "mfa_pending", "Set up your second factor first."},
	{REASON_WRONG_CODE, "wrong_code", "The password is wrong."},
	{REASON_WRONG_PASSWORD, "wrong_password", "The password is wrong."},
	{REASON_BACKOFF, "backoff", "Too many failed attempts. Try again later."},
	{REASON_UNKNOWN_USER, "unknown_user", "This user is not known here."},
	{REASON_UNAVAILABLE, "unavailable", "This account cannot be checked at the moment."},
	{REASON_OK, "ok", ""},
};

const char *reason_name(enum reason r)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].reason == r)
			return reasons[i].name;
	return "undecided";
}

int reason_parse(const char *name, enum reason *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (strcmp(reasons[i].name, name) == 0) {
			*ret = reasons[i].reason;
			return 0;
		}
	}
	return -EINVAL;
}

static const char *plain_text(enum reason r)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].reason == r)
			return reasons[i].text;
	return reasons[0].text;
}

void reason_text(enum reason r, const char *portal_url, const char *service, char *out, size_t size)
{
	bool url = portal_url && *portal_url;

	if (r == REASON_PASSWORD_PENDING && url)
		(void)snprintf(out, size, "Set your password at %s first.", portal_url);
	else if (r == REASON_PASSWORD_EXPIRED && url)
		(void)snprintf(out, size, "Your password has expired. Change it at %s.",
			       portal_url);
	else if (r == REASON_MFA_PENDING && url)
		(void)snprintf(out, size, "Set up your second factor at %s first.", portal_url);
	else if (r == REASON_SERVICE && service && *service)
		(void)snprintf(out, size, "Not allowed for %s.", service);
	else if (r == REASON_HOURS && service && *service)
		(void)snprintf(out, size, "Not allowed for %s at this time.", service);
	else
		(void)snprintf(out, size, "%s", plain_text(r));
}
