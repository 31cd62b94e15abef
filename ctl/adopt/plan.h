/*
 * What 'musterctl adopt' finds, and what it would change: the configuration, the published snapshot, /etc/passwd, /etc/group,
 * /etc/shadow and the list of those who were taken over, put together. Changes nothing.
 */
#ifndef CTL_ADOPT_PLAN_H
#define CTL_ADOPT_PLAN_H

#include "agentd/conf.h"
#include "agentd/local.h"
#include "common/reason.h"
#include "ctl/message.h"

enum adopt_action {
	ADOPT_NOTHING,
	ADOPT_TAKE,      /* into the list; the local password is locked */
	ADOPT_LOCK,      /* in the list, but its local password is open */
	ADOPT_GIVE_BACK, /* out of the list; the local password is as it was */
	ADOPT_DROP,      /* out of the list: the local user is gone, or another one */
	ADOPT_BLOCKED,   /* wanted, but something on this computer is in the way */
};

enum adopt_password {
	ADOPT_PASSWORD_NONE, /* no line in /etc/shadow */
	ADOPT_PASSWORD_EMPTY,
	ADOPT_PASSWORD_LOCKED,
	ADOPT_PASSWORD_OPEN,
};

struct adopt_user {
	char name[NAME_MAX_LEN + 1];
	bool local; /* then those in its line: */
	uint32_t uid, gid;
	char *home, *groups;
	enum adopt_password password;
	bool expires; /* has a date in /etc/shadow */
	bool listed;  /* taken over, as the user with listed_uid */
	uint32_t listed_uid;
	bool locked; /* by us, then */
	bool known;  /* pam.snapshot has it as one who is, or may be, taken over */
	bool forgotten;   /* by 'musterctl forget' */
	bool no_verifier; /* and no password to verify against */
	enum user_state state;
	enum reason reason; /* what a login by password meets */
	enum adopt_action action;
	char *why; /* or NULL */
};

struct adopt_plan {
	struct conf conf;
	struct local *local;
	struct buf users; /* struct adopt_user, by name */
	bool profile;     /* the PAM profile is in force */
};

/*
 * RESTORE: everybody is to be given back, whatever the configuration and the directory say; neither is read. 0; -errno, and F
 * says why. Freed with adopt_plan_done() in any case.
 */
int adopt_plan_make(struct adopt_plan *p, bool restore, struct fault *f) MUST_CHECK;
void adopt_plan_done(struct adopt_plan *p);

struct adopt_user *adopt_plan_user(const struct adopt_plan *p, size_t i);
size_t adopt_plan_count(const struct adopt_plan *p);
/* How many users something is to be done about, those who are blocked apart. */
unsigned adopt_plan_changes(const struct adopt_plan *p);
unsigned adopt_plan_blocked(const struct adopt_plan *p);
/* Is a local password to be locked? */
bool adopt_plan_takes(const struct adopt_plan *p);
/* Is anybody in the list? */
bool adopt_plan_any_listed(const struct adopt_plan *p);
/* Will anybody be in the list? Then the profile is needed. */
bool adopt_plan_needs_profile(const struct adopt_plan *p);

/* "take over", "" */
const char *adopt_action_name(enum adopt_action a);
const char *adopt_password_name(enum adopt_password p);

#endif
