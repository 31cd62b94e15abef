#include "ctl/directory/columns.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/str.h"

const struct column columns[] = {
	{"username", COLUMN_TEXT, NULL},
	{"id", COLUMN_TEXT, "_id"},
	{"systemUsername", COLUMN_TEXT, NULL},
	{"state", COLUMN_TEXT, NULL},
	{"suspended", COLUMN_BOOL, NULL},
	{"activated", COLUMN_BOOL, NULL},
	{"account_locked", COLUMN_BOOL, NULL},
	{"account_locked_date", COLUMN_TIME, NULL},
	{"password_expired", COLUMN_BOOL, NULL},
	{"password_never_expires", COLUMN_BOOL, NULL},
	{"password_date", COLUMN_TIME, NULL},
	{"password_expiration_date", COLUMN_TIME, NULL},
	{"created", COLUMN_TIME, NULL},
	{"unix_uid", COLUMN_INT, "uid"},
	{"unix_guid", COLUMN_INT, "gid"},
	{"displayname", COLUMN_TEXT, "preferredName"},
	{"firstname", COLUMN_TEXT, NULL},
	{"middlename", COLUMN_TEXT, NULL},
	{"lastname", COLUMN_TEXT, NULL},
	{"email", COLUMN_TEXT, NULL},
	{"sudo", COLUMN_BOOL, NULL},
	{"passwordless_sudo", COLUMN_BOOL, NULL},
	{"allow_public_key", COLUMN_BOOL, NULL},
	{"ssh_keys", COLUMN_KEYS, NULL},
	{"groups", COLUMN_GROUPS, NULL},
	{"totp_enabled", COLUMN_BOOL, NULL},
	{"enable_user_portal_multifactor", COLUMN_BOOL, NULL},
	{"disableDeviceMaxLoginAttempts", COLUMN_BOOL, NULL},
	{"home", COLUMN_TEXT, NULL},
	{"shell", COLUMN_TEXT, NULL},
	{"alternateEmail", COLUMN_TEXT, NULL},
	{"manager", COLUMN_TEXT, NULL},
	{"managedAppleId", COLUMN_TEXT, NULL},
	{"jobTitle", COLUMN_TEXT, NULL},
	{"employeeIdentifier", COLUMN_TEXT, NULL},
	{"department", COLUMN_TEXT, NULL},
	{"costCenter", COLUMN_TEXT, NULL},
	{"company", COLUMN_TEXT, NULL},
	{"employeeType", COLUMN_TEXT, NULL},
	{"description", COLUMN_TEXT, NULL},
	{"location", COLUMN_TEXT, NULL},
	{"enable_managed_uid", COLUMN_BOOL, NULL},
	{"ldap_binding_user", COLUMN_BOOL, NULL},
	{"externally_managed", COLUMN_BOOL, NULL},
	{"external_dn", COLUMN_TEXT, NULL},
	{"external_source_type", COLUMN_TEXT, NULL},
	{"password_hash", COLUMN_SECRET, NULL},
	{"totp_secret", COLUMN_SECRET, NULL},
	{"password", COLUMN_PASSWORD, NULL},
	{"home_streetAddress", COLUMN_DROPPED, NULL},
	{"home_poBox", COLUMN_DROPPED, NULL},
	{"home_city", COLUMN_DROPPED, NULL},
	{"home_state", COLUMN_DROPPED, NULL},
	{"home_postalCode", COLUMN_DROPPED, NULL},
	{"home_country", COLUMN_DROPPED, NULL},
	{"work_streetAddress", COLUMN_DROPPED, NULL},
	{"work_poBox", COLUMN_DROPPED, NULL},
	{"work_city", COLUMN_DROPPED, NULL},
	{"work_state", COLUMN_DROPPED, NULL},
	{"work_postalCode", COLUMN_DROPPED, NULL},
	{"work_country", COLUMN_DROPPED, NULL},
	{"mobile_number", COLUMN_DROPPED, NULL},
	{"home_number", COLUMN_DROPPED, NULL},
	{"work_number", COLUMN_DROPPED, NULL},
	{"work_mobile_number", COLUMN_DROPPED, NULL},
	{"work_fax_number", COLUMN_DROPPED, NULL},
	{"EnrollmentDays", COLUMN_DROPPED, NULL},
	{"ldapserver_id", COLUMN_DROPPED, NULL},
	{"SystemID", COLUMN_DROPPED, NULL},
	{"Administrator", COLUMN_DROPPED, NULL},
};
const unsigned n_columns = ARRAY_SIZE(columns);

