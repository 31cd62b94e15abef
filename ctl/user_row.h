/*
 * One user as musterctl users shows and asks about him: nss.snapshot, pam.snapshot and the tally put together, and the
 * table of what is known of each, by name.
 */
#ifndef CTL_USER_ROW_H
#define CTL_USER_ROW_H

#include "common/str.h"
#include "ctl/view.h"

/* Strings lead into the snapshots' buffers. Dates: seconds since 1970; 0: not set. */
struct user_row {
	/* What everybody may know. */
	const char *name, *displayname, *home, *shell;
	const char *sudo; /* "no", "yes", "nopasswd" */
	uint32_t uid, gid;
	struct strlist groups; /* local ones, without the private one and those of sudo */
	/* For root alone; without KNOWN nothing of it counts. */
	bool known;
	const char *id, *username, *email;
	const char *state, *verdict;
	const char *scheduled_state; /* or "" */
	int64_t scheduled_at;        /* the next change that is not due */
	bool activated, locked, mfa, mfa_required, mfa_excluded;
	bool password_expired, password_never_expires;
	int64_t created_at, locked_at, password_changed_at, password_expires_at, mfa_excluded_until;
	uint32_t ssh_keys;
};

enum user_field_kind {
	USER_TEXT,   /* const char * */
	USER_STATE,  /* const char *: a word of user_state_name() */
	USER_REASON, /* const char *: a word of reason_name() */
	USER_SUDO,   /* const char * */
	USER_NUMBER, /* uint32_t */
	USER_BOOL,   /* bool */
	USER_DATE,   /* int64_t */
	USER_LIST,   /* struct strlist */
};

struct user_field {
	const char *
		name; /* the same in queries, as a column and in JSON: docs/schema/users.schema.json */
	enum user_field_kind kind;
	bool for_root; /* from pam.snapshot */
	size_t offset; /* in struct user_row */
};

#define USER_FIELDS 28
extern const struct user_field user_fields[USER_FIELDS];

/* The field whose name the LEN bytes are; NULL: there is none. */
const struct user_field *user_field_find(const char *name, size_t len);
/* Where F is in R. */
static inline const void *user_field_at(const struct user_field *f, const struct user_row *r)
{
	return (const char *)r + f->offset;
}

/* Told of each user in order of uid; a negative result ends the walk. */
typedef int user_row_fn(void *ctx, const struct user_row *row);
/* All users of V, which must have nss.snapshot. 0 or -errno. */
int user_rows_walk(struct view *v, user_row_fn *fn, void *ctx) MUST_CHECK;

#endif
