#include "agentd/snapshots.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "common/names.h"
#include "common/snapshot_writer.h"
#include "common/verdict.h"

/* Both files are made in one walk. */
struct builder {
	const struct world *world;
	const struct snapshots_input *in;
	struct snapshot_writer *nss, *pam;
	struct buf record, members;
	struct buf gids, local_gids; /* of one user */
};

static void builder_done(struct builder *b)
{
	snapshot_writer_free(b->nss);
	snapshot_writer_free(b->pam);
	buf_wipe(&b->record);
	buf_done(&b->gids);
	buf_done(&b->local_gids);
	buf_done(&b->members);
}

static const struct world_user *published_user(const struct builder *b, size_t i)
{
	return world_user(b->world, ((const uint32_t *)(const void *)b->world->order.data)[i]);
}

static size_t n_published(const struct builder *b)
{
	return b->world->order.len / sizeof(uint32_t);
}

static int collect_gids(struct builder *b, const struct world_user *u)
{
	uint32_t place = (uint32_t)(u - world_user(b->world, 0)), n;
	const uint32_t *groups = world_user_groups(b->world, place, &n);
	int r;

	b->gids.len = b->local_gids.len = 0;
	r = buf_add(&b->gids, &u->gid, sizeof(u->gid));
	for (uint32_t i = 0; r == 0 && i < n; i++) {
		const struct world_group *g = world_group(b->world, groups[i]);

		r = buf_add(g->local ? &b->local_gids : &b->gids, &g->gid, sizeof(g->gid));
	}
	return r;
}

static int add_grants(struct builder *b, uint32_t uid)
{
	uint32_t n = (uint32_t)(b->local_gids.len / sizeof(uint32_t));

	if (n == 0)
		return 0;
	return snapshot_writer_grants(b->nss, uid, (const uint32_t *)(const void *)b->local_gids.data, n);
}

/* Keys are withheld from those whom the directory's state refuses (DESIGN.md 7). */
static int add_user(struct builder *b, const struct world_user *u)
{
	static const struct strlist no_keys = {"", 0, 0};
	struct account a;
	struct snapshot_user s;
	int r = stage_get(&b->world->out, u->place, &b->record);

	if (r == 0)
		r = record_account_unpack(b->record.data, b->record.len, &a);
	if (r == 0)
		r = snapshot_writer_account(b->pam, a.name, a.uid, b->record.data, b->record.len);
	if (r < 0 || u->adopted) /* of those /etc/passwd tells */
		return r;
	r = collect_gids(b, u);
	if (r < 0)
		return r;
	s = (struct snapshot_user){a.name, a.gecos, a.home, a.shell, a.uid, a.gid};
	r = snapshot_writer_user(b->nss, &s, (const uint32_t *)(const void *)b->gids.data,
				 (uint32_t)(b->gids.len / sizeof(uint32_t)),
				 verdict_keys_allowed(&a, b->world->in.now) ? &a.ssh_keys : &no_keys);
	return r < 0 ? r : add_grants(b, a.uid);
}

/* A user's own group has his name, and nobody is listed in it. */
static int add_users(struct builder *b)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_published(b); i++) {
		const struct world_user *u = published_user(b, i);
		struct snapshot_group g = {.name = u->name, .gid = u->gid, .members = {"", 0, 0}};

		r = add_user(b, u);
		if (r == 0 && u->private_group)
			r = snapshot_writer_group(b->nss, &g);
	}
	return r;
}

static int add_groups(struct builder *b)
{
	const struct world_member *m = (const struct world_member *)(const void *)b->world->members.data;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < world_n_groups(b->world); i++) {
		const struct world_group *g = world_group(b->world, i);
		struct snapshot_group s = {.name = g->name, .gid = g->gid};

		b->members.len = 0;
		for (uint32_t j = 0; r == 0 && j < g->n_members; j++) {
			const char *name = world_user(b->world, m[g->first_member + j].user)->name;

			r = buf_add(&b->members, name, strlen(name) + 1);
		}
		s.members = (struct strlist){b->members.len ? (const char *)b->members.data : "",
					     (uint32_t)b->members.len, g->n_members};
		if (r == 0 && !g->local)
			r = snapshot_writer_group(b->nss, &s);
		else if (r == 0 && g->n_members)
			r = snapshot_writer_local_group(b->nss, &s);
	}
	return r;
}

