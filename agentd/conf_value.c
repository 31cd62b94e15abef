#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agentd/conf.h"
#include "agentd/conf_value.h"
#include "common/ldap_names.h"

struct word {
	const char *text;
	unsigned int value;
};

static const struct word drivers[] = {
	{"document", CONF_DRIVER_DOCUMENT},
	{"jumpcloud", CONF_DRIVER_JUMPCLOUD},
	{NULL, 0},
};
static const struct word passwords[] = {
	{"hash", CONF_PASSWORD_HASH},
	{"ldap", CONF_PASSWORD_LDAP},
	{NULL, 0},
};
static const struct word credentials[] = {
	{"api_key", CONF_CREDENTIAL_API_KEY},
	{"service_account", CONF_CREDENTIAL_SERVICE_ACCOUNT},
	{NULL, 0},
};
static const struct word states[] = {
	{"STAGED", USER_STAGED},
	{"ACTIVATED", USER_ACTIVATED},
	{"SUSPENDED", USER_SUSPENDED},
	{NULL, 0},
};
static const struct word bools[] = {
	{"yes", true},
	{"no", false},
	{NULL, 0},
};
static const struct word session_ends[] = {
	{"suspended", CONF_END_SUSPENDED},
	{"unbound", CONF_END_UNBOUND},
	{"force_expired", CONF_END_FORCE_EXPIRED},
	{"locked", CONF_END_LOCKED},
	{NULL, 0},
};

const char *conf_driver_name(enum conf_driver driver)
{
	return drivers[driver - 1].text;
}

static const struct word *words_of(enum conf_type type)
{
	switch (type) {
	case CONF_DRIVER:
		return drivers;
	case CONF_PASSWORD:
		return passwords;
	case CONF_CREDENTIAL:
		return credentials;
	case CONF_STATE:
		return states;
	case CONF_BOOL:
		return bools;
	case CONF_END_SESSIONS:
		return session_ends;
	case CONF_STRING:
	case CONF_URL:
	case CONF_PATH:
	case CONF_OBJECT_ID:
	case CONF_HOME:
	case CONF_SHELL:
	case CONF_LDAP_URL:
	case CONF_BIND_DN:
	case CONF_WORDS:
	case CONF_USERS:
	case CONF_DURATION:
	case CONF_NUMBER:
		break;
	}
	return NULL;
}

static int word_find(const struct word *w, const char *text, size_t len, unsigned int *ret)
{
	for (; w->text; w++) {
		if (strlen(w->text) != len || memcmp(w->text, text, len) != 0)
			continue;
		*ret = w->value;
		return 0;
	}
	return -EINVAL;
}

/* The next word of a list with commas and blanks between; NULL at the end. */
static const char *list_next(const char **rest, size_t *ret_len)
{
	const char *start = *rest + strspn(*rest, ", \t");

	*ret_len = strcspn(start, ", \t");
	*rest = start + *ret_len;
	return *ret_len ? start : NULL;
}

static int parse_end_sessions(const char *value, uint32_t *ret)
{
	uint32_t set = 0;
	const char *word;
	size_t len;

	while ((word = list_next(&value, &len)) != NULL) {
		unsigned int bit;

		if (word_find(session_ends, word, len, &bit) < 0)
			return -EINVAL;
		set |= bit;
	}
	*ret = set;
	return 0;
}

/* Names of PAM services: what a file in /etc/pam.d may be called. */
static bool service_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

static bool is_service(const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!service_char(word[i]))
			return false;
	return true;
}

static bool is_user(const char *word, size_t len)
{
	char name[NAME_MAX_LEN + 1];

	return str_print(name, sizeof(name), "%.*s", (int)len, word) == 0 && name_valid(name) && !name_reserved(name);
}

static int parse_words(const char *value, int64_t max, bool (*valid)(const char *, size_t), struct strlist *ret)
{
	struct buf b = {0};
	uint32_t count = 0;
	const char *word;
	size_t len;
	int r = 0;

	while (r == 0 && (word = list_next(&value, &len)) != NULL) {
		if (++count > max || !valid(word, len))
			r = -EINVAL;
		if (r == 0)
			r = buf_add(&b, word, len);
		if (r == 0)
			r = buf_add(&b, "", 1);
	}
	if (r < 0) {
		buf_done(&b);
		return r;
	}
	*ret = (struct strlist){(const char *)b.data, (uint32_t)b.len, count};
	return 0;
}

