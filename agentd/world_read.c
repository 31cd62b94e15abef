/* Records as fetched: every one is unpacked, every field checked, as if muster-fetch had checked none. */
#include <errno.h>
#include <string.h>

#include "agentd/world_private.h"
#include "common/names.h"
#include "common/sort.h"

#define WORD_MAX 40
#define LINE_LEN_MAX 255
#define GROWTH	 1024 /* of a record by what is given here: name, home, shell */

static bool line_valid(const char *s)
{
	return strlen(s) <= LINE_LEN_MAX && text_plain(s);
}

static bool totp_valid(const char *s)
{
	return strlen(s) <= 128 && !s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567=")];
}

/* Of who has no home of his own: his name may be no good in the template. */
static bool default_home_valid(const struct world *w, const char *name)
{
	char home[CONF_HOME_SIZE];

	return conf_home_for(w->in.conf->home, name, ID_TOP, home) == 0 && home_valid(home);
}

/* Why A may not be taken, or NULL. Ids, local names and verifiers are looked at later. */
static const char *account_fault(const struct world *w, const struct account *a)
{
	if (!name_valid(a->name))
		return "name_invalid";
	if (name_reserved(a->name))
		return "name_reserved";
	if (!line_valid(a->username))
		return "username_invalid";
	if (!gecos_valid(a->gecos))
		return "gecos_invalid";
	if (!line_valid(a->email) || strchr(a->email, ':'))
		return "email_invalid";
	if (*a->home ? !home_valid(a->home) : !default_home_valid(w, a->name))
		return "home_invalid";
	if (*a->shell && !shell_valid(a->shell))
		return "shell_invalid";
	if (!totp_valid(a->totp_secret))
		return "totp_invalid";
	return NULL;
}

static int add_user(struct world *w, const struct world_user *u)
{
	struct world_user copy = *u;

	copy.id = arena_string(&w->strings, u->id);
	copy.name = arena_string(&w->strings, u->name);
	copy.given = INDEX_NONE;
	if (!copy.id || !copy.name)
		return -ENOMEM;
	return buf_add(&w->users, &copy, sizeof(copy));
}

static int read_account(struct world *w, const struct stage_walk *s)
{
	struct account a;
	struct world_user u;
	const char *fault;
	int r = record_account_unpack(s->record, s->place.len, &a);

	if (r < 0 || !a.bound)
		return r == -ENOMEM ? r : -EPROTO;
	if (!object_id_valid(a.id))
		return world_reject(w, &(struct world_subject){"user", a.id, a.name}, "id_invalid",
				    "not an object id");
	fault = s->place.len > ACCOUNT_RECORD_MAX - GROWTH ? "too_large" : account_fault(w, &a);
	u = (struct world_user){
		.id = a.id,
		.name = a.name,
		.place = s->place,
		.want_uid = a.uid,
		.want_gid = a.gid,
		.fate = fault ? WORLD_OUT : WORLD_IN,
		.shell = CONF_SHELL_NONE,
		.sudo = a.sudo,
		.sudo_nopasswd = a.sudo && a.sudo_nopasswd,
	};
	if (fault)
		r = world_reject(w, &(struct world_subject){"user", a.id, a.name}, fault,
				 "refused by musterd");
	return r < 0 ? r : add_user(w, &u);
}

static int read_group(struct world *w, const struct stage_walk *s)
{
	struct world_dir dir = {.place = s->place};
	struct dir_group g;
	struct stage_place place;
	int r = record_group_unpack(s->record, s->place.len, &g);

	if (r < 0)
		return r == -ENOMEM ? r : -EPROTO;
	if (!object_id_valid(g.id) || !line_valid(g.name))
		return world_reject(w, &(struct world_subject){"group", g.id, g.name},
				    object_id_valid(g.id) ? "name_invalid" : "id_invalid",
				    "refused by musterd");
	dir.id = arena_string(&w->strings, g.id);
	dir.sudo = g.sudo;
	dir.sudo_nopasswd = g.sudo && g.sudo_nopasswd;
	dir.grant = conf_grant_of(w->in.conf, g.name);
	dir.shell = conf_shell_of(w->in.conf, g.name);
	dir.lease = w->in.remote ? conf_lease_of(w->in.conf, g.name) : NULL;
	dir.rule_name = conf_access_names(w->in.conf, g.name) ? arena_string(&w->strings, g.name) : NULL;
	if (!dir.id || (!dir.rule_name && conf_access_names(w->in.conf, g.name)))
		return -ENOMEM;
	r = buf_add(&w->dirs, &dir, sizeof(dir));
	return r < 0 ? r : stage_add(&w->out, s->record, s->place.len, &place);
}

static int read_lockout(struct world *w, const struct stage_walk *s)
{
	struct stage_place place;

	if (w->has_lockout || record_lockout_unpack(s->record, s->place.len, &w->lockout) < 0)
		return -EPROTO;
	w->has_lockout = true;
	return stage_add(&w->out, s->record, s->place.len, &place);
}

