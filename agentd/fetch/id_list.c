#include "agentd/fetch/id_list.h"

#include <string.h>

#define BATCH_LEN_MAX 49152 /* of the ids in one piece: it fits a record */

int id_list_flush(struct id_list *l)
{
	const struct membership m = {
		.group_id = l->group_id,
		.user_ids = { (const char *)l->ids.data, (uint32_t)l->ids.len, l->count },
	};

	if (!l->count)
		return 0;
	l->ids.len = 0;
	l->count = 0;
	return l->send(l->context, &m);
}

int id_list_add(struct id_list *l, const char *id)
{
	int r = l->ids.len + OBJECT_ID_SIZE > BATCH_LEN_MAX ? id_list_flush(l) : 0;

	if (r == 0)
		r = buf_add(&l->ids, id, strlen(id) + 1);
	if (r == 0)
		l->count++;
	return r;
}
