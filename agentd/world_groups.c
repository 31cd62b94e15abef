/* POSIX groups of the directory, who is in them, and sudo. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agentd/world_private.h"
#include "common/names.h"
#include "common/sort.h"

/* So that every record fits its place in a snapshot: the kernel takes 65,536 groups, a group's names 4 MiB. */
#define MEMBERSHIPS_MAX	 32768u
#define MEMBER_BYTES_MAX ((4u << 20) - 4096)

static int leave_group_out(struct world *w, const struct world_dir *d, const struct posix_group *p,
			   const char *reason, const char *detail)
{
	return world_reject(w, &(struct world_subject){"group", d->id, p->name}, reason,
			    "%s (gid %u)", detail, p->gid);
}

/* A user's name is free for a group only when it is that user's own group. */
static bool name_of_other_user(const struct world *w, const char *name, uint32_t gid)
{
	uint32_t user = world_find_name(w, name), given = ledger_find_name(w->ledger, name);

	if (given != INDEX_NONE) {
		const struct ledger_user *u = ledger_user(w->ledger, given);

		return strcmp(u->name, name) != 0 || u->gid != gid;
	}
	if (user == INDEX_NONE || world_user(w, user)->fate != WORLD_IN)
		return false;
	return strcmp(world_user(w, user)->name, name) != 0 || world_user(w, user)->want_gid != gid;
}

static const char *name_fault(const struct world *w, const struct posix_group *p)
{
	if (!name_valid(p->name))
		return "name_invalid";
	if (name_reserved(p->name))
		return "name_reserved";
	return local_name_taken(w->in.local, p->name) ? "name_local" : NULL;
}

/* Is GID the private group of somebody with another name, or another group's? */
static bool gid_of_other(const struct world *w, const char *name, uint32_t gid)
{
	uint32_t user = ledger_find_private(w->ledger, gid), group = world_find_gid(w, gid);
	uint32_t given = ledger_find_gid(w->ledger, gid);

	if (user != INDEX_NONE && strcmp(ledger_user(w->ledger, user)->name, name) != 0)
		return true;
	if (given != INDEX_NONE && strcmp(ledger_group(w->ledger, given)->name, name) != 0)
		return true;
	return group != INDEX_NONE && strcmp(world_group(w, group)->name, name) != 0;
}

/* The gid that the ledger gave to this name, or what the directory says. */
static int group_gid(struct world *w, const struct world_dir *d, const struct posix_group *p, uint32_t *ret)
{
	uint32_t given = ledger_find_group(w->ledger, p->name);

	*ret = p->gid;
	if (given == INDEX_NONE || ledger_group(w->ledger, given)->gid == p->gid)
		return 0;
	*ret = ledger_group(w->ledger, given)->gid;
	return world_reject(w, &(struct world_subject){"gid", d->id, p->name}, "gid_changed",
			    "the directory says %u, it stays %u", p->gid, *ret);
}

/* Of several groups that say the same name and gid: it is one group, with the members of all. */
static int share_group(struct world *w, struct world_dir *d, const struct posix_group *p, uint32_t place)
{
	const struct world_group *g = world_group(w, place);

	if (strcmp(g->name, p->name) != 0 || g->gid != p->gid)
		return leave_group_out(w, d, p, "name_duplicate", "another group has this name");
	d->groups[d->n_groups++] = place;
	return 0;
}

static int make_group(struct world *w, struct world_dir *d, const struct posix_group *p)
{
	const char *fault = name_fault(w, p);
	uint32_t same = world_find_group(w, p->name), gid, place;
	char reason[32];
	int r;

	if (fault)
		return leave_group_out(w, d, p, fault, "its name may not be taken");
	if (same != INDEX_NONE)
		return share_group(w, d, p, same);
	r = group_gid(w, d, p, &gid);
	if (r < 0)
		return r;
	fault = world_gid_fault(w, gid);
	if (fault) {
		snprintf(reason, sizeof(reason), "gid_%s", fault);
		return leave_group_out(w, d, p, reason, "its gid may not be given");
	}
	if (name_of_other_user(w, p->name, gid))
		return leave_group_out(w, d, p, "name_user", "a user has this name");
	if (gid_of_other(w, p->name, gid))
		return leave_group_out(w, d, p, "id_collision", "its gid is another's");
	r = world_add_group(w, p->name, gid, &place);
	if (r == 0 && ledger_find_group(w->ledger, p->name) == INDEX_NONE)
		r = ledger_add_group(w->ledger, &(struct ledger_group){p->name, gid, true});
	if (r == 0)
		d->groups[d->n_groups++] = place;
	return r;
}