static bool printable(const char *s)
{
	for (; *s; s++)
		if (*s < 0x20 || *s > 0x7e)
			return false;
	return true;
}

static bool url_valid(const char *s)
{
	if (!strncmp(s, "file://", 7))
		return s[7] == '/' && s[8];
	return !strncmp(s, "https://", 8) && s[8];
}

/* Nobody's home may be that of another: so his name or his uid is in it. */
static bool home_template_valid(const char *s)
{
	static const char longest[] = "a-name-of-the-greatest-length-32";
	char example[CONF_HOME_SIZE];
	bool own = false;

	_Static_assert(sizeof(longest) - 1 == NAME_MAX_LEN, "else homes could be too long");
	for (const char *p = s; (p = strchr(p, '%')); p += 2) {
		if (!p[1] || !strchr("uUl%", p[1]))
			return false;
		own |= p[1] == 'u' || p[1] == 'U';
	}
	return own && conf_home_for(s, longest, UINT32_MAX, example) == 0 && home_valid(example);
}

static bool text_valid(enum conf_type type, const char *s, int64_t min, int64_t max)
{
	int64_t len = (int64_t)strlen(s);

	if (len < min || len > max || !printable(s))
		return false;
	if (type == CONF_URL)
		return url_valid(s);
	if (type == CONF_PATH)
		return len == 0 || s[0] == '/';
	if (type == CONF_OBJECT_ID)
		return len == 0 || object_id_valid(s);
	if (type == CONF_HOME)
		return home_template_valid(s);
	if (type == CONF_SHELL)
		return shell_valid(s);
	if (type == CONF_LDAP_URL)
		return len == 0 || ldap_transport_of(s) != LDAP_TRANSPORT_NONE;
	if (type == CONF_BIND_DN)
		return ldap_template_valid(s);
	return type == CONF_STRING;
}

static int parse_text(enum conf_type type, const char *value, int64_t min, int64_t max, char **ret)
{
	char *copy;

	if (!text_valid(type, value, min, max))
		return -EINVAL;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

static int parse_duration(const char *value, int64_t min, int64_t max, int64_t *ret)
{
	int64_t ms;

	if (parse_duration_ms(value, &ms) < 0 || ms < min || ms > max)
		return -EINVAL;
	*ret = ms;
	return 0;
}

int conf_value_parse(enum conf_type type, const char *value, int64_t min, int64_t max, void *field)
{
	unsigned int word;

	switch (type) {
	case CONF_DRIVER:
	case CONF_PASSWORD:
	case CONF_CREDENTIAL:
	case CONF_STATE:
		if (word_find(words_of(type), value, strlen(value), &word) < 0)
			return -EINVAL;
		memcpy(field, &word, sizeof(word));
		return 0;
	case CONF_BOOL:
		if (word_find(bools, value, strlen(value), &word) < 0)
			return -EINVAL;
		*(bool *)field = word;
		return 0;
	case CONF_STRING:
	case CONF_URL:
	case CONF_PATH:
	case CONF_OBJECT_ID:
	case CONF_HOME:
	case CONF_SHELL:
	case CONF_LDAP_URL:
	case CONF_BIND_DN:
		return parse_text(type, value, min, max, field);
	case CONF_WORDS:
		return parse_words(value, max, is_service, field);
	case CONF_USERS:
		return parse_words(value, max, is_user, field);
	case CONF_DURATION:
		return parse_duration(value, min, max, field);
	case CONF_NUMBER:
		return parse_u32(value, (uint32_t)min, (uint32_t)max, field) < 0 ? -EINVAL : 0;
	case CONF_END_SESSIONS:
		return parse_end_sessions(value, field);
	}
	return -EINVAL;
}

static void duration_text(int64_t ms, char *out, size_t size)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (ms == 0 || ms % units[i].ms != 0)
			continue;
		snprintf(out, size, "%" PRId64 "%s", ms / units[i].ms, units[i].unit);
		return;
	}
	snprintf(out, size, "%" PRId64 "%s", ms, ms ? "ms" : "");
}

static void words_text(const struct word *w, const char *lead, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size, "%s", lead);

	for (; w->text && used < size; w++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", w->text,
					 w[1].text ? ", " : "");
}

