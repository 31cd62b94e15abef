#include "ctl/adopt/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/adopt/host.h"
#include "ctl/adopt/profile.h"
#include "ctl/judge.h"

size_t adopt_plan_count(const struct adopt_plan *p)
{
	return p->users.len / sizeof(struct adopt_user);
}

struct adopt_user *adopt_plan_user(const struct adopt_plan *p, size_t i)
{
	return (struct adopt_user *)(void *)p->users.data + i;
}

static struct adopt_user *find(const struct adopt_plan *p, const char *name)
{
	for (size_t i = 0; i < adopt_plan_count(p); i++)
		if (!strcmp(adopt_plan_user(p, i)->name, name))
			return adopt_plan_user(p, i);
	return NULL;
}

/* Found or added; good until the next one is. */
static int user_of(struct adopt_plan *p, const char *name, struct adopt_user **ret)
{
	struct adopt_user u = {.reason = REASON_UNKNOWN_USER};
	int r = 0;

	*ret = find(p, name);
	if (*ret)
		return 0;
	r = str_print(u.name, sizeof(u.name), "%s", name);
	if (r < 0)
		return r;
	u.local = local_user(p->local, name, &u.uid, &u.gid) == 0;
	r = buf_add(&p->users, &u, sizeof(u));
	*ret = find(p, name);
	return r;
}

static int add_listed(struct adopt_plan *p)
{
	const struct local_adopted *a;
	struct adopt_user *u;
	int r = 0;

	for (size_t i = 0; r == 0 && (a = local_adopted(p->local, i)); i++) {
		r = user_of(p, a->name, &u);
		if (r < 0)
			return r;
		u->listed = true;
		u->listed_uid = a->uid;
		u->locked = a->locked;
	}
	return r;
}

static int add_accounts(struct adopt_plan *p, struct view *v)
{
	CLEANUP(buf_wipe) struct buf buf = {0};
	struct judgement j;
	struct account a;
	struct adopt_user *u;
	uint32_t uid = 0;
	int r;

	while ((r = snapshot_account_next(v->pam, uid, &buf, &uid)) == 0) {
		r = record_account_unpack(buf.data, buf.len, &a);
		if (r == 0 && a.adopted)
			r = user_of(p, a.name, &u);
		if (r < 0)
			return r;
		if (!a.adopted)
			continue;
		judge(v, &a,
		      &(struct judge_question){.now = v->now, .confirmed_at = view_info(v)->confirmed_at}, &j);
		u->known = true;
		u->no_verifier = !v->policy.password_ldap && !*a.password_hash;
		u->state = verdict_state_at(&a, v->now);
		u->reason = j.password.reason;
	}
	return r == -ESRCH ? 0 : r;
}

static int set_why(struct adopt_user *u, const char *format, ...) PRINTF_LIKE(2, 3);
static int set_why(struct adopt_user *u, const char *format, ...)
{
	va_list ap;
	int n;

	if (u->why)
		return 0; /* the first one counts */
	va_start(ap, format);
	n = vasprintf(&u->why, format, ap);
	va_end(ap);
	if (n < 0)
		u->why = NULL;
	return n < 0 ? -ENOMEM : 0;
}

/* Bound users whose names are local, and whom the directory does not get; and who was forgotten. */
static int add_rejects(struct adopt_plan *p, struct view *v)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct reject j;
	struct adopt_user *u;
	uint32_t uid, gid;
	bool forgotten;
	int r;

	for (uint32_t i = 0; (r = snapshot_reject(v->pam, i, &buf)) == 0; i++) {
		r = record_reject_unpack(buf.data, buf.len, &j);
		if (r < 0)
			return r;
		forgotten = !strcmp(j.reason, "adopt_forgotten");
		if ((strcmp(j.kind, "user") && strcmp(j.reason, "uid_adopted") && !forgotten) ||
		    local_user(p->local, j.name, &uid, &gid) < 0)
			continue;
		r = user_of(p, j.name, &u);
		if (r == 0 && forgotten)
			u->forgotten = true;
		else if (r == 0)
			r = set_why(u, "%s: %s", j.reason, j.detail);
		if (r < 0)
			return r;
	}
	return r == -ESRCH ? 0 : r;
}

