#include "tests/unit/sample.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/snapshot_writer.h"

#define ED25519 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"

struct snapshot_user sample_user(const struct sample *s, uint32_t i, struct sample_text *t)
{
	snprintf(t->name, sizeof t->name, "user%06u", i);
	snprintf(t->gecos, sizeof t->gecos, "User %u of generation %llu", i,
		 (unsigned long long)s->generation);
	snprintf(t->home, sizeof t->home, "/home/%s", t->name);
	return (struct snapshot_user){
		.name = t->name,
		.gecos = t->gecos,
		.home = t->home,
		.shell = i % 3 == 0 ? "/bin/sh" : "/bin/bash",
		.uid = SAMPLE_UID + i,
		.gid = SAMPLE_UID + i,
	};
}

/* The J-th shared group of user I. */
static uint32_t team_of(const struct sample *s, uint32_t i, uint32_t j)
{
	return (i + j * (s->n_shared / SAMPLE_GROUPS_OF)) % s->n_shared;
}

uint32_t sample_gids(const struct sample *s, uint32_t i, uint32_t *gids)
{
	uint32_t n = 0;

	gids[n++] = SAMPLE_UID + i;
	for (uint32_t j = 0; s->n_shared > 0 && j < SAMPLE_GROUPS_OF; j++)
		gids[n++] = SAMPLE_GID + team_of(s, i, j);
	if (i < s->n_big)
		gids[n++] = SAMPLE_BIG_GID;
	return n;
}

uint32_t sample_local_gids(const struct sample *s, uint32_t i, uint32_t *gids)
{
	uint32_t n = 0;

	if (i < s->n_local)
		gids[n++] = SAMPLE_PLUGDEV;
	if (i < s->n_local && i % 2 == 0)
		gids[n++] = SAMPLE_DOCKER;
	return n;
}

static int write_user(const struct sample *s, uint32_t i, struct snapshot_writer *w)
{
	uint32_t gids[SAMPLE_GROUPS_OF + 2], n = sample_gids(s, i, gids);
	struct strlist none = {0};
	struct strlist keys = {.data = ED25519 "\0" ED25519, .len = 2 * sizeof ED25519, .count = 2};
	struct sample_text t;
	struct snapshot_user u = sample_user(s, i, &t);
	struct snapshot_group g = {.name = u.name, .gid = u.gid};
	int r = snapshot_writer_user(w, &u, gids, n, i % 10 == 0 ? &keys : &none);

	if (r == 0)
		r = snapshot_writer_group(w, &g);
	n = sample_local_gids(s, i, gids);
	return r < 0 || n == 0 ? r : snapshot_writer_grants(w, u.uid, gids, n);
}

static int add_member(uint32_t i, struct buf *b, struct strlist *l)
{
	char name[32];
	int n = snprintf(name, sizeof name, "user%06u", i);
	int r = buf_add(b, name, (size_t)n + 1);

	l->data = (const char *)b->data;
	l->len = (uint32_t)b->len;
	l->count++;
	return r;
}

static int write_team(const struct sample *s, uint32_t team, struct snapshot_writer *w)
{
	CLEANUP(buf_done) struct buf b = {0};
	char name[32];
	struct snapshot_group g = {.name = name, .gid = SAMPLE_GID + team};
	int r = 0;

	snprintf(name, sizeof name, "team%03u", team);
	for (uint32_t i = 0; r == 0 && i < s->n_users; i++) {
		bool in = false;

		for (uint32_t j = 0; j < SAMPLE_GROUPS_OF; j++)
			in |= team_of(s, i, j) == team;
		if (in)
			r = add_member(i, &b, &g.members);
	}
	return r < 0 ? r : snapshot_writer_group(w, &g);
}

static int write_big(const struct sample *s, struct snapshot_writer *w)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct snapshot_group g = {.name = SAMPLE_BIG, .gid = SAMPLE_BIG_GID};
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < s->n_big; i++)
		r = add_member(i, &b, &g.members);
	return r < 0 ? r : snapshot_writer_group(w, &g);
}

/* Every STEP-th of the first users. */
static int write_local(const struct sample *s, const char *name, uint32_t gid, uint32_t step,
		       struct snapshot_writer *w)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct snapshot_group g = {.name = name, .gid = gid};
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < s->n_local; i += step)
		r = add_member(i, &b, &g.members);
	return r < 0 || s->n_local == 0 ? r : snapshot_writer_local_group(w, &g);
}

static int writer_begin(const struct sample *s, int fd, enum snapshot_kind kind,
			struct snapshot_writer **ret)
{
	struct snapshot_info info = {
		.kind = kind,
		.generation = s->generation,
		.created_at = 1700000000 + (int64_t)s->generation,
		.confirmed_at = 1700000000,
	};

	return snapshot_writer_new(fd, &info, ret);
}

int sample_write(const struct sample *s, int fd)
{
	CLEANUP(snapshot_writer_freep) struct snapshot_writer *w = NULL;
	int r = writer_begin(s, fd, SNAPSHOT_NSS, &w);

	for (uint32_t i = 0; r == 0 && i < s->n_users; i++)
		r = write_user(s, i, w);
	for (uint32_t i = 0; r == 0 && i < s->n_shared; i++)
		r = write_team(s, i, w);
	if (r == 0 && s->n_big > 0)
		r = write_big(s, w);
	if (r == 0)
		r = write_local(s, "plugdev", SAMPLE_PLUGDEV, 1, w);
	if (r == 0)
		r = write_local(s, "docker", SAMPLE_DOCKER, 2, w);
	return r < 0 ? r : snapshot_writer_finish(w);
}

int sample_publish(const struct sample *s, const char *path)
{
	AUTO_FREE char *fresh = str_format("%s.%d", path, (int)getpid());
	AUTO_CLOSE int fd = -1;
	int r;

	if (!fresh)
		return -ENOMEM;
	unlink(fresh);
	fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = sample_write(s, fd);
	if (r == 0 && (fchmod(fd, 0644) < 0 || rename(fresh, path) < 0))
		r = -errno;
	if (r < 0)
		unlink(fresh);
	return r;
}

int sample_write_pam(const struct sample *s, int fd)
{
	CLEANUP(snapshot_writer_freep) struct snapshot_writer *w = NULL;
	int r = writer_begin(s, fd, SNAPSHOT_PAM, &w);

	for (uint32_t i = 0; r == 0 && i < s->n_users; i++) {
		char name[32], record[64];

		snprintf(name, sizeof name, "user%06u", i);
		snprintf(record, sizeof record, "account %s", name);
		r = snapshot_writer_account(w, name, SAMPLE_UID + i, record, strlen(record));
	}
	if (r == 0)
		r = snapshot_writer_policy(w, "policy", 6);
	if (r == 0)
		r = snapshot_writer_status(w, "status", 6);
	for (uint32_t i = 0; r == 0 && i < 3; i++)
		r = snapshot_writer_reject(w, &"reject0\0reject1\0reject2"[8 * i], 7);
	for (uint32_t i = 0; r == 0 && i < 2; i++)
		r = snapshot_writer_dir_group(w, &"group0\0group1"[7 * i], 6);
	return r < 0 ? r : snapshot_writer_finish(w);
}
