/* A directory, a host and a ledger in memory, for the tests of agentd/world.h. Every helper fails the test by itself. */
#ifndef TESTS_UNIT_WORLD_FIXTURE_H
#define TESTS_UNIT_WORLD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agentd/conf.h"
#include "agentd/ledger.h"
#include "agentd/local.h"
#include "agentd/world.h"
#include "common/snapshot_reader.h"

#define NOW 1700000000

struct fixture {
	struct conf conf;
	struct local *local;
	struct ledger ledger;
	struct stage stage;
	struct world world;
	int64_t now;
	struct strlist accept, forget; /* what the administrator says */
};

/* cmocka's setup and teardown: *state is a struct fixture with a host that has root, alice (1000), sudo, staff (50). */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* The host has these lines in passwd as well, and this list of whom the directory has taken over. */
void fixture_host(struct fixture *f, const char *passwd, const char *adopted);
/* The same host, with this as /etc/shadow. */
void fixture_shadow(struct fixture *f, const char *shadow);

/* Record of an account; NULL strings become "", bound, active, with a password. */
void fixture_user(struct fixture *f, struct account a);
#define USER(f, ...) fixture_user(f, (struct account){__VA_ARGS__})
/* Of a directory group, and of who is in it (ids, NULL at the end). */
void fixture_group(struct fixture *f, struct dir_group g);
#define GROUP(f, ...) fixture_group(f, (struct dir_group){__VA_ARGS__})
void fixture_members(struct fixture *f, const char *group_id, ...) __attribute__((sentinel));
void fixture_removed(struct fixture *f, const char *id);
void fixture_kept(struct fixture *f, const char *id);
void fixture_reject(struct fixture *f, const char *kind, const char *id, const char *reason);

/* Build the world from what was added since the last build. It must succeed. */
void fixture_build(struct fixture *f);
int fixture_try(struct fixture *f);
/* The same, and the pam.snapshot of it; the caller closes that. */
struct snapshot *fixture_publish(struct fixture *f);

/* The user with this id as published; fails when there is none. */
const struct world_user *fixture_get(const struct fixture *f, const char *id);
bool fixture_has(const struct fixture *f, const char *id);
/* His finished record, good until the next call. */
struct account fixture_account(const struct fixture *f, const char *id);
/* NAME is WORLD_IN with these ids. */
void fixture_in(const struct fixture *f, const char *id, const char *name, uint32_t uid, uint32_t gid);
/* He is a holder, with these. */
void fixture_holder(const struct fixture *f, const char *id, const char *name, uint32_t uid, uint32_t gid);
/* He is left out with a reject of kind "user" for REASON, and published in no way. */
void fixture_out(const struct fixture *f, const char *id, const char *reason);
/* How many rejects there are of this kind, id and reason; NULL: any. */
unsigned int fixture_rejects(const struct fixture *f, const char *kind, const char *id, const char *reason);
/* Members of the group NAME with GID: "a,b"; "-" when there is no such group. */
const char *fixture_group_members(const struct fixture *f, const char *name, uint32_t gid);
/* "5001,6000": primary gid first, then the others, ascending. */
const char *fixture_gids(const struct fixture *f, const char *id);

#endif
