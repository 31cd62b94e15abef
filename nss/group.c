#include <errno.h>

#include "common/snapshot_map.h"
#include "nss/entry.h"
#include "nss/nss_muster.h"
#include "nss/pack.h"

static struct nss_position position;

/* Asked for by name or gid it may also be a local group that the configuration puts users of the directory in. */
static int group_find(const struct snapshot_source *s, const struct nss_key *k,
		      const struct snapshot_scratch *scratch, struct snapshot_record *ret,
		      uint32_t *ret_hint, bool *ret_local)
{
	int r = nss_find(s, &snapshot_groups, k, scratch, ret, ret_hint);

	*ret_local = r == -ESRCH && !k->position;
	if (!*ret_local || !snapshot_has_grants(s))
		return r;
	if (k->name)
		return snapshot_find_name(s, &snapshot_local_groups, k->name, k->name_len, scratch, ret);
	return snapshot_find_local_group(s, k->id, scratch, ret);
}

static int group_read(const struct snapshot_source *s, const struct nss_key *k,
		      struct group *result, char *buffer, size_t buflen)
{
	uint64_t bytes[SNAPSHOT_SCRATCH_SIZE / sizeof(uint64_t)];
	struct snapshot_scratch scratch = {.data = bytes, .size = sizeof bytes};
	struct snapshot_record record;
	struct snapshot_group group;
	uint32_t hint;
	bool local;
	int r;

	/* A group of any size: what pread brings goes where it is wanted. */
	if (buflen > sizeof bytes)
		scratch = (struct snapshot_scratch){.data = buffer, .size = buflen};
	r = group_find(s, k, &scratch, &record, &hint, &local);
	if (r == -ENOSPC)
		return -ENOBUFS; /* it is good, and packed it takes more than its own length */
	if (r == 0)
		r = local ? snapshot_local_group_parse(&record, &group) :
			    snapshot_group_parse(s, &record, &group);
	if (r == 0)
		r = pack_group(&group, result, buffer, buflen);
	if (r == 0 && k->position)
		nss_position_set(k->position, group.gid, hint);
	return r;
}

static enum nss_status group_get(struct nss_key *k, struct group *result, char *buffer,
				 size_t buflen, int *errnop)
{
	struct snapshot_access access;
	int saved = errno, r;

	if (!nss_key_possible(k, local_gid_ok))
		return nss_result(-ESRCH, saved, errnop);
	r = snapshot_access_begin(&access);
	if (r == 0) {
		r = group_read(&access.source, k, result, buffer, buflen);
		snapshot_access_end(&access);
	}
	return nss_result(r, saved, errnop);
}

enum nss_status _nss_muster_getgrnam_r(const char *name, struct group *result, char *buffer,
				       size_t buflen, int *errnop)
{
	struct nss_key k = {.name = name};

	return group_get(&k, result, buffer, buflen, errnop);
}

enum nss_status _nss_muster_getgrgid_r(gid_t gid, struct group *result, char *buffer, size_t buflen,
				       int *errnop)
{
	struct nss_key k = {.id = gid};

	return group_get(&k, result, buffer, buflen, errnop);
}

enum nss_status _nss_muster_setgrent(int stayopen)
{
	(void)stayopen;
	nss_position_set(&position, 0, 0);
	return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_muster_getgrent_r(struct group *result, char *buffer, size_t buflen,
				       int *errnop)
{
	struct nss_key k = {.position = &position};

	return group_get(&k, result, buffer, buflen, errnop);
}

enum nss_status _nss_muster_endgrent(void)
{
	return _nss_muster_setgrent(0);
}
