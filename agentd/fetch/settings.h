/*
 * What CONFIG says (agentd/fetch/protocol.h).
 */
#ifndef AGENTD_FETCH_SETTINGS_H
#define AGENTD_FETCH_SETTINGS_H

#include "common/str.h"

enum setting {
	SETTING_DRIVER = 0,
	SETTING_URL,
	SETTING_SYSTEM_ID,
	SETTING_HOSTNAME,
	SETTING_SECRETS,
	SETTING_PASSWORDS,
	SETTING_CA,
	SETTING_CLIENT_CERT,
	SETTING_CLIENT_KEY,
	SETTING_BEARER,
	SETTING_PROXY,
	SETTING_LDAP_URL,
	SETTING_LDAP_DN,
	SETTING_LDAP_CA,
	SETTING_ORG_ID,
	SETTING_API_KEY,
	SETTING_CLIENT_ID,
	SETTING_CLIENT_SECRET,
	SETTING_TOKEN_URL,
	SETTING_COUNT,
};

/* All zero: nothing is set. */
struct settings {
	struct buf values[SETTING_COUNT];
};

/* Takes one frame of keys and values; a key that was there is continued. -EPROTO, -ENOMEM. */
int settings_add(struct settings *s, const struct buf *frame) MUST_CHECK;
/* Never NULL. Good until the next settings_add(). */
const char *settings_get(const struct settings *s, enum setting i);
/* Byte for byte the same? */
bool settings_equal(const struct settings *a, const struct settings *b);
/* Wipes everything; all zero again. */
void settings_done(struct settings *s);

#endif
