#include "agentd/fetch/settings.h"

#include <errno.h>
#include <string.h>

#include "agentd/fetch/protocol.h"

static const char *const keys[SETTING_COUNT] = {
	[SETTING_DRIVER] = FETCH_KEY_DRIVER,
	[SETTING_URL] = FETCH_KEY_URL,
	[SETTING_SYSTEM_ID] = FETCH_KEY_SYSTEM_ID,
	[SETTING_HOSTNAME] = FETCH_KEY_HOSTNAME,
	[SETTING_SECRETS] = FETCH_KEY_SECRETS,
	[SETTING_PASSWORDS] = FETCH_KEY_PASSWORDS,
	[SETTING_CA] = FETCH_KEY_CA,
	[SETTING_CLIENT_CERT] = FETCH_KEY_CLIENT_CERT,
	[SETTING_CLIENT_KEY] = FETCH_KEY_CLIENT_KEY,
	[SETTING_BEARER] = FETCH_KEY_BEARER,
	[SETTING_PROXY] = FETCH_KEY_PROXY,
	[SETTING_LDAP_URL] = FETCH_KEY_LDAP_URL,
	[SETTING_LDAP_DN] = FETCH_KEY_LDAP_DN,
	[SETTING_LDAP_CA] = FETCH_KEY_LDAP_CA,
	[SETTING_ORG_ID] = FETCH_KEY_ORG_ID,
	[SETTING_API_KEY] = FETCH_KEY_API_KEY,
	[SETTING_CLIENT_ID] = FETCH_KEY_CLIENT_ID,
	[SETTING_CLIENT_SECRET] = FETCH_KEY_CLIENT_SECRET,
	[SETTING_TOKEN_URL] = FETCH_KEY_TOKEN_URL,
};

/* Values are kept with their NUL, which a continuation takes away. */
static int add(struct settings *s, const char *key, const char *value)
{
	for (int i = 0; i < SETTING_COUNT; i++) {
		struct buf *b = &s->values[i];

		if (strcmp(keys[i], key) != 0)
			continue;
		b->len -= b->len > 0;
		return buf_add(b, value, strlen(value) + 1);
	}
	return 0;
}

int settings_add(struct settings *s, const struct buf *frame)
{
	const char *p = (const char *)frame->data, *end, *key;
	int r = 0;

	if (frame->len == 0) /* its data may be NULL */
		return 0;
	end = p + frame->len;
	if (end[-1] != '\0')
		return -EPROTO;
	while (p < end && r == 0) {
		key = p;
		p += strlen(p) + 1;
		if (p == end)
			return -EPROTO;
		r = add(s, key, p);
		p += strlen(p) + 1;
	}
	return r;
}

const char *settings_get(const struct settings *s, enum setting i)
{
	return s->values[i].len ? (const char *)s->values[i].data : "";
}

bool settings_equal(const struct settings *a, const struct settings *b)
{
	for (int i = 0; i < SETTING_COUNT; i++)
		if (strcmp(settings_get(a, i), settings_get(b, i)) != 0)
			return false;
	return true;
}

void settings_done(struct settings *s)
{
	for (int i = 0; i < SETTING_COUNT; i++)
		buf_wipe(&s->values[i]);
}
