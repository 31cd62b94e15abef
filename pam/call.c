#include "pam/call.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include <security/pam_ext.h>

#include "common/names.h"
#include "common/paths.h"
#include "common/subject.h"
#include "pam/local.h"

#define PASSWD "/etc/passwd"
enum { PASSWD_UID = 2, ADOPTED_UID = 1 }; /* fields */

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

/*
 * Is the local user one whom the directory has taken over, and not another one who got his name since? An entry that
 * cannot be read is his all the same. 1, 0, -errno.
 */
static int find_adopted(struct call *c)
{
	uint32_t uid, uid_then;
	int r = local_number(PASSWD, c->user, PASSWD_UID, &uid);

	if (r < 0 && r != -EBADMSG)
		return r;
	if (r != 1 || !id_floor_ok(uid))
		return 0;
	r = local_number(MUSTER_ADOPTED, c->user, ADOPTED_UID, &uid_then);
	if (r == 0 || r == -ENOENT || (r > 0 && uid_then != uid))
		return 0;
	c->adopted_uid = uid;
	return r > 0 || r == -EBADMSG ? 1 : r;
}

/* 1: none of ours; 0; -errno: it cannot be known. */
static int is_foreign(struct call *c)
{
	int r = local_user(PASSWD, c->user);

	if (r <= 0 || !c->args.adopt)
		return r;
	r = find_adopted(c);
	/* Elsewhere pam_listfile has found him in the list; of passwords this line is asked about every local user. */
	if (r < 0 && strcmp(c->phase, "password") == 0) {
		pam_syslog(c->pamh, LOG_WARNING, "unlisted user=%s error=%s", c->user, strerrorname_np(-r));
		r = 0;
	}
	return r < 0 ? r : !r;
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
	r = is_foreign(c);
	if (r < 0)
		call_log_refusal(c, REASON_UNAVAILABLE, 0, r);
	return r == 0 ? PAM_SUCCESS : r > 0 ? PAM_USER_UNKNOWN : PAM_AUTHINFO_UNAVAIL;
}

int call_load(const struct call *c, struct subject *s)
{
	int r = subject_load(c->user, s);

	if (!c->adopted_uid)
		return r == 0 && s->account.adopted ? -ESRCH : r;
	if (r == -ESRCH || (r == 0 && (!s->account.adopted || s->account.uid != c->adopted_uid)))
		return -ENODATA;
	return r;
}

int call_check_args(const struct call *c)
{
	if (!c->args.unknown)
		return 0;
	pam_syslog(c->pamh, LOG_ERR, "unknown argument '%s'", c->args.unknown);
	return -EINVAL;
}

void call_log_refusal(const struct call *c, enum reason reason, uint64_t generation, int error)
{
	char service[64], rhost[256];

	text_word(call_service(c), service, sizeof(service));
	text_word(call_rhost(c), rhost, sizeof(rhost));
	/* What cannot be one of our names may be a password typed too early. */
	pam_syslog(
		c->pamh, reason == REASON_UNAVAILABLE ? LOG_ERR : LOG_NOTICE,
		"refused user=%s reason=%s service=%s phase=%s rhost=%s generation=%" PRIu64 "%s%s",
		name_valid(c->user) ? c->user : "(invalid)", reason_name(reason), service, c->phase,
		rhost, generation, error ? " error=" : "", error ? strerrorname_np(-error) : "");
}
