/* What the databases have in common: the question, the place in an enumeration, the answer to glibc. */
#ifndef NSS_ENTRY_H
#define NSS_ENTRY_H

#include <nss.h>
#include <stdatomic.h>

#include "common/snapshot_find.h"

/*
 * Where getpwent or getgrent is: after the record with this id. glibc calls them under a lock of its own; atomic all
 * the same, since a host may call us without it. Both may be from different calls: the hint is checked.
 */
struct nss_position {
	_Atomic uint32_t id, hint;
};

/* Asked for: NAME, or else the record after POSITION, or else the one with ID. */
struct nss_key {
	const char *name;
	size_t name_len; /* nss_key_possible() fills it */
	struct nss_position *position;
	uint32_t id;
};

/* May a snapshot have it, as ids go by ID_OK? If not, that is answered without a look. */
static inline bool nss_key_possible(struct nss_key *k, bool (*id_ok)(uint32_t id))
{
	if (!k->name)
		return k->position || id_ok(k->id);
	k->name_len = name_span(k->name, NAME_MAX_LEN + 1);
	return k->name_len > 0;
}

/* As snapshot_find_name() and its kin. *RET_HINT: for nss_position_set(). */
static inline int nss_find(const struct snapshot_source *s, const struct snapshot_table *t,
			   const struct nss_key *k, const struct snapshot_scratch *scratch,
			   struct snapshot_record *ret, uint32_t *ret_hint)
{
	struct snapshot_slot slot;

	if (k->name)
		return snapshot_find_name(s, t, k->name, k->name_len, scratch, ret);
	if (!k->position)
		return snapshot_find_id(s, t, k->id, scratch, ret);
	*ret_hint = atomic_load_explicit(&k->position->hint, memory_order_relaxed);
	return snapshot_find_next(s, t,
				  atomic_load_explicit(&k->position->id, memory_order_relaxed),
				  ret_hint, scratch, &slot, ret);
}

static inline void nss_position_set(struct nss_position *p, uint32_t id, uint32_t hint)
{
	atomic_store_explicit(&p->id, id, memory_order_relaxed);
	atomic_store_explicit(&p->hint, hint, memory_order_relaxed);
}

/*
 * 0 or -errno to glibc's terms. -ENOBUFS alone, a good record that needs more room, is "try again" with ERANGE:
 * after an ERANGE from anywhere else callers would grow their buffers for ever. errno is SAVED_ERRNO again but
 * for what *ERRNOP says (N5).
 */
enum nss_status nss_result(int r, int saved_errno, int *errnop);

#endif
