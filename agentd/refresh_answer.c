#include "agentd/refresh_answer.h"

#include <errno.h>
#include <string.h>

int refresh_subject(const void *record, size_t len, const char **ret)
{
	struct membership m;
	struct account a;
	struct reject j;
	int r;

	*ret = "";
	switch ((enum record_kind)record_kind(record, len)) {
	case RECORD_ACCOUNT:
		r = record_account_unpack(record, len, &a);
		*ret = r == 0 ? a.id : "";
		return r;
	case RECORD_REMOVED:
	case RECORD_KEPT:
		r = record_membership_unpack(record, len, &m);
		if (r < 0 || m.user_ids.count != 1)
			return r < 0 ? r : -EPROTO;
		*ret = strlist_next(&m.user_ids, NULL);
		return 0;
	case RECORD_REJECT:
		r = record_reject_unpack(record, len, &j);
		*ret = r == 0 ? j.id : "";
		return r;
	default:
		return -EPROTO;
	}
}

/* Does it say what is to become of him? A reject of a key does not. */
static int is_fate(const void *record, size_t len)
{
	struct reject j;

	if (record_kind(record, len) != RECORD_REJECT)
		return 1;
	return record_reject_unpack(record, len, &j) == 0 && !strcmp(j.kind, "user");
}

int refresh_check(const struct stage *answer, const char *id)
{
	struct stage_walk walk = {.stage = answer};
	const char *subject;
	int fates = 0, r = 0;

	while (r == 0 && (r = stage_next(&walk)) > 0) {
		r = refresh_subject(walk.record, walk.place.len, &subject);
		if (r == 0 && strcmp(subject, id) != 0)
			r = -EPROTO;
		fates += is_fate(walk.record, walk.place.len);
	}
	stage_walk_done(&walk);
	if (r == 0 && fates != 1)
		r = -EPROTO;
	return r == -EBADMSG ? -EPROTO : r;
}

int refresh_add(struct stage *answers, const struct stage *answer)
{
	struct stage_walk walk = {.stage = answer};
	struct stage_place place;
	int r = 0;

	while (r == 0 && (r = stage_next(&walk)) > 0)
		r = stage_add(answers, walk.record, walk.place.len, &place);
	stage_walk_done(&walk);
	return r < 0 ? r : stage_flush(answers);
}
