#include <errno.h>

#include "common/snapshot_map.h"
#include "nss/entry.h"
#include "nss/nss_muster.h"
#include "nss/pack.h"

static struct nss_position position;

static int passwd_read(const struct snapshot_source *s, const struct nss_key *k,
		       struct passwd *result, char *buffer, size_t buflen)
{
	uint64_t bytes[SNAPSHOT_SCRATCH_SIZE / sizeof(uint64_t)];
	struct snapshot_scratch scratch = {.data = bytes, .size = sizeof bytes};
	struct snapshot_user_view user;
	struct snapshot_record record;
	uint32_t hint;
	int r = nss_find(s, &snapshot_users, k, &scratch, &record, &hint);

	if (r == -ENOSPC)
		return -EBADMSG; /* no user is that long */
	if (r == 0)
		r = snapshot_user_parse(s, &record, &user);
	if (r == 0)
		r = pack_passwd(&user, result, buffer, buflen);
	if (r == 0 && k->position)
		nss_position_set(k->position, user.user.uid, hint);
	return r;
}

static enum nss_status passwd_get(struct nss_key *k, struct passwd *result, char *buffer,
				  size_t buflen, int *errnop)
{
	struct snapshot_access access;
	int saved = errno, r;

	if (!nss_key_possible(k, id_floor_ok))
		return nss_result(-ESRCH, saved, errnop);
	r = snapshot_access_begin(&access);
	if (r == 0) {
		r = passwd_read(&access.source, k, result, buffer, buflen);
		snapshot_access_end(&access);
	}
	return nss_result(r, saved, errnop);
}

enum nss_status _nss_muster_getpwnam_r(const char *name, struct passwd *result, char *buffer,
				       size_t buflen, int *errnop)
{
	struct nss_key k = {.name = name};

	return passwd_get(&k, result, buffer, buflen, errnop);
}

enum nss_status _nss_muster_getpwuid_r(uid_t uid, struct passwd *result, char *buffer,
				       size_t buflen, int *errnop)
{
	struct nss_key k = {.id = uid};

	return passwd_get(&k, result, buffer, buflen, errnop);
}

enum nss_status _nss_muster_setpwent(int stayopen)
{
	(void)stayopen;
	nss_position_set(&position, 0, 0);
	return NSS_STATUS_SUCCESS;
}

enum nss_status _nss_muster_getpwent_r(struct passwd *result, char *buffer, size_t buflen,
				       int *errnop)
{
	struct nss_key k = {.position = &position};

	return passwd_get(&k, result, buffer, buflen, errnop);
}

enum nss_status _nss_muster_endpwent(void)
{
	return _nss_muster_setpwent(0);
}