void conf_value_expected(enum conf_type type, int64_t min, int64_t max, char out[static CONF_EXPECTED_SIZE])
{
	const size_t size = CONF_EXPECTED_SIZE;
	char low[32], high[32];

	switch (type) {
	case CONF_DRIVER:
	case CONF_PASSWORD:
	case CONF_CREDENTIAL:
	case CONF_STATE:
	case CONF_BOOL:
		words_text(words_of(type), "one of ", out, size);
		return;
	case CONF_END_SESSIONS:
		words_text(session_ends, "a list of ", out, size);
		return;
	case CONF_STRING:
		snprintf(out, size, "text of %" PRId64 " to %" PRId64 " ASCII characters", min, max);
		return;
	case CONF_URL:
		snprintf(out, size, "a URL: file:///PATH or https://HOST/…");
		return;
	case CONF_PATH:
		snprintf(out, size, "an absolute path%s", min ? "" : " or nothing");
		return;
	case CONF_OBJECT_ID:
		snprintf(out, size, "an object id: up to 64 letters, digits, '.', '_' and '-'");
		return;
	case CONF_HOME:
		snprintf(out, size, "an absolute path below no system directory, with %%u for the user's name in it or "
				    "%%U for the uid, and perhaps %%l for the name's first letter");
		return;
	case CONF_SHELL:
		snprintf(out, size, "the absolute path of a shell");
		return;
	case CONF_LDAP_URL:
		snprintf(out, size, "ldaps://HOST[:PORT], or ldap://HOST[:PORT] for a server that takes StartTLS");
		return;
	case CONF_BIND_DN:
		snprintf(out, size, "the name of an entry, with %%u for the user in it, and %%o for org_id perhaps");
		return;
	case CONF_WORDS:
		snprintf(out, size, "a list of up to %" PRId64 " names of PAM services", max);
		return;
	case CONF_USERS:
		snprintf(out, size, "a list of up to %" PRId64 " names of users, none of them the system's, or " CONF_ADOPT_ALL, max);
		return;
	case CONF_DURATION:
		duration_text(min, low, sizeof(low));
		duration_text(max, high, sizeof(high));
		snprintf(out, size, "a duration from %s to %s (a number with ms, s, m, h or d)", low, high);
		return;
	case CONF_NUMBER:
		snprintf(out, size, "a number from %" PRId64 " to %" PRId64, min, max);
		return;
	}
	snprintf(out, size, "known");
}

const void *conf_value_bytes(enum conf_type type, const void *field, size_t *ret_len)
{
	const char *text;

	switch (type) {
	case CONF_STRING:
	case CONF_URL:
	case CONF_PATH:
	case CONF_OBJECT_ID:
	case CONF_HOME:
	case CONF_SHELL:
	case CONF_LDAP_URL:
	case CONF_BIND_DN:
		memcpy(&text, field, sizeof(text));
		*ret_len = strlen(text);
		return text;
	case CONF_WORDS:
	case CONF_USERS:
		*ret_len = ((const struct strlist *)field)->len;
		return ((const struct strlist *)field)->data;
	case CONF_DURATION:
		*ret_len = sizeof(int64_t);
		return field;
	case CONF_BOOL:
		*ret_len = sizeof(bool);
		return field;
	case CONF_DRIVER:
	case CONF_PASSWORD:
	case CONF_CREDENTIAL:
	case CONF_STATE:
	case CONF_NUMBER:
	case CONF_END_SESSIONS:
		break;
	}
	*ret_len = sizeof(uint32_t);
	return field;
}

void conf_value_free(enum conf_type type, void *field)
{
	char *text = NULL;

	switch (type) {
	case CONF_STRING:
	case CONF_URL:
	case CONF_PATH:
	case CONF_OBJECT_ID:
	case CONF_HOME:
	case CONF_SHELL:
	case CONF_LDAP_URL:
	case CONF_BIND_DN:
	case CONF_WORDS: /* struct strlist begins with its pointer */
	case CONF_USERS:
		memcpy(&text, field, sizeof(text));
		free(text);
		return;
	case CONF_DRIVER:
	case CONF_PASSWORD:
	case CONF_CREDENTIAL:
	case CONF_STATE:
	case CONF_DURATION:
	case CONF_NUMBER:
	case CONF_BOOL:
	case CONF_END_SESSIONS:
		return;
	}
}
