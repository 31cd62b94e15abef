/* Who of the directory is left out, who collides with a local user by now, and who could not help himself. */
#include <errno.h>
#include <string.h>

#include "agentd/local.h"
#include "common/names.h"
#include "ctl/doctor/doctor.h"

#define MEND      "change the local one, then run 'musterctl sync'"
#define LINES_MAX 20 /* of one kind; the rest is counted */

static const char *reject_remedy(const struct reject *reject)
{
	if (strcmp(reject->reason, "name_recycled") == 0)
		return "'musterctl accept NAME' when it is the same person";
	if (strcmp(reject->kind, "conf") == 0)
		return "install it, or correct muster.conf";
	if (strcmp(reject->kind, "local_group") == 0)
		return "make the group, or correct [groups] in muster.conf";
	if (strcmp(reject->kind, "adopt") == 0 || strcmp(reject->reason, "uid_adopted") == 0)
		return NULL; /* doctor_adopt() has a remedy, where one is needed */
	if (strcmp(reject->reason, "name_local") == 0)
		return "rename one of the two, or let the directory take the local one over: 'musterctl adopt'";
	if (strcmp(reject->reason, "shadow_left") == 0)
		return "take the line of this name out of /etc/shadow: 'vipw -s'";
	if (strcmp(reject->reason, "shadow_unseen") == 0)
		return "'systemctl edit musterd', and there, in [Service]: "
		       "CapabilityBoundingSet=CAP_DAC_READ_SEARCH";
	return "change it in the directory; musterd(8) has the reasons";
}

/* Left out as a whole, or only something of theirs? */
static enum finding_status reject_status(const struct reject *reject)
{
	static const char *const whole[] = {"user", "group", "local_group", "local_file", "conf"};

	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		if (strcmp(reject->kind, whole[i]) == 0)
			return FINDING_WARNING;
	return FINDING_NOTE;
}

static void check_rejects(struct doctor *d)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct reject reject;
	uint32_t n = 0;

	while (snapshot_reject(d->view.pam, n, &buf) == 0 &&
	       record_reject_unpack(buf.data, buf.len, &reject) == 0) {
		struct finding f = {reject_status(&reject), "users.rejected",
				    .remedy = reject_remedy(&reject)};
		char name[256];

		if (n++ >= LINES_MAX)
			continue;
		name_escape(*reject.name ? reject.name : reject.id, name, sizeof(name));
		doctor_tell(d, &f, "%s %s: %s%s%s", reject.kind, name, reject.reason,
			    *reject.detail ? ": " : "", reject.detail);
	}
	if (n > LINES_MAX)
		doctor_tell(d,
			    &(struct finding){FINDING_WARNING, "users.rejected",
					      .remedy = "'musterctl status' has all"},
			    "and %u more", n - LINES_MAX);
	else if (n == 0)
		doctor_ok(d, "users.rejected", NULL, "nobody is left out");
}

/* Why NAME with ID must not be served here; NULL: no reason. */
static const char *conflict(const struct local *l, const char *name, uint32_t id, bool id_taken)
{
	if (local_name_taken(l, name))
		return "a local user or group has the same name: the local one counts";
	if (id_taken)
		return "a local one has the same id: they own each other's files";
	if (local_id_subordinate(l, id))
		return "the id lies in a range of /etc/subuid or /etc/subgid: whose it is can become this "
		       "user";
	return NULL;
}

static void tell_conflict(struct doctor *d, unsigned *n, const char *what, const char *name, uint32_t id,
			  const char *why)
{
	struct finding f = {FINDING_FAULT, "users.conflict", .remedy = MEND};

	if (why && (*n)++ < LINES_MAX)
		doctor_tell(d, &f, "%s %s (%u): %s", what, name, id, why);
}

static void check_conflicts(struct doctor *d, const struct local *l)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct snapshot_user u;
	struct snapshot_group g;
	unsigned n = 0;

	for (uint32_t after = 0; snapshot_user_next(d->view.nss, after, &buf, &u) == 0; after = u.uid)
		tell_conflict(d, &n, "user", u.name, u.uid,
			      conflict(l, u.name, u.uid, local_uid_taken(l, u.uid)));
	for (uint32_t after = 0; snapshot_group_next(d->view.nss, after, &buf, &g) == 0; after = g.gid)
		tell_conflict(d, &n, "group", g.name, g.gid,
			      conflict(l, g.name, g.gid, local_gid_taken(l, g.gid)));
	if (n == 0)
		doctor_ok(d, "users.conflict", NULL, "no name or id is a local one's, too");
	else if (n > LINES_MAX)
		doctor_tell(d, &(struct finding){FINDING_FAULT, "users.conflict", .remedy = MEND},
			    "and %u more", n - LINES_MAX);
}

/* How many must do something about their password elsewhere, now or when a date comes. */
static unsigned count_passwords(struct snapshot *pam)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct account a;
	unsigned n = 0;

	for (uint32_t uid = 0; snapshot_account_next(pam, uid, &buf, &uid) == 0;)
		if (record_account_unpack(buf.data, buf.len, &a) == 0 && a.bound)
			n += !a.activated ||
			     (!a.password_never_expires && (a.password_expired || a.password_expires_at));
	return n;
}

static void check_portal(struct doctor *d)
{
	unsigned n = *d->view.policy.portal_url ? 0 : count_passwords(d->view.pam);
	struct finding f = {FINDING_WARNING, "users.portal", .file = MUSTER_CONF,
			    .remedy = "set portal_url in [auth]"};

	if (n)
		doctor_tell(d, &f,
			    "%u of the accounts have a password to set or that expires, and are not told "
			    "where to change it",
			    n);
}

void doctor_users(struct doctor *d)
{
	CLEANUP(local_freep) struct local *local = NULL;
	char error[LOCAL_ERROR_SIZE];

	if (d->view_fault.text[0])
		return; /* doctor_data() has told why */
	if (d->view.nss && snapshot_load(d->view.nss) == 0 && local_load(MUSTER_ETC, &local, error) == 0)
		check_conflicts(d, local);
	if (!d->view.pam) {
		doctor_unseen(d, "users.rejected", "who is left out");
		return;
	}
	check_rejects(d);
	if (snapshot_load(d->view.pam) == 0)
		check_portal(d);
}