static int add_record(struct builder *b, const struct stage_walk *s)
{
	if (record_kind(s->record, s->place.len) == RECORD_REJECT)
		return snapshot_writer_reject(b->pam, s->record, s->place.len);
	if (record_kind(s->record, s->place.len) == RECORD_GROUP)
		return snapshot_writer_dir_group(b->pam, s->record, s->place.len);
	return 0;
}

static int add_records(struct builder *b)
{
	struct stage_walk walk = {.stage = &b->world->out};
	int r;

	while ((r = stage_next(&walk)) > 0) {
		r = add_record(b, &walk);
		if (r < 0)
			break;
	}
	stage_walk_done(&walk);
	return r;
}

static int add_policy_and_status(struct builder *b)
{
	int r;

	b->record.len = 0;
	r = record_policy_pack(b->in->policy, &b->record);
	if (r == 0)
		r = snapshot_writer_policy(b->pam, b->record.data, b->record.len);
	b->record.len = 0;
	if (r == 0)
		r = record_status_pack(b->in->status, &b->record);
	return r < 0 ? r : snapshot_writer_status(b->pam, b->record.data, b->record.len);
}

/* Nobody finds it by a name, so that nobody can cut it short while it is mapped. */
static int make_file(const char *dir)
{
	int fd = dir ? open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : memfd_create("muster-snapshot", MFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int begin(const struct snapshots_input *in, enum snapshot_kind kind, int *fd,
		 struct snapshot_writer **ret)
{
	struct snapshot_info info = {
		.kind = kind,
		.generation = in->generation,
		.created_at = in->created_at,
		.confirmed_at = in->confirmed_at,
	};

	*fd = make_file(in->dir);
	return *fd < 0 ? *fd : snapshot_writer_new(*fd, &info, ret);
}

static int write_records(struct builder *b, struct snapshots *ret)
{
	int r = begin(b->in, SNAPSHOT_NSS, &ret->nss, &b->nss);

	if (r == 0)
		r = begin(b->in, SNAPSHOT_PAM, &ret->pam, &b->pam);
	if (r == 0)
		r = add_users(b);
	if (r == 0)
		r = add_groups(b);
	if (r == 0)
		r = add_records(b);
	if (r == 0)
		r = add_policy_and_status(b);
	return r;
}

/* What is left to do for each file, its indexes and its check: by two, since neither needs the other. */
struct completion {
	struct snapshot_writer **writer;
	int fd;
	enum snapshot_kind kind;
	int result;
};

static void *complete(void *context)
{
	struct completion *c = context;

	c->result = snapshot_writer_finish(*c->writer);
	snapshot_writer_free(TAKE(*c->writer)); /* its memory is not needed while the file is mapped */
	if (c->result == 0)
		c->result = snapshot_verify_memory(c->fd, c->kind);
	return NULL;
}

static int complete_both(struct builder *b, const struct snapshots *s)
{
	struct completion nss = {&b->nss, s->nss, SNAPSHOT_NSS, 0}, pam = {&b->pam, s->pam, SNAPSHOT_PAM, 0};
	pthread_t other;
	int r = pthread_create(&other, NULL, complete, &nss);

	complete(&pam);
	if (r == 0)
		pthread_join(other, NULL);
	else
		complete(&nss);
	return nss.result < 0 ? nss.result : pam.result;
}

static int build_once(const struct world *w, const struct snapshots_input *in, struct snapshots *ret)
{
	struct builder b = {.world = w, .in = in};
	int r;

	*ret = (struct snapshots){-1, -1};
	r = write_records(&b, ret);
	if (r == 0)
		r = complete_both(&b, ret);
	builder_done(&b);
	return r;
}

/* A directory that is full or read-only is no reason not to publish elsewhere. */
int snapshots_build(const struct world *w, const struct snapshots_input *in, struct snapshots *ret)
{
	struct snapshots_input in_memory = *in;
	int r = build_once(w, in, ret);

	if (r == 0 || !in->dir)
		return r;
	snapshots_done(ret);
	in_memory.dir = NULL;
	return build_once(w, &in_memory, ret);
}

void snapshots_done(struct snapshots *s)
{
	closep(&s->nss);
	closep(&s->pam);
	*s = (struct snapshots){-1, -1};
}
