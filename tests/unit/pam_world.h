/*
 * A small world around pam_muster_test.so, in a folder of its own below the working directory: snapshots, service files, and
 * the real libpam that loads the module (pam_start_confdir). Any user can run it; its users are names that no
 * host has.
 */
#ifndef TESTS_UNIT_PAM_WORLD_H
#define TESTS_UNIT_PAM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <security/pam_appl.h>

#include "common/account.h"
#include "common/record.h"
#include "common/snapshot_reader.h"

#define PASSWORD       "correct horse \xc3\xa9"
#define OTHER          "battery staple"
#define DUMMY_PASSWORD "the dummy's"
#define RUN_DIR        MUSTER_RUNTIME_DIR
#define STATE_DIR      MUSTER_STATE_DIR
#define TALLY_DIR      RUN_DIR "/tally"
#define SEED	       "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" /* of codes */

#define WORLD_USERS_MAX 40

struct world {
	struct snapshot_info info;
	struct policy policy;
	struct sync_status status;
	struct account users[WORLD_USERS_MAX];
	size_t n_users;
	/* Instead of the records made from the above, when set: damage that checksums do not see. */
	struct buf policy_raw, status_raw, account_raw; /* account_raw: of every user */
	bool without_policy;
};

int64_t world_now(void);
/* No users; policy: 5 tries, lease 14 days, warning 7 days, reasons left to the account phase for "mt_later". */
void world_init(struct world *w);
void world_done(struct world *w);
/* An active account with PASSWORD, to be changed by the caller. */
struct account *world_add(struct world *w, const char *name);
/* DIR/pam.snapshot, by rename. */
void world_publish(const struct world *w, const char *dir);
/* Empties both directories: no snapshot, no tally. */
void world_reset(void);
/* Of a snapshot as published, to be damaged; freed by the caller. */
char *world_read(const char *dir, size_t *ret_len);
void world_write(const char *dir, const char *data, size_t len);

/* The folder, made, entered and removed, with the service files; cmocka's group setup and teardown. */
int world_setup(void **state);
int world_teardown(void **state);

/* The code that stands for PAM_IGNORE: libpam returns none of its own for it. */
#define IGNORED PAM_CRED_ERR

enum pam_op { OP_AUTH, OP_ACCOUNT, OP_SETCRED, OP_OPEN, OP_CLOSE, OP_CHAUTHTOK };

/* One call by an application, and what came of it. */
struct attempt {
	const char *service; /* default "mt_plain" */
	const char *user;
	const char *password; /* NULL: the conversation is broken off */
	const char *code;     /* NULL: the password again, as sshd answers every prompt */
	const char *rhost;
	bool code_broken;     /* the conversation is broken off at the code */
	int flags;
	int conv_code; /* of prompts; PAM_SUCCESS by default */
	bool no_conversation;
	/* filled */
	int prompts, code_prompts; /* the latter of the former */
	char said[1024]; /* texts, a line each */
};

/*
 * Resets what pam_wrap has seen, starts libpam, calls it, ends it. The PAM code. Whatever it is, no file but a tally was opened
 * for writing, PAM_USER is what it was, and memory given back by the module holds no password.
 */
int attempt(enum pam_op op, struct attempt *a);

/* What an app shows with SEED, so many steps of 30 seconds from now. Static, overwritten by the next call. */
const char *world_code(int steps);

/* The same with defaults. */
int try_password(const char *user, const char *password);
int try_account(const char *user);

#endif
