#include "ctl/adopt/apply.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agentd/file.h"
#include "ctl/adopt/host.h"
#include "ctl/adopt/profile.h"

#define HEAD                                                                                      \
	"# Local users whom the directory has taken over: written by 'musterctl adopt', read by " \
	"PAM. Do not edit.\n"

static int add_line(struct buf *b, const struct adopt_user *u)
{
	AUTO_FREE char *line = str_format("%s\n%s:%u:%s\n", u->name, u->name, u->listed_uid,
					  u->locked ? LOCAL_ADOPTED_LOCKED : LOCAL_ADOPTED_KEPT);

	return line ? buf_add(b, line, strlen(line)) : -ENOMEM;
}

static int write_list(const struct adopt_plan *p, struct fault *f)
{
	CLEANUP(buf_done) struct buf b = {0};
	size_t listed = 0;
	int r = buf_add(&b, HEAD, strlen(HEAD));

	for (size_t i = 0; r == 0 && i < adopt_plan_count(p); i++)
		if (adopt_plan_user(p, i)->listed) {
			r = add_line(&b, adopt_plan_user(p, i));
			listed++;
		}
	if (r == 0 && listed)
		r = file_replace(MUSTER_ETC "/muster", "adopted", 0644, b.data, b.len);
	else if (r == 0 && unlink(MUSTER_ADOPTED) < 0 && errno != ENOENT)
		r = -errno;
	if (r == 0)
		r = file_sync(MUSTER_ETC "/muster");
	return r < 0 ? fault_set(f, r, MUSTER_ADOPTED ": %s", strerror(-r)) : 0;
}

/* What is noted of a password is what it was before anything was done to it. */
static void list_takes(struct adopt_plan *p)
{
	for (size_t i = 0; i < adopt_plan_count(p); i++) {
		struct adopt_user *u = adopt_plan_user(p, i);

		if (u->action != ADOPT_TAKE && u->action != ADOPT_LOCK)
			continue;
		u->listed = true;
		u->listed_uid = u->uid;
		u->locked = u->password == ADOPT_PASSWORD_OPEN || u->action == ADOPT_LOCK;
	}
}

/* Each by itself: one who cannot be is no reason to leave out the others. */
static int lock_all(struct adopt_plan *p, struct fault *f)
{
	int result = 0;

	for (size_t i = 0; i < adopt_plan_count(p); i++) {
		const struct adopt_user *u = adopt_plan_user(p, i);
		int r = u->action == ADOPT_TAKE || u->action == ADOPT_LOCK
				? adopt_host_lock(u, true, f)
				: 0;

		if (r < 0)
			result = r;
	}
	return result;
}

static int unlock_all(struct adopt_plan *p, struct fault *f)
{
	int result = 0;

	for (size_t i = 0; i < adopt_plan_count(p); i++) {
		struct adopt_user *u = adopt_plan_user(p, i);
		int r = u->action == ADOPT_GIVE_BACK && u->locked ? adopt_host_lock(u, false, f)
								  : 0;

		if (r < 0)
			result = r;
		else if (u->action == ADOPT_GIVE_BACK || u->action == ADOPT_DROP)
			u->listed = false;
	}
	return result;
}

static int change_users(struct adopt_plan *p, struct fault *f)
{
	int locked, unlocked, r;

	list_takes(p);
	r = write_list(p, f);
	if (r < 0)
		return r;
	locked = lock_all(p, f);
	unlocked = unlock_all(p, f);
	r = write_list(p, f);
	if (r == 0)
		r = locked;
	return r < 0 ? r : unlocked;
}

/* Nobody's password is locked where PAM would not go by what muster says; what is turned on in vain is turned off again. */
static int turn_on(const struct adopt_plan *p, struct fault *f)
{
	struct fault ignored;
	int r = adopt_host_profile(true, f);

	if (r == 0 && (adopt_plan_takes(p) || !adopt_plan_changes(p)))
		r = adopt_profile_holds(f);
	if (r < 0 && !p->profile && adopt_host_profile(false, &ignored) < 0)
		message_warning("the PAM profile muster-adopt stays on: %s", ignored.text);
	return r;
}

int adopt_apply(struct adopt_plan *p, struct fault *f)
{
	int r = adopt_plan_needs_profile(p) ? turn_on(p, f) : 0;

	if (r == 0 && adopt_plan_changes(p))
		r = change_users(p, f);
	return r == 0 && !adopt_plan_any_listed(p) ? adopt_host_profile(false, f) : r;
}

bool adopt_is_on(void)
{
	return access(MUSTER_ADOPTED, F_OK) == 0 || adopt_profile_is_on();
}

int adopt_restore(struct fault *f)
{
	CLEANUP(adopt_plan_done) struct adopt_plan p = {0};
	AUTO_CLOSE int lock = -1;
	int r;

	if (!adopt_is_on())
		return 0;
	lock = adopt_host_lock_out_others(f);
	r = lock < 0 ? lock : adopt_plan_make(&p, true, f);
	return r < 0 ? r : adopt_apply(&p, f);
}