static int add_named(struct adopt_plan *p)
{
	const char *name = NULL;
	struct adopt_user *u;
	int r = 0;

	while (r == 0 && (name = strlist_next(&p->conf.adopt, name))) {
		if (!strcmp(name, CONF_ADOPT_ALL))
			continue;
		r = user_of(p, name, &u);
		if (r == 0 && !u->local)
			r = set_why(u, "there is no local user of this name");
		else if (r == 0 && !u->known)
			r = set_why(u, "the directory has no such user for this computer, as far "
				       "as it was read");
	}
	return r;
}

/* What is in the way, here. */
static const char *obstacle(const struct adopt_user *u)
{
	switch (u->password) {
	case ADOPT_PASSWORD_NONE:
		return "no line in /etc/shadow: run 'pwck'";
	case ADOPT_PASSWORD_EMPTY:
		return "an empty password here: 'passwd -l' it first";
	case ADOPT_PASSWORD_LOCKED:
	case ADOPT_PASSWORD_OPEN:
		break;
	}
	if (u->no_verifier && !u->listed && u->password == ADOPT_PASSWORD_OPEN)
		return "no password in the directory: set one, or [auth] password = ldap; or lock the one here, by 'passwd -l'";
	return u->expires ? "an expiry date here, which would not count any more: 'chage -E -1' it "
			    "first"
			  : NULL;
}

/* Who is in the directory's hands with all-bound stays there until he is forgotten: that nobody knows him is no such word. */
static bool is_wanted(const struct adopt_plan *p, const struct adopt_user *u)
{
	return strlist_has(&p->conf.adopt, u->name) ||
	       (strlist_has(&p->conf.adopt, CONF_ADOPT_ALL) && (u->known || (u->listed && !u->forgotten)));
}

static int decide(const struct adopt_plan *p, struct adopt_user *u, bool restore)
{
	bool wanted = !restore && is_wanted(p, u);

	if (u->listed && (!u->local || u->uid != u->listed_uid)) {
		u->action = ADOPT_DROP;
		return set_why(u, u->local ? "another local user has this name now"
					   : "the local user is gone");
	}
	if (u->listed && !wanted)
		u->action = ADOPT_GIVE_BACK;
	else if (obstacle(u) && (u->listed || (wanted && u->known)))
		u->action = ADOPT_BLOCKED;
	else if (u->listed)
		u->action = u->password == ADOPT_PASSWORD_OPEN ? ADOPT_LOCK : ADOPT_NOTHING;
	else if (wanted && u->known)
		u->action = ADOPT_TAKE;
	if (u->action == ADOPT_BLOCKED) {
		free(u->why);
		u->why = NULL;
		return set_why(u, "%s", obstacle(u));
	}
	return u->listed && wanted && !u->known
		       ? set_why(u, "refused: the directory does not know of it any more")
		       : 0;
}

static int read_directory(struct adopt_plan *p, struct fault *f)
{
	AUTO_VIEW struct view v;
	int r = view_open(&v, f);

	if (r == 0 && !v.pam)
		r = fault_set(f, -EPERM, "adopt: states and passwords are shown to root only");
	if (r < 0)
		return r;
	r = snapshot_load(v.pam);
	if (r == 0)
		r = add_accounts(p, &v);
	if (r == 0)
		r = add_rejects(p, &v);
	return r < 0 ? snapshot_fault(f, r, PAM_SNAPSHOT) : 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct adopt_user *)a)->name, ((const struct adopt_user *)b)->name);
}