static int make_groups_of(struct world *w, struct world_dir *d, struct buf *record)
{
	struct dir_group g;
	int r = stage_get(w->in.stage, d->place, record);

	if (r == 0)
		r = record_group_unpack(record->data, record->len, &g);
	for (uint32_t i = 0; r == 0 && i < g.n_posix; i++)
		r = make_group(w, d, &g.posix[i]);
	return r;
}

/* In the order of their ids: of two that collide the greater is left out. */
int world_make_groups(struct world *w)
{
	CLEANUP(buf_done) struct buf record = {0};
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < world_n_dirs(w); i++)
		if (!world_dir(w, i)->left_out)
			r = make_groups_of(w, world_dir(w, i), &record);
	return r;
}

int world_add_member(struct world *w, uint32_t group, uint32_t user)
{
	struct world_member m = {group, user};
	struct world_user *u = world_user(w, user);

	if (world_group(w, group)->gid == u->gid)
		return 0; /* it is the primary group */
	if (u->n_memberships++ == MEMBERSHIPS_MAX)
		return world_reject(w, &(struct world_subject){"member", u->id, u->name}, "groups_many",
				    "in more than %u groups; not in the others", MEMBERSHIPS_MAX);
	return u->n_memberships > MEMBERSHIPS_MAX ? 0 : buf_add(&w->members, &m, sizeof(m));
}

/* Of several the shortest counts. */
static void take_lease(struct world_user *u, const struct conf_lease *l)
{
	int64_t lease_s = l->lease_ms / 1000;

	u->lease_s = u->has_lease ? lease_shorter(u->lease_s, lease_s) : lease_s;
	u->has_lease = true;
}

static int join_member(struct world *w, const struct world_dir *d, const char *user_id)
{
	uint32_t place = world_find_user(w, user_id);
	struct world_user *u;
	int r = 0;

	if (place == INDEX_NONE || world_user(w, place)->fate != WORLD_IN)
		return 0;
	u = world_user(w, place);
	u->sudo |= d->sudo;
	u->sudo_nopasswd |= d->sudo_nopasswd;
	u->access |= d->access;
	if (d->lease)
		take_lease(u, d->lease);
	if (u->adopted) /* groups stay as they are here */
		return 0;
	if (d->shell < u->shell) /* none is greater than all */
		u->shell = d->shell;
	for (uint32_t i = 0; r == 0 && i < d->n_groups; i++)
		r = world_add_member(w, d->groups[i], place);
	return r == 0 && d->grant ? world_join_local(w, d->grant, place) : r;
}

static int join_members_of(struct world *w, const struct stage_walk *s)
{
	struct stage_place place;
	struct membership m;
	const char *id = NULL;
	uint32_t dir;
	int r = record_membership_unpack(s->record, s->place.len, &m);

	if (r < 0)
		return r == -ENOMEM ? r : -EPROTO;
	dir = world_find_dir(w, m.group_id);
	if (dir == INDEX_NONE || world_dir(w, dir)->left_out)
		return 0;
	while (r == 0 && (id = strlist_next(&m.user_ids, id)))
		r = join_member(w, world_dir(w, dir), id);
	return r < 0 ? r : stage_add(&w->out, s->record, s->place.len, &place);
}

/* Both groups are always there; a user is in one at most. */
static int join_sudo(struct world *w)
{
	uint32_t sudo, nopasswd;
	int r = world_add_group(w, GROUP_SUDO, GID_SUDO, &sudo);

	if (r == 0)
		r = world_add_group(w, GROUP_SUDO_NOPASSWD, GID_SUDO_NOPASSWD, &nopasswd);
	for (uint32_t i = 0; r == 0 && i < world_n_users(w); i++) {
		struct world_user *u = world_user(w, i);

		if (u->fate != WORLD_IN || !w->in.conf->allow_sudo || u->pending)
			u->sudo = u->sudo_nopasswd = false;
		if (u->sudo)
			r = world_add_member(w, u->sudo_nopasswd ? nopasswd : sudo, i);
	}
	return r;
}

int world_join_members(struct world *w)
{
	struct stage_walk walk = {.stage = w->in.stage};
	int r;

	while ((r = stage_next(&walk)) > 0) {
		if (record_kind(walk.record, walk.place.len) != RECORD_MEMBERSHIP)
			continue;
		r = join_members_of(w, &walk);
		if (r < 0)
			break;
	}
	stage_walk_done(&walk);
	return r < 0 ? r : join_sudo(w);
}

static bool published(const struct world_user *u)
{
	return u->fate == WORLD_IN || u->fate == WORLD_HOLDER;
}

