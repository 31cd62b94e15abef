/* Which systems there are: for musterctl export, which makes a document for each. */
#include "agentd/fetch/jumpcloud_private.h"

#include <string.h>

#define WHAT "the systems"

static int take_system(struct jumpcloud *j, void *context, const struct scan_value *value)
{
	struct json_node system;
	const char *id;
	int r = jumpcloud_parse(j, WHAT, value, &system);

	if (r == 0 && (!json_is_object(&system) || object_id_read(&system, &id) < 0))
		r = jumpcloud_fail(j, -EBADMSG, WHAT, "one has no id that can be used");
	return r < 0 ? r : id_list_add(context, id);
}

int jumpcloud_systems(const struct jumpcloud_api *api, const struct document_sink *sink,
		      char ret_text[static JUMPCLOUD_TEXT_SIZE])
{
	CLEANUP(jumpcloud_done) struct jumpcloud j = { .api = api, .sink = sink, .text = ret_text };
	struct id_list ids = { .send = sink->membership, .context = sink->context, .group_id = "" };
	const struct jumpcloud_list list = {
		.what = WHAT,
		.items_key = "results",
		.count_key = "totalCount",
		.item = take_system,
		.context = &ids,
	};
	int r = jumpcloud_pages(&j, &list, "/systems?fields=_id&sort=_id&");

	if (r == 0)
		r = id_list_flush(&ids);
	buf_done(&ids.ids);
	return r;
}
