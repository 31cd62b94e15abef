#include "ctl/user_row.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/factor.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/tally_list.h"
#include "ctl/judge.h"

#define ALL(kind, field)                                              \
	{                                                             \
#field, kind, false, offsetof(struct user_row, field) \
	}
#define ROOT(kind, field)                                            \
	{                                                            \
#field, kind, true, offsetof(struct user_row, field) \
	}

const struct user_field user_fields[USER_FIELDS] = {
	ALL(USER_TEXT, name),
	ALL(USER_NUMBER, uid),
	ALL(USER_NUMBER, gid),
	ALL(USER_TEXT, displayname),
	ALL(USER_TEXT, home),
	ALL(USER_TEXT, shell),
	ALL(USER_LIST, groups),
	ALL(USER_SUDO, sudo),
	ROOT(USER_TEXT, id),
	ROOT(USER_TEXT, username),
	ROOT(USER_TEXT, email),
	ROOT(USER_STATE, state),
	ROOT(USER_REASON, verdict),
	ROOT(USER_BOOL, activated),
	ROOT(USER_BOOL, locked),
	ROOT(USER_DATE, locked_at),
	ROOT(USER_DATE, created_at),
	ROOT(USER_BOOL, password_expired),
	ROOT(USER_BOOL, password_never_expires),
	ROOT(USER_DATE, password_expires_at),
	ROOT(USER_DATE, password_changed_at),
	ROOT(USER_BOOL, mfa),
	ROOT(USER_BOOL, mfa_required),
	ROOT(USER_BOOL, mfa_excluded),
	ROOT(USER_DATE, mfa_excluded_until),
	ROOT(USER_NUMBER, ssh_keys),
	ROOT(USER_STATE, scheduled_state),
	ROOT(USER_DATE, scheduled_at),
};

const struct user_field *user_field_find(const char *name, size_t len)
{
	for (size_t i = 0; i < USER_FIELDS; i++)
		if (strlen(user_fields[i].name) == len &&
		    memcmp(user_fields[i].name, name, len) == 0)
			return &user_fields[i];
	return NULL;
}

/* All local groups by gid, read once: one with 100,000 members is not read again for each of them. */
struct group_names {
	struct buf groups; /* struct group_name, in order of gid */
	struct buf names;
};
struct group_name {
	uint32_t gid;
	uint32_t name_at; /* in names */
};

static void group_names_done(struct group_names *n)
{
	buf_done(&n->groups);
	buf_done(&n->names);
}

static int group_names_add(void *context, const struct snapshot_group *g, bool local)
{
	struct group_names *n = context;
	const struct group_name entry = {.gid = g->gid, .name_at = n->names.len};
	int r = buf_add(&n->names, g->name, strlen(g->name) + 1);

	(void)local;
	return r < 0 ? r : buf_add(&n->groups, &entry, sizeof(entry));
}

/* GID: as well another entry. */
static int compare_gid(const void *gid, const void *entry)
{
	uint32_t a = *(const uint32_t *)gid, b = ((const struct group_name *)entry)->gid;

	return (a > b) - (a < b);
}

static int group_names_load(struct group_names *n, struct snapshot *nss)
{
	int r = view_each_group(nss, group_names_add, n);

	if (n->groups.len)
		qsort(n->groups.data, n->groups.len / sizeof(struct group_name), sizeof(struct group_name),
		      compare_gid);
	return r;
}

/* NULL when there is none. */
static const char *group_name_of(const struct group_names *n, uint32_t gid)
{
	const struct group_name *g = (const void *)n->groups.data;
	size_t count = n->groups.len / sizeof(*g);

	g = count ? bsearch(&gid, g, count, sizeof(*g), compare_gid) : NULL;
	return g ? (const char *)n->names.data + g->name_at : NULL;
}

/* What a walk reads into, for one user after another. */
struct walk {
	struct view *view;
	struct group_names names;
	struct buf user, gids, groups, account, tallies;
};

static void walk_done(struct walk *w)
{
	group_names_done(&w->names);
	buf_done(&w->user);
	buf_done(&w->gids);
	buf_done(&w->groups);
	buf_wipe(&w->account);
	buf_done(&w->tallies);
}

