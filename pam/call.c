#include "pam/call.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include <security/pam_ext.h>

#include "common/names.h"
#include "pam/local.h"

#define PASSWD "/etc/passwd"

static const char *item(const struct call *c, int type)
{
	const void *value = NULL;

	return pam_get_item(c->pamh, type, &value) == PAM_SUCCESS && value ? value : "";
}

const char *call_service(const struct call *c)
{
	return item(c, PAM_SERVICE);
}

const char *call_rhost(const struct call *c)
{
	return item(c, PAM_RHOST);
}

int call_begin(struct call *c, pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	int r;

	c->pamh = pamh;
	c->flags = flags;
	args_parse(argc, argv, &c->args);
	r = pam_get_user(pamh, &c->user, NULL);
	if (r != PAM_SUCCESS || !c->user)
		return r == PAM_CONV_AGAIN ? PAM_INCOMPLETE : PAM_AUTHINFO_UNAVAIL;
	r = local_user(PASSWD, c->user);
	if (r < 0)
		call_log_refusal(c, REASON_UNAVAILABLE, 0, r);
	return r == 0 ? PAM_SUCCESS : r > 0 ? PAM_USER_UNKNOWN : PAM_AUTHINFO_UNAVAIL;
}

int call_check_args(const struct call *c)
{
	if (!c->args.unknown)
		return 0;
	pam_syslog(c->pamh, LOG_ERR, "unknown argument '%s'", c->args.unknown);
	return -EINVAL;
}

/* Foreign text as one word: no line, no field can be forged with it. */
static const char *word(const char *text, char *out, size_t size)
{
	name_escape(text, out, size);
	for (char *p = out; *p; p++)
		if (*p == ' ')
			*p = '_';
	return out;
}

void call_log_refusal(const struct call *c, enum reason reason, uint64_t generation, int error)
{
	char service[64], rhost[256];

	/* What cannot be one of our names may be a password typed too early. */
	pam_syslog(c->pamh, reason == REASON_UNAVAILABLE ? LOG_ERR : LOG_NOTICE,
		   "refused user=%s reason=%s service=%s phase=%s rhost=%s generation=%" PRIu64
		   "%s%s",
		   name_valid(c->user) ? c->user : "(invalid)", reason_name(reason),
		   word(call_service(c), service, sizeof(service)), c->phase,
		   word(call_rhost(c), rhost, sizeof(rhost)), generation, error ? " error=" : "",
		   error ? strerrorname_np(-error) : "");
}
