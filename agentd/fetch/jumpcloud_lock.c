/* The one thing that is written to the directory: that a user is locked. */
#include "agentd/fetch/jumpcloud_private.h"

#include <string.h>

#define WHAT "the lock"

/* The record as it is now, by which the directory says that it has done it. */
static int read_lock(struct jumpcloud *j, void *context, const struct scan_value *value)
{
	bool *locked = context;
	struct json_node user;
	int r = jumpcloud_parse(j, WHAT, value, &user);

	if (r == 0 && json_get_bool(&user, JSON_FIELD("account_locked", "account_locked"), locked) < 0)
		r = jumpcloud_fail(j, -EBADMSG, WHAT, "%s", j->fault.reason);
	return r;
}

int jumpcloud_lock(const struct jumpcloud_api *api, const char *id, char ret_text[static JUMPCLOUD_TEXT_SIZE])
{
	CLEANUP(jumpcloud_done) struct jumpcloud j = { .api = api, .text = ret_text };
	bool locked = false;
	const struct jumpcloud_list record = {
		.what = WHAT,
		.single = true,
		.put = true,
		.item = read_lock,
		.context = &locked,
	};
	AUTO_FREE char *path = str_format("/systemusers/%s", id);
	int r = path ? jumpcloud_get(&j, &record, path, "{\"account_locked\":true}", NULL, NULL) : -ENOMEM;

	if (r == 0 && !locked)
		r = jumpcloud_fail(&j, -EBADMSG, WHAT, "the directory took it, and did not do it");
	return r;
}