static int compare_name(const void *a, const void *b, void *context)
{
	const struct world *w = context;

	return strcmp(world_user(w, *(const uint32_t *)a)->name, world_user(w, *(const uint32_t *)b)->name);
}

static int compare_id(const void *a, const void *b, void *context)
{
	const struct world *w = context;

	return strcmp(world_user(w, *(const uint32_t *)a)->id, world_user(w, *(const uint32_t *)b)->id);
}

static int compare_member(const void *a, const void *b, void *context)
{
	const struct world_member *x = a, *y = b;
	const struct world *w = context;
	uint32_t rank_x = world_user(w, x->user)->rank, rank_y = world_user(w, y->user)->rank;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return (rank_x > rank_y) - (rank_x < rank_y);
}

/* Who is published: ranked by name, then listed by id. */
static int make_order(struct world *w)
{
	uint32_t *order, n;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < world_n_users(w); i++)
		if (published(world_user(w, i)))
			r = buf_add(&w->order, &i, sizeof(i));
	n = (uint32_t)(w->order.len / sizeof(n));
	order = (uint32_t *)(void *)w->order.data;
	if (r < 0 || n == 0)
		return r;
	sort_unsorted(order, n, sizeof(*order), compare_name, w);
	for (uint32_t i = 0; i < n; i++)
		world_user(w, order[i])->rank = i;
	sort_unsorted(order, n, sizeof(*order), compare_id, w);
	return 0;
}

/* The pair M, the first of its kind in the group that *BYTES belongs to, is kept at KEPT. */
static int keep_member(struct world *w, const struct world_member *m, size_t kept, size_t *bytes)
{
	struct world_group *g = world_group(w, m->group);
	size_t before = g->n_members ? *bytes : 0;

	*bytes = before + strlen(world_user(w, m->user)->name) + 1;
	if (*bytes > MEMBER_BYTES_MAX) {
		if (before <= MEMBER_BYTES_MAX) /* once */
			return world_reject(w, &(struct world_subject){"member", "", g->name}, "members_many",
					    "more members than a group can have; the rest is left out");
		return 0;
	}
	if (g->n_members++ == 0)
		g->first_member = (uint32_t)kept;
	return 1;
}

/* Each pair once, and every group knows its own. */
static int sort_by_group(struct world *w)
{
	struct world_member *m = (struct world_member *)(void *)w->members.data, last = {INDEX_NONE, 0};
	size_t n = w->members.len / sizeof(*m), kept = 0, bytes = 0;

	if (n == 0)
		return 0;
	qsort_r(m, n, sizeof(*m), compare_member, w);
	for (size_t i = 0; i < n; i++) {
		int r;

		if (last.group == m[i].group && last.user == m[i].user)
			continue;
		last = m[i];
		r = keep_member(w, &last, kept, &bytes);
		if (r < 0)
			return r;
		if (r > 0)
			m[kept++] = last;
	}
	w->members.len = kept * sizeof(*m);
	return 0;
}

/* The same pairs, user by user: count, add up, fill. */
static int sort_by_user(struct world *w)
{
	const struct world_member *m = (const struct world_member *)(const void *)w->members.data;
	size_t n = w->members.len / sizeof(*m), n_users = world_n_users(w);
	uint32_t *first, *groups;
	int r = buf_reserve(&w->first_groups, (n_users + 2) * sizeof(*first));

	if (r == 0)
		r = buf_reserve(&w->user_groups, n * sizeof(*groups) + 1);
	if (r < 0)
		return r;
	first = (uint32_t *)(void *)w->first_groups.data;
	groups = (uint32_t *)(void *)w->user_groups.data;
	memset(first, 0, (n_users + 2) * sizeof(*first));
	for (size_t i = 0; i < n; i++)
		first[m[i].user + 2]++;
	for (size_t i = 2; i < n_users + 2; i++)
		first[i] += first[i - 1];
	for (size_t i = 0; i < n; i++)
		groups[first[m[i].user + 1]++] = m[i].group;
	w->first_groups.len = (n_users + 2) * sizeof(*first);
	w->user_groups.len = n * sizeof(*groups);
	return 0;
}

int world_sort_members(struct world *w)
{
	int r = make_order(w);

	if (r == 0)
		r = sort_by_group(w);
	return r < 0 ? r : sort_by_user(w);
}

const uint32_t *world_user_groups(const struct world *w, uint32_t place, uint32_t *ret_n)
{
	const uint32_t *first = (const uint32_t *)(const void *)w->first_groups.data;

	*ret_n = first[place + 1] - first[place];
	return (const uint32_t *)(const void *)w->user_groups.data + first[place];
}
