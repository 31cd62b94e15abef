/*
 * muster.conf: read once, checked whole, then never changed (a reload makes a new one). One table, conf_table.h,
 * names every key. Unknown section, unknown key, key given twice and bad value are errors with file and line:
 * a misspelt "allow_sudo = no" must not pass in silence.
 */
#ifndef AGENTD_CONF_H
#define AGENTD_CONF_H

#include "common/account.h"
#include "common/names.h"
#include "common/paths.h"

enum conf_driver {
	CONF_DRIVER_DOCUMENT = 1,
	CONF_DRIVER_JUMPCLOUD,
};
enum conf_password {
	CONF_PASSWORD_HASH = 1,
	CONF_PASSWORD_LDAP,
};
enum conf_credential {
	CONF_CREDENTIAL_API_KEY = 1,
	CONF_CREDENTIAL_SERVICE_ACCOUNT,
};
/* Which changes end the sessions of a user; a set. */
enum conf_end_sessions {
	CONF_END_SUSPENDED = 1,
	CONF_END_UNBOUND = 2,
	CONF_END_FORCE_EXPIRED = 4,
	CONF_END_LOCKED = 8,
};

#define CONF_C_DRIVER	    enum conf_driver
#define CONF_C_PASSWORD	    enum conf_password
#define CONF_C_CREDENTIAL   enum conf_credential
#define CONF_C_STATE	    enum user_state
#define CONF_C_STRING	    char *
#define CONF_C_URL	    char *
#define CONF_C_PATH	    char *
#define CONF_C_OBJECT_ID    char *
#define CONF_C_HOME	    char *
#define CONF_C_SHELL	    char *
#define CONF_C_LDAP_URL	    char *
#define CONF_C_BIND_DN	    char *
#define CONF_C_WORDS	    struct strlist /* data owned by the conf */
#define CONF_C_USERS	    struct strlist /* likewise */
#define CONF_C_DURATION	    int64_t
#define CONF_C_NUMBER	    uint32_t
#define CONF_C_BOOL	    bool
#define CONF_C_END_SESSIONS uint32_t

#define CONF_LEASE_MAX_MS INT64_C(31536000000)

/* [lease] GROUP = DURATION */
struct conf_lease {
	char *group;	  /* name of a directory group, as it is there */
	int64_t lease_ms; /* 0: none */
};

#define CONF_GRANTS_MAX 256 /* local groups in all lines together */

/* [groups] GROUP = LOCAL, … */
struct conf_grant {
	char *group;	       /* name of a directory group, as it is there */
	struct strlist locals; /* names of local groups, at least one; data owned by the conf */
};

/* [access] NAME = RULE, in the order of the file; with neither users nor groups it is for everybody */
struct conf_access {
	struct access_rule rule;
	struct strlist users, groups; /* names of users here, of groups as the directory has them */
};

#define CONF_SHELL_LEN_MAX 180
#define CONF_SHELL_NONE	   UINT32_MAX

/* [shells] GROUP = PATH */
struct conf_shell {
	char *group; /* name of a directory group, as it is there */
	char *shell;
};

struct conf {
	struct conf_lease *leases;
	uint32_t n_leases;
	struct conf_grant *grants;
	uint32_t n_grants;
	struct conf_access *access;
	uint32_t n_access;
	uint64_t access_sum; /* of all rules, and of their lines */
	struct conf_shell *shells; /* in the order of the file: the first that fits counts */
	uint32_t n_shells;
#define CONF(section, key, type, min, max, def, field) CONF_C_##type field;
#include "agentd/conf_table.h"
#undef CONF
};

#define CONF_ERROR_SIZE 640

/* url, where driver = jumpcloud and none is given. */
#define CONF_JUMPCLOUD_URL "https://console.jumpcloud.com/api"

/* As muster.conf has it. */
const char *conf_driver_name(enum conf_driver driver);

/*
 * Read PATH, or MUSTER_CONF when it is NULL; that one may be absent, and then all defaults hold. The file must be
 * regular, root's or the caller's own, and writable by nobody else; it is opened once and checked by descriptor.
 *   ret        All zero before; freed with conf_done(), also after an error.
 *   ret_error  "FILE:LINE: what is wrong; what to do", "" on success.
 * Returns 0; -EINVAL the file says something wrong; -EPERM owner or mode; -errno (ret_error is set with each).
 */
int conf_load(const char *path, struct conf *ret, char ret_error[static CONF_ERROR_SIZE]) MUST_CHECK;

/*
 * The same in two steps. conf_copy() checks owner and mode and makes *RET_FD, a copy in memory that nobody changes any more
 * (close-on-exec); conf_load_fd() reads such a copy from its beginning, PATH being what messages call it.
 */
int conf_copy(const char *path, int *ret_fd, char ret_error[static CONF_ERROR_SIZE]) MUST_CHECK;
int conf_load_fd(int fd, const char *path, struct conf *ret, char ret_error[static CONF_ERROR_SIZE]) MUST_CHECK;

void conf_done(struct conf *c);

/* Of all values but [access], which access_sum is of: equal when two configurations say the same. */
uint64_t conf_fingerprint(const struct conf *c);

/* The section [lease]. NULL: no line for GROUP. */
const struct conf_lease *conf_lease_of(const struct conf *c, const char *group);
/* Of all leases; 0: none of them ends. */
int64_t conf_lease_shortest(const struct conf *c);

/* The section [groups]. NULL: no line for GROUP. */
const struct conf_grant *conf_grant_of(const struct conf *c, const char *group);

/* The section [access]: does a rule name GROUP; has one hours? */
bool conf_access_names(const struct conf *c, const char *group);
bool conf_access_has_hours(const struct conf *c);

/* The place of GROUP's line in the section [shells], or CONF_SHELL_NONE. */
uint32_t conf_shell_of(const struct conf *c, const char *group);

/* Of two leases, of which 0 never ends. */
static inline int64_t lease_shorter(int64_t a, int64_t b)
{
	return a && (a < b || !b) ? a : b;
}

/* In [accounts] adopt for every user who is bound here. */
#define CONF_ADOPT_ALL "all-bound"

/* Is the local user NAME to be taken over, if the directory has it? */
bool conf_adopts(const struct conf *c, const char *name);

#define CONF_HOME_SIZE 256

/*
 * The home of the user NAME with UID by the template HOME: %u is the name, %U the uid, %l the name's first letter, %% a '%'. It may be
 * no place for a home all the same ("/var/%u" of one called lib). 0; -E2BIG, but not with a template that was checked.
 */
int conf_home_for(const char *home, const char *name, uint32_t uid, char out[static CONF_HOME_SIZE]) MUST_CHECK;

#endif
