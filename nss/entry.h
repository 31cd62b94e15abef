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
	struct nss_position *position;
	uint32_t id;
};

/* No snapshot can have it: answered without a look. */
bool nss_key_impossible(const struct nss_key *k);
/* As snapshot_find_name() and its kin. *RET_HINT: for nss_position_set(). */
int nss_find(const struct snapshot_source *s, const struct snapshot_table *t, const struct nss_key *k,
	     const struct snapshot_scratch *scratch, struct snapshot_record *ret, uint32_t *ret_hint) MUST_CHECK;
void nss_position_set(struct nss_position *p, uint32_t id, uint32_t hint);

/* 0 or -errno to glibc's terms; *ERRNOP as glibc expects it, and errno as it was in SAVED otherwise (N5). */
enum nss_status nss_result(int r, int saved_errno, int *errnop);

#endif
