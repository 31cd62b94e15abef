/*
 * Snapshots for tests and benches, made with the real writer: what is in them can be told from the number of a user
 * and the generation, so that every answer can be checked.
 */
#ifndef TESTS_UNIT_SAMPLE_H
#define TESTS_UNIT_SAMPLE_H

#include <stdint.h>

#include "common/snapshot_reader.h"

#define SAMPLE_UID	 1900000000u /* of user 0; also the gid of the private group */
#define SAMPLE_GID	 1950000000u /* of shared group 0 */
#define SAMPLE_GROUPS_OF 5u	     /* shared groups a user is in */
#define SAMPLE_BIG_GID	 1990000000u
#define SAMPLE_BIG	 "big"
#define SAMPLE_PLUGDEV	 46u /* local groups, whose members are granted */
#define SAMPLE_DOCKER	 999u

struct sample {
	uint32_t n_users;  /* "user000017", with a private group of the same name */
	uint32_t n_shared; /* "team003"; at least SAMPLE_GROUPS_OF, or none */
	uint32_t n_big;	   /* members of the group "big": the first users; 0 = no such group */
	uint32_t n_local;  /* members of the local group "plugdev": the first users; those with an even number also of "docker" */
	uint64_t generation;
};

struct sample_text {
	char name[32], gecos[64], home[64];
};

/* User I; strings in T. The gecos names the generation. */
struct snapshot_user sample_user(const struct sample *s, uint32_t i, struct sample_text *t);
/* Its gids, the primary one first; returns how many (at most SAMPLE_GROUPS_OF + 2). */
uint32_t sample_gids(const struct sample *s, uint32_t i, uint32_t *gids);

/* Its local gids, at most 2. */
uint32_t sample_local_gids(const struct sample *s, uint32_t i, uint32_t *gids);

/* nss.snapshot into FD; 0 or -errno. Every tenth user has SSH keys. */
int sample_write(const struct sample *s, int fd);
/* The same to a file of mode 0644 that appears under PATH at once. */
int sample_publish(const struct sample *s, const char *path);
/* pam.snapshot: accounts with RECORDs that are the text "account NAME", policy, status, 3 rejects, 2 groups. */
int sample_write_pam(const struct sample *s, int fd);

#endif
