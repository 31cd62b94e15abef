/* The types of conf_table.h: text to value, and what is expected in words. */
#ifndef AGENTD_CONF_VALUE_H
#define AGENTD_CONF_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

enum conf_type {
	CONF_DRIVER = 1,
	CONF_PASSWORD,
	CONF_CREDENTIAL,
	CONF_STATE,
	CONF_STRING,	   /* MIN..MAX printable characters */
	CONF_URL,	   /* file:///path or https:// */
	CONF_PATH,	   /* absolute; "" when MIN is 0 */
	CONF_OBJECT_ID,	   /* object_id_valid(), or "" */
	CONF_HOME,	   /* a path with %u or %U in it */
	CONF_SHELL,	   /* shell_valid() */
	CONF_LDAP_URL,	   /* ldap_transport_of(), or "" */
	CONF_BIND_DN,	   /* ldap_template_valid() */
	CONF_WORDS,	   /* words with commas between, at most MAX */
	CONF_USERS,	   /* name_valid() and none of the system's, with commas between, at most MAX */
	CONF_DURATION,	   /* milliseconds, MIN..MAX */
	CONF_NUMBER,	   /* MIN..MAX */
	CONF_BOOL,	   /* yes or no */
	CONF_END_SESSIONS, /* words of enum conf_end_sessions, or "" */
};

#define CONF_EXPECTED_SIZE 192

/*
 * Read VALUE into FIELD (its C type: CONF_C_… in agentd/conf.h; zero before). Returns 0; -EINVAL, and FIELD is
 * untouched; -ENOMEM.
 */
int conf_value_parse(enum conf_type type, const char *value, int64_t min, int64_t max, void *field) MUST_CHECK;

/* "a duration from 1s to 1d (a number with ms, s, m, h or d)" */
void conf_value_expected(enum conf_type type, int64_t min, int64_t max, char out[static CONF_EXPECTED_SIZE]);

/* The bytes of the value in FIELD that say what it is. */
const void *conf_value_bytes(enum conf_type type, const void *field, size_t *ret_len);

/* agentd/conf_lease.c: one line of [lease]. -EEXIST given twice; -EINVAL not a duration; -ENOMEM. */
struct conf;
int conf_lease_add(struct conf *c, const char *group, const char *value) MUST_CHECK;
uint64_t conf_lease_sum(const struct conf *c, uint64_t seed);
void conf_lease_done(struct conf *c);

/*
 * agentd/conf_grant.c: one line of [groups]. -EEXIST given twice; -EINVAL no names of groups; -EPERM a name that nobody may
 * have so; -E2BIG more than CONF_GRANTS_MAX; -ENOMEM.
 */
int conf_grant_add(struct conf *c, const char *group, const char *value) MUST_CHECK;
uint64_t conf_grant_sum(const struct conf *c, uint64_t seed);
void conf_grant_done(struct conf *c);

/*
 * agentd/conf_access.c: the rule in LINE of [access]. -EINVAL, and why, as in "[access] NAME …"; -ENOMEM. The last rule, where it
 * allows: that changes nothing.
 */
int conf_access_add(struct conf *c, const char *name, const char *value, unsigned int line,
		    char ret_why[static CONF_EXPECTED_SIZE]) MUST_CHECK;
const struct access_rule *conf_access_idle(const struct conf *c);
void conf_access_done(struct conf *c);

/* agentd/conf_shell.c: one line of [shells]. -EEXIST given twice; -EINVAL no path of a shell; -ENOMEM. */
int conf_shell_add(struct conf *c, const char *group, const char *value) MUST_CHECK;
uint64_t conf_shell_sum(const struct conf *c, uint64_t seed);
void conf_shell_done(struct conf *c);

void conf_value_free(enum conf_type type, void *field);

#endif
