/*
 * The organisation's lockout policy. Not every key may read it, and it seldom changes: where it is not told, the
 * configuration's holds.
 */
#include "agentd/fetch/jumpcloud_private.h"

#include <errno.h>
#include <string.h>

#include "agentd/fetch/group.h"

#define ORGANISATIONS "organizations"

struct organisations {
	char id[OBJECT_ID_SIZE];
	uint32_t n;
};

static int take_organisation(struct jumpcloud *j, void *context, const struct scan_value *value)
{
	struct organisations *o = context;
	struct json_node n;
	const char *id;
	int r = jumpcloud_parse(j, ORGANISATIONS, value, &n);

	if (r < 0)
		return r;
	if (!json_is_object(&n) || object_id_read(&n, &id) < 0)
		return jumpcloud_fail(j, -EBADMSG, ORGANISATIONS, "one without an id");
	memcpy(o->id, id, strlen(id) + 1);
	o->n++;
	return 0;
}

/* Which of several is ours has to be configured. */
static int find_organisation(struct jumpcloud *j, struct organisations *ret)
{
	const struct jumpcloud_list list = {
		.what = ORGANISATIONS,
		.items_key = "results",
		.count_key = "totalCount",
		.item = take_organisation,
		.context = ret,
	};
	const char *known = *j->options->org_id ? j->options->org_id : j->org_id;

	if (!*known)
		return jumpcloud_get(j, &list, "/organizations?limit=2&skip=0", NULL, NULL, NULL);
	memcpy(ret->id, known, strlen(known) + 1);
	ret->n = 1;
	return 0;
}

struct policy_reply {
	bool found;
	struct lockout_policy policy;
};

/* JumpCloud takes no notice of passwordPolicy where another compliance than "custom" is chosen. */
static int take_settings(struct jumpcloud *j, void *context, const struct scan_value *value)
{
	struct policy_reply *p = context;
	struct json_node n, settings, policy;
	const char *compliance = "custom";
	int r = jumpcloud_parse(j, ORGANISATIONS, value, &n);

	if (r < 0)
		return r;
	if (!json_is_object(&n) || json_get_object(&n, JSON_FIELD("settings", "settings"), &settings) <= 0 ||
	    json_get_text(&settings, JSON_FIELD("passwordCompliance", "settings"), 32, &compliance) < 0 ||
	    strcmp(compliance, "custom") != 0 ||
	    json_get_object(&settings, JSON_FIELD("passwordPolicy", "settings"), &policy) <= 0)
		return 0;
	p->found = lockout_read(&policy, &p->policy) == 0;
	return 0;
}

static int ask_policy(struct jumpcloud *j, struct policy_reply *ret)
{
	const struct jumpcloud_list list = {
		.what = ORGANISATIONS, .single = true, .item = take_settings, .context = ret
	};
	struct organisations o = { .n = 0 };
	AUTO_FREE char *path = NULL;
	int r = find_organisation(j, &o);

	if (r < 0 || o.n != 1)
		return r;
	path = str_format("/organizations/%s?fields=settings", o.id);
	return path ? jumpcloud_get(j, &list, path, NULL, NULL, NULL) : -ENOMEM;
}

int jumpcloud_policy(struct jumpcloud *j, struct jumpcloud_memory *memory, struct lockout_policy *ret)
{
	struct policy_reply reply = { .found = false };
	int64_t now = j->options->now_ms;

	if (!memory->policy_known || now >= memory->policy_until_ms) {
		int r = jumpcloud_optional(ask_policy(j, &reply));

		if (r < 0)
			return r;
		memory->policy_known = true;
		memory->has_policy = reply.found;
		memory->policy = reply.policy;
		memory->policy_until_ms = now + JUMPCLOUD_MEMORY_MS;
	}
	*ret = memory->policy;
	return memory->has_policy;
}