static int read_removed(struct world *w, const struct stage_walk *s)
{
	struct membership m;
	const char *id = NULL;
	int r = record_membership_unpack(s->record, s->place.len, &m);

	if (r < 0)
		return r == -ENOMEM ? r : -EPROTO;
	while (r == 0 && (id = strlist_next(&m.user_ids, id))) {
		const char *copy = arena_string(&w->strings, id);

		r = copy ? buf_add(&w->removed, &copy, sizeof(copy)) : -ENOMEM;
	}
	return r;
}

static bool word_valid(const char *s)
{
	return *s && strlen(s) <= WORD_MAX && !s[strspn(s, "abcdefghijklmnopqrstuvwxyz_0123456789")];
}

/* One whom muster-fetch left out is in the directory all the same: not one who left. */
static int read_reject(struct world *w, const struct stage_walk *s)
{
	struct reject j;
	int r = record_reject_unpack(s->record, s->place.len, &j);

	if (r < 0 || !word_valid(j.kind) || !word_valid(j.reason))
		return r == -ENOMEM ? r : -EPROTO;
	r = world_reject(w, &(struct world_subject){j.kind, j.id, j.name}, j.reason, "%s", j.detail);
	if (r == 0 && !strcmp(j.kind, "user") && object_id_valid(j.id))
		r = add_user(w, &(struct world_user){.id = j.id, .name = "", .fate = WORLD_OUT});
	return r;
}

static int read_record(struct world *w, const struct stage_walk *s)
{
	switch ((enum record_kind)record_kind(s->record, s->place.len)) {
	case RECORD_ACCOUNT:
		return read_account(w, s);
	case RECORD_GROUP:
		return read_group(w, s);
	case RECORD_LOCKOUT:
		return read_lockout(w, s);
	case RECORD_REMOVED:
		return read_removed(w, s);
	case RECORD_REJECT:
		return read_reject(w, s);
	case RECORD_MEMBERSHIP: /* when users and groups are known */
	case RECORD_KEPT:	/* agentd/kept.h has added what is known of them */
		return 0;
	case RECORD_POLICY:
	case RECORD_STATUS:
	case RECORD_CLOCK:
	case RECORD_SESSIONS:
	case RECORD_VERIFIER:
		break;
	}
	return -EPROTO;
}

static int compare_users(const void *a, const void *b, void *context)
{
	(void)context;
	return strcmp(((const struct world_user *)a)->id, ((const struct world_user *)b)->id);
}

static int compare_dirs(const void *a, const void *b, void *context)
{
	(void)context;
	return strcmp(((const struct world_dir *)a)->id, ((const struct world_dir *)b)->id);
}

/* The same id more than once: nobody can say which one is meant. */
static int drop_double_users(struct world *w)
{
	uint32_t n = world_n_users(w), end;
	int r = index_reserve(&w->by_id, n);

	for (uint32_t i = 0; r == 0 && i < n; i = end) {
		for (end = i + 1; end < n && !compare_users(world_user(w, i), world_user(w, end), NULL);)
			end++;
		for (uint32_t j = i; r == 0 && end > i + 1 && j < end; j++)
			if (world_user(w, j)->fate == WORLD_IN)
				r = world_leave_out(w, world_user(w, j), "id_duplicate",
						    "more than one has this id");
		if (r == 0)
			r = index_add(&w->by_id, hash_string(world_user(w, i)->id), i);
	}
	return r;
}

static int drop_double_groups(struct world *w)
{
	uint32_t n = world_n_dirs(w), end;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n; i = end) {
		for (end = i + 1; end < n && !compare_dirs(world_dir(w, i), world_dir(w, end), NULL);)
			end++;
		for (uint32_t j = i; end > i + 1 && j < end; j++)
			world_dir(w, j)->left_out = true;
		if (end > i + 1)
			r = world_reject(w, &(struct world_subject){"group", world_dir(w, i)->id, ""},
					 "id_duplicate", "more than one has this id");
		if (r == 0)
			r = index_add(&w->dir_by_id, hash_string(world_dir(w, i)->id), i);
	}
	return r;
}

static void mark_removed(struct world *w)
{
	const char *const *ids = (const char *const *)(const void *)w->removed.data;

	for (size_t i = 0; i < w->removed.len / sizeof(*ids); i++) {
		uint32_t place = world_find_user(w, ids[i]);

		if (place != INDEX_NONE)
			world_user(w, place)->fate = WORLD_GONE;
	}
}

int world_read(struct world *w)
{
	struct stage_walk walk = {.stage = w->in.stage};
	int r = buf_reserve(&w->users, w->in.stage->n_kind[RECORD_ACCOUNT] * sizeof(struct world_user));

	while (r == 0 && (r = stage_next(&walk)) > 0) {
		r = read_record(w, &walk);
		if (r < 0)
			break;
	}
	stage_walk_done(&walk);
	if (r < 0)
		return r;
	sort_unsorted(w->users.data, world_n_users(w), sizeof(struct world_user), compare_users, NULL);
	sort_unsorted(w->dirs.data, world_n_dirs(w), sizeof(struct world_dir), compare_dirs, NULL);
	r = drop_double_users(w);
	if (r == 0)
		r = drop_double_groups(w);
	if (r == 0)
		mark_removed(w);
	return r;
}
