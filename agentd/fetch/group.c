#include "agentd/fetch/group.h"

#include <errno.h>

#include "common/names.h"

#define LOCKOUT_ATTEMPTS_MAX 1000u
#define LOCKOUT_TIME_MAX     31536000u /* a year */
#define LOCKOUT_MINUTES_MAX  525600u

static const struct json_field posix_field = { "posixGroups", "posix" };

/* Why no local group may be called or numbered so; NULL: it may. */
static const char *posix_refused(const struct posix_group *p)
{
	if (!name_valid(p->name))
		return "name_invalid";
	if (name_reserved(p->name))
		return "name_reserved";
	return id_floor_ok(p->gid) ? NULL : "gid_range";
}

static int read_posix(const struct json_node *item, struct posix_group *ret)
{
	int r;

	if (!json_is_object(item))
		return json_bad(item, posix_field, "_type", "an item is not an object");
	r = json_get_text(item, JSON_FIELD("name", posix_field.word), GROUP_NAME_MAX,
			  &ret->name);
	if (r > 0)
		r = json_get_u32(item, JSON_FIELD("id", posix_field.word), 0, UINT32_MAX,
				 &ret->gid);
	return r ? r : json_bad(item, posix_field, "_missing", "an item without name or id");
}

static int read_posix_groups(const struct json_node *n,
			     int (*drop)(void *context, const struct reject *reject), void *context,
			     struct dir_group *ret)
{
	struct json_node list;
	int r = json_get_array(n, posix_field, &list);

	if (r <= 0)
		return r;
	if (json_array_len(&list) > GROUP_POSIX_MAX)
		return json_bad(n, posix_field, "_many", "more than %d", GROUP_POSIX_MAX);
	for (size_t i = 0; i < json_array_len(&list); i++) {
		struct json_node item = json_array_item(&list, i);
		struct posix_group posix = { .name = NULL };
		struct reject reject = { .kind = "posix_group", .id = ret->id, .detail = "" };

		r = read_posix(&item, &posix);
		if (r < 0)
			return r;
		reject.name = posix.name;
		reject.reason = posix_refused(&posix);
		if (!reject.reason)
			ret->posix[ret->n_posix++] = posix;
		else if ((r = drop(context, &reject)) < 0)
			return r;
	}
	return 0;
}

int group_attributes_read(const struct json_node *n,
			  int (*drop)(void *context, const struct reject *reject), void *context,
			  struct dir_group *ret)
{
	struct json_node sudo;
	int r;

	if (!n->object)
		return 0;
	if (!json_is_object(n))
		return json_bad(n, JSON_FIELD("attributes", "attributes"), "_type",
				"not an object");
	r = json_get_object(n, JSON_FIELD("sudo", "sudo"), &sudo);
	if (r < 0)
		return r;
	if (r > 0 &&
	    (json_get_bool(&sudo, JSON_FIELD("enabled", "sudo"), &ret->sudo) < 0 ||
	     json_get_bool(&sudo, JSON_FIELD("withoutPassword", "sudo"),
			   &ret->sudo_nopasswd) < 0))
		return -EINVAL;
	ret->sudo_nopasswd = ret->sudo_nopasswd && ret->sudo;
	return read_posix_groups(n, drop, context, ret);
}

/* One number and the switch that JumpCloud has beside it. */
static int read_limit(const struct json_node *n, struct json_field number, struct json_field enable,
		      uint32_t max, uint32_t *ret)
{
	bool enabled = true;
	int r = json_get_u32(n, number, 0, max, ret);

	if (r < 0 || json_get_bool(n, enable, &enabled) < 0)
		return -EINVAL;
	if (enabled)
		return r;
	*ret = 0;
	return 1;
}

int lockout_read(const struct json_node *n, struct lockout_policy *ret)
{
	struct lockout_policy p = { 0 };
	uint32_t minutes = 0;
	int attempts, lock_time, window;

	if (!json_is_object(n))
		return json_bad(n, JSON_FIELD("policy", "policy"), "_type",
				"not an object");
	attempts = read_limit(n, JSON_FIELD("maxLoginAttempts", "policy"),
			      JSON_FIELD("enableMaxLoginAttempts", "policy"),
			      LOCKOUT_ATTEMPTS_MAX, &p.max_attempts);
	lock_time = read_limit(n, JSON_FIELD("lockoutTimeInSeconds", "policy"),
			       JSON_FIELD("enableLockoutTimeInSeconds", "policy"),
			       LOCKOUT_TIME_MAX, &p.lock_time_s);
	window = read_limit(n, JSON_FIELD("resetLockoutCounterMinutes", "policy"),
			    JSON_FIELD("enableResetLockoutCounter", "policy"),
			    LOCKOUT_MINUTES_MAX, &minutes);
	if (attempts < 0 || lock_time < 0 || window < 0)
		return -EINVAL;
	p.window_s = 60 * minutes;
	p.has_max_attempts = attempts > 0;
	p.has_lock_time = lock_time > 0;
	p.has_window = window > 0;
	*ret = p;
	return 0;
}
