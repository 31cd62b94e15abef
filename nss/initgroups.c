#include <errno.h>
#include <stdlib.h>

#include "common/names.h"
#include "common/snapshot_map.h"
#include "nss/entry.h"
#include "nss/nss_muster.h"

/* The caller's array, as glibc hands it over. */
struct collection {
	gid_t *groups;
	long int start, size;
	long int limit; /* <= 0: none */
	gid_t skip;
};

static int grow(struct collection *c)
{
	long int size = c->size > 0 ? c->size * 2 : 16;
	gid_t *groups;

	if (c->limit > 0 && size > c->limit)
		size = c->limit;
	groups = realloc(c->groups, (size_t)size * sizeof *groups);
	if (!groups)
		return -ENOMEM;
	c->groups = groups;
	c->size = size;
	return 0;
}

static int collect(void *ctx, uint32_t gid)
{
	struct collection *c = ctx;
	int r;

	if (gid == c->skip || (c->limit > 0 && c->start >= c->limit))
		return 0;
	if (c->start >= c->size) {
		r = grow(c);
		if (r < 0)
			return r;
	}
	c->groups[c->start++] = gid;
	return 0;
}

static int groups_read(const struct snapshot_source *s, const char *user, size_t len,
		       struct collection *c)
{
	uint64_t bytes[SNAPSHOT_SCRATCH_SIZE / sizeof(uint64_t)];
	struct snapshot_scratch scratch = {.data = bytes, .size = sizeof bytes};
	struct snapshot_record record;
	struct snapshot_user_view view;
	int r = snapshot_find_name(s, &snapshot_users, user, len, &scratch, &record);

	if (r == 0)
		r = snapshot_user_parse(s, &record, &view);
	if (r == 0)
		r = snapshot_gids_walk(s, &view, &scratch, collect, c);
	if (r < 0 || !snapshot_has_grants(s))
		return r;
	r = snapshot_find_grants(s, view.user.uid, &scratch, &record);
	if (r == -ESRCH)
		return 0;
	return r < 0 ? r : snapshot_grants_walk(&record, collect, c);
}

enum nss_status _nss_muster_initgroups_dyn(const char *user, gid_t group, long int *start,
					   long int *size, gid_t **groupsp, long int limit,
					   int *errnop)
{
	struct collection c = {
		.groups = *groupsp, .start = *start, .size = *size, .limit = limit, .skip = group};
	struct snapshot_access access;
	size_t len = name_span(user, NAME_MAX_LEN + 1);
	int saved = errno, r;

	if (len == 0)
		return nss_result(-ESRCH, saved, errnop);
	r = snapshot_access_begin(&access);
	if (r == 0) {
		r = groups_read(&access.source, user, len, &c);
		snapshot_access_end(&access);
	}
	/* realloc() has moved the array, whether or not what it holds now is believed. */
	*groupsp = c.groups;
	*size = c.size;
	if (r == 0)
		*start = c.start;
	if (r == -ENOSPC) /* no such record is that long */
		r = -EBADMSG;
	return nss_result(r, saved, errnop);
}
