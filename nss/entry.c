#include "nss/entry.h"

#include <errno.h>

#include "common/names.h"

bool nss_key_impossible(const struct nss_key *k)
{
	if (k->name)
		return !name_valid(k->name);
	return !k->position && !id_floor_ok(k->id);
}

int nss_find(const struct snapshot_source *s, const struct snapshot_table *t,
	     const struct nss_key *k, const struct snapshot_scratch *scratch,
	     struct snapshot_record *ret, uint32_t *ret_hint)
{
	struct snapshot_slot slot;

	if (k->name)
		return snapshot_find_name(s, t, k->name, scratch, ret);
	if (!k->position)
		return snapshot_find_id(s, t, k->id, scratch, ret);
	*ret_hint = atomic_load_explicit(&k->position->hint, memory_order_relaxed);
	return snapshot_find_next(s, t,
				  atomic_load_explicit(&k->position->id, memory_order_relaxed),
				  ret_hint, scratch, &slot, ret);
}

void nss_position_set(struct nss_position *p, uint32_t id, uint32_t hint)
{
	atomic_store_explicit(&p->id, id, memory_order_relaxed);
	atomic_store_explicit(&p->hint, hint, memory_order_relaxed);
}

enum nss_status nss_result(int r, int saved_errno, int *errnop)
{
	errno = saved_errno;
	if (r == 0)
		return NSS_STATUS_SUCCESS;
	if (r == -ESRCH) {
		*errnop = ENOENT; /* what getpwent(3) ends with in nss_files too */
		return NSS_STATUS_NOTFOUND;
	}
	*errnop = -r;
	/* Only a good record that needs more room is "try again": else callers grow their buffers for ever. */
	return r == -ERANGE ? NSS_STATUS_TRYAGAIN : NSS_STATUS_UNAVAIL;
}
