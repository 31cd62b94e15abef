#include <errno.h>
#include <stdlib.h>

#include "common/names.h"
#include "common/snapshot_map.h"
#include "nss/entry.h"
#include "nss/nss_muster.h"

/* The caller's array, as glibc hands it over. */
struct collection {
	gid_t skip;
	long int *start, *size;
	gid_t **groups;
	long int limit;
};

static int grow(struct collection *c)
{
	long int size = *c->size > 0 ? *c->size * 2 : 16;
	gid_t *groups;

	if (c->limit > 0 && size > c->limit)
		size = c->limit;
	groups = realloc(*c->groups, (size_t)size * sizeof *groups);
	if (!groups)
		return -ENOMEM;
	*c->groups = groups;
	*c->size = size;
	return 0;
}

static int collect(void *ctx, uint32_t gid)
{
	struct collection *c = ctx;
	int r;

	if (gid == c->skip || (c->limit > 0 && *c->start >= c->limit))
		return 0;
	if (*c->start >= *c->size) {
		r = grow(c);
		if (r < 0)
			return r;
	}
	(*c->groups)[(*c->start)++] = gid;
	return 0;
}

static int groups_read(const struct snapshot_source *s, const char *user, struct collection *c)
{
	uint64_t bytes[SNAPSHOT_SCRATCH_SIZE / sizeof(uint64_t)];
	struct snapshot_scratch scratch = {.data = bytes, .size = sizeof bytes};
	const long int start = *c->start;
	struct snapshot_record record;
	struct snapshot_user_view view;
	int r = snapshot_find_name(s, &snapshot_users, user, &scratch, &record);

	if (r == -ENOSPC)
		return -EBADMSG;
	if (r == 0)
		r = snapshot_user_parse(s, &record, &view);
	if (r == 0)
		r = snapshot_gids_walk(s, &view, &scratch, collect, c);
	if (r < 0)
		*c->start = start;
	return r;
}

enum nss_status _nss_muster_initgroups_dyn(const char *user, gid_t group, long int *start,
					   long int *size, gid_t **groupsp, long int limit,
					   int *errnop)
{
	struct collection c = {
		.skip = group, .start = start, .size = size, .groups = groupsp, .limit = limit};
	struct snapshot_access access;
	int saved = errno, r;

	if (!name_valid(user))
		return nss_result(-ESRCH, saved, errnop);
	r = snapshot_access_begin(&access);
	if (r == 0) {
		r = groups_read(&access.source, user, &c);
		snapshot_access_end(&access);
	}
	return nss_result(r, saved, errnop);
}