static int read_all(struct adopt_plan *p, bool restore, struct fault *f)
{
	char conf_error[CONF_ERROR_SIZE], local_error[LOCAL_ERROR_SIZE];
	int r = restore ? 0 : conf_load(NULL, &p->conf, conf_error);

	if (r < 0)
		return fault_set(f, r, "%s", conf_error);
	r = local_load(MUSTER_ETC, &p->local, local_error);
	if (r < 0)
		return fault_set(f, r, "%s", local_error);
	r = add_listed(p);
	if (r < 0)
		return fault_set(f, r, "%s", strerror(-r));
	r = restore ? 0 : read_directory(p, f);
	if (r < 0)
		return r;
	r = add_named(p);
	if (adopt_plan_count(p))
		qsort(p->users.data, adopt_plan_count(p), sizeof(struct adopt_user), compare);
	for (size_t i = 0; r == 0 && i < adopt_plan_count(p); i++)
		r = adopt_host_fill(adopt_plan_user(p, i), f);
	return r;
}

int adopt_plan_make(struct adopt_plan *p, bool restore, struct fault *f)
{
	int r;

	*p = (struct adopt_plan){.profile = adopt_profile_is_on()};
	r = read_all(p, restore, f);
	for (size_t i = 0; r == 0 && i < adopt_plan_count(p); i++)
		r = decide(p, adopt_plan_user(p, i), restore);
	return r;
}

void adopt_plan_done(struct adopt_plan *p)
{
	for (size_t i = 0; i < adopt_plan_count(p); i++) {
		struct adopt_user *u = adopt_plan_user(p, i);

		free(u->home);
		free(u->groups);
		free(u->why);
	}
	buf_done(&p->users);
	local_free(p->local);
	conf_done(&p->conf);
}

static unsigned count(const struct adopt_plan *p, enum adopt_action action)
{
	unsigned n = 0;

	for (size_t i = 0; i < adopt_plan_count(p); i++)
		n += adopt_plan_user(p, i)->action == action;
	return n;
}

unsigned adopt_plan_blocked(const struct adopt_plan *p)
{
	return count(p, ADOPT_BLOCKED);
}

unsigned adopt_plan_changes(const struct adopt_plan *p)
{
	return (unsigned)adopt_plan_count(p) - count(p, ADOPT_NOTHING) - count(p, ADOPT_BLOCKED);
}

bool adopt_plan_takes(const struct adopt_plan *p)
{
	return count(p, ADOPT_TAKE) + count(p, ADOPT_LOCK) > 0;
}

bool adopt_plan_any_listed(const struct adopt_plan *p)
{
	for (size_t i = 0; i < adopt_plan_count(p); i++)
		if (adopt_plan_user(p, i)->listed)
			return true;
	return false;
}

bool adopt_plan_needs_profile(const struct adopt_plan *p)
{
	for (size_t i = 0; i < adopt_plan_count(p); i++) {
		const struct adopt_user *u = adopt_plan_user(p, i);

		if (u->action == ADOPT_TAKE ||
		    (u->listed && u->action != ADOPT_GIVE_BACK && u->action != ADOPT_DROP))
			return true;
	}
	return false;
}

const char *adopt_action_name(enum adopt_action a)
{
	switch (a) {
	case ADOPT_NOTHING:
		break;
	case ADOPT_TAKE:
		return "take over";
	case ADOPT_LOCK:
		return "lock again";
	case ADOPT_GIVE_BACK:
		return "give back";
	case ADOPT_DROP:
		return "drop";
	case ADOPT_BLOCKED:
		return "blocked";
	}
	return "";
}

const char *adopt_password_name(enum adopt_password p)
{
	switch (p) {
	case ADOPT_PASSWORD_NONE:
		break;
	case ADOPT_PASSWORD_EMPTY:
		return "empty";
	case ADOPT_PASSWORD_LOCKED:
		return "locked";
	case ADOPT_PASSWORD_OPEN:
		return "set";
	}
	return "none";
}