/* The local groups and what sudo there really is: as NSS answers. */
static int fill_groups(struct walk *w, struct user_row *row)
{
	uint32_t n = 0;
	int r = snapshot_gids(w->view->nss, row->name, &w->gids, &n);

	w->groups.len = 0;
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		const char *name;
		uint32_t gid;

		memcpy(&gid, w->gids.data + i * sizeof(gid), sizeof(gid));
		name = group_name_of(&w->names, gid);
		if (gid == GID_SUDO)
			row->sudo = "yes";
		else if (gid == GID_SUDO_NOPASSWD)
			row->sudo = "nopasswd";
		else if (name && strcmp(name, row->name) != 0) { /* the private one says nothing */
			r = buf_add(&w->groups, name, strlen(name) + 1);
			row->groups.count += r == 0;
		}
	}
	row->groups.data = (const char *)w->groups.data;
	row->groups.len = (uint32_t)w->groups.len;
	return r;
}

static void fill_dates(struct user_row *row, const struct account *a, int64_t now)
{
	row->created_at = a->created_at;
	row->locked_at = a->account_locked_at;
	row->password_changed_at = a->password_changed_at;
	if (!a->password_never_expires)
		row->password_expires_at = a->password_expires_at;
	row->password_expired = a->password_expired ||
				(row->password_expires_at != 0 && now >= row->password_expires_at);
	row->mfa_excluded = factor_is_excluded(a, now);
	if (row->mfa_excluded)
		row->mfa_excluded_until = a->mfa_exclusion_until;
	row->scheduled_state = "";
	for (uint32_t i = 0; i < a->n_scheduled; i++) {
		const struct scheduled_change *c = &a->scheduled[i];

		if (c->at > now && (row->scheduled_at == 0 || c->at < row->scheduled_at)) {
			row->scheduled_at = c->at;
			row->scheduled_state = user_state_name(c->state);
		}
	}
}

static int fill_account(struct walk *w, struct user_row *row)
{
	struct view *v = w->view;
	const struct judge_question q = {NULL, v->now, view_info(v)->confirmed_at, &w->tallies};
	struct judgement j;
	struct account a;
	int r = view_account(v, row->name, &w->account, &a);

	if (r == -ESRCH) /* the two files are of different generations just now */
		return 0;
	if (r < 0)
		return r;
	judge(v, &a, &q, &j);
	row->known = true;
	row->id = a.id;
	row->username = *a.username ? a.username : a.name;
	row->email = a.email;
	row->state = user_state_name(verdict_state_at(&a, v->now));
	row->verdict = reason_name(j.password.reason);
	row->activated = a.activated;
	row->locked = a.account_locked;
	row->mfa_required = factor_is_wanted(&a);
	row->mfa = factor_is_set_up(&a, &v->policy);
	row->password_never_expires = a.password_never_expires;
	row->ssh_keys = a.ssh_keys.count;
	fill_dates(row, &a, v->now);
	return 0;
}

int user_rows_walk(struct view *v, user_row_fn *fn, void *ctx)
{
	CLEANUP(walk_done) struct walk w = {.view = v};
	uint32_t after = 0;
	int r = snapshot_load(v->nss);

	if (r == 0 && v->pam)
		r = snapshot_load(v->pam);
	if (r == 0 && v->pam)
		r = tallies_list(MUSTER_RUNTIME_DIR, &w.tallies);
	if (r == 0)
		r = group_names_load(&w.names, v->nss);
	while (r == 0) {
		struct user_row row = {.sudo = "no"};
		struct snapshot_user user;

		r = snapshot_user_next(v->nss, after, &w.user, &user);
		if (r < 0)
			return r == -ESRCH ? 0 : r;
		after = row.uid = user.uid;
		row.gid = user.gid;
		row.name = user.name;
		row.displayname = user.gecos;
		row.home = user.home;
		row.shell = user.shell;
		r = fill_groups(&w, &row);
		if (r == 0 && v->pam)
			r = fill_account(&w, &row);
		if (r == 0)
			r = fn(ctx, &row);
	}
	return r;
}