static bool counts(char c)
{
	return c != ' ' && c != '_' && c != '-';
}

static bool same_header(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a && !counts(*a))
			a++;
		while (*b && !counts(*b))
			b++;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
		if (!*a)
			return true;
	}
}

/* PREFIX and then digits: "Group12". */
static bool numbered(const char *header, const char *prefix)
{
	const char *rest = header + strlen(prefix);

	return strncasecmp(header, prefix, strlen(prefix)) == 0 && *rest &&
	       rest[strspn(rest, "0123456789")] == '\0';
}

const struct column *column_find(const char *header)
{
	if (numbered(header, "Group"))
		header = "groups";
	for (unsigned i = 0; i < n_columns; i++)
		if (same_header(header, columns[i].name) ||
		    (columns[i].alias && same_header(header, columns[i].alias)))
			return &columns[i];
	return NULL;
}

static int parse_bool(const char *cell, bool *ret)
{
	static const char *const yes[] = {"true", "yes", "1"}, *const no[] = {"false", "no", "0"};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (strcasecmp(cell, yes[i]) == 0 || strcasecmp(cell, no[i]) == 0) {
			*ret = strcasecmp(cell, yes[i]) == 0;
			return 0;
		}
	}
	return -EINVAL;
}

/* One key a line; what follows type and base64 is its name. */
static struct json_object *read_keys(char *cell)
{
	struct json_object *keys = json_object_new_array();

	for (char *line; keys && (line = strsep(&cell, "\r\n"));) {
		struct json_object *key = line[0] ? json_object_new_object() : NULL;
		size_t type = strcspn(line, " "),
		       base64 = strcspn(line + type + (line[type] == ' '), " ");
		size_t len = type + (line[type] == ' ') + base64;

		if (!key)
			continue;
		json_object_object_add(key, "name",
				       json_object_new_string(line[len] ? line + len + 1 : "key"));
		json_object_object_add(key, "public_key",
				       json_object_new_string_len(line, (int)len));
		json_object_array_add(keys, key);
	}
	return keys;
}

/* The cell as JSON; NULL with F filled when it cannot be. */
static struct json_object *read_cell(const struct column *c, char *cell, unsigned line,
				     struct fault *f)
{
	uint32_t number;
	int64_t at;
	bool truth;

	switch (c->kind) {
	case COLUMN_TEXT:
	case COLUMN_SECRET:
		return json_object_new_string(cell);
	case COLUMN_KEYS:
		return read_keys(cell);
	case COLUMN_BOOL:
		if (parse_bool(cell, &truth) == 0)
			return json_object_new_boolean(truth);
		fault_set(f, -EINVAL, "line %u: %s '%s': it may be true or false", line, c->name,
			  cell);
		return NULL;
	case COLUMN_INT:
		if (parse_u32(cell, 0, UINT32_MAX, &number) == 0)
			return json_object_new_int64(number);
		fault_set(f, -EINVAL, "line %u: %s '%s' is no number", line, c->name, cell);
		return NULL;
	case COLUMN_TIME:
		if (parse_time(cell, &at) == 0)
			return json_object_new_string(cell);
		fault_set(f, -EINVAL, "line %u: %s '%s' is no time such as 2026-11-30T08:00:00Z",
			  line, c->name, cell);
		return NULL;
	case COLUMN_GROUPS:
	case COLUMN_PASSWORD:
	case COLUMN_DROPPED:
		break;
	}
	return NULL;
}

static bool is_field(enum column_kind kind)
{
	return kind != COLUMN_GROUPS && kind != COLUMN_PASSWORD && kind != COLUMN_DROPPED;
}

int columns_read(const struct column *const *header, const struct csv_row *row,
		 struct json_object **ret_user, struct fault *f)
{
	struct json_object *user = json_object_new_object();

	for (unsigned i = 0; i < row->n_cells; i++) {
		struct json_object *value;

		if (!row->cells[i][0] || !is_field(header[i]->kind))
			continue;
		value = read_cell(header[i], row->cells[i], row->line, f);
		if (!value || json_object_object_add(user, header[i]->name, value) < 0) {
			json_object_put(value);
			json_object_put(user);
			return f->text[0] ? -EINVAL : -ENOMEM;
		}
	}
	*ret_user = user;
	return 0;
}
