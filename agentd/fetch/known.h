/*
 * What became of each user of the last document, for a muster-fetch that is kept: the next document mostly has the same
 * ones, byte for byte, and then nothing of them is parsed again. Nobody else learns of it: what is sent is what would be
 * sent without it.
 *
 * Of each user that led to one account and to nothing else, or that is not bound here, it has a hash of his bytes, 128 bits
 * under a key that is new in each process, so that nobody can make two users with the same one; and the record that was sent,
 * in memory that is mapped only while a document is read: some 330 bytes a user, KNOWN_RECORDS_MAX in all. Who does not
 * fit is parsed each time, and so is everybody when there is no memory for it: no call but the first can fail.
 *
 * It holds for one set of settings. A document: known_begin(), a walk over its users, known_again(), a second walk in which what became
 * of them is told, known_end().
 */
#ifndef AGENTD_FETCH_KNOWN_H
#define AGENTD_FETCH_KNOWN_H

#include "common/str.h"

#define KNOWN_RECORDS_MAX (48u << 20)

struct known;

struct known_user {
	uint64_t hash[2]; /* of his bytes */
	uint64_t id;	  /* idset_hash() of his id */
	uint32_t len;	  /* of his bytes */
	uint32_t record_at, record_len; /* 0: he was not bound here */
};

/* -ENOMEM, -errno. */
int known_new(struct known **ret) MUST_CHECK;
void known_free(struct known *k);

void known_begin(struct known *k);
void known_again(struct known *k);
/* WHOLE: what the second walk told takes the place of what there was; else nothing has changed. */
void known_end(struct known *k, bool whole);

/*
 * The user that comes next, when DATA begins with the very bytes that he had: then the one behind him comes next. NULL
 * when it does not: then known_pass() tells who it is.
 */
const struct known_user *known_next(struct known *k, const void *data, size_t len);
/* The one behind the user with this id comes next, if there was such a user. */
void known_pass(struct known *k, uint64_t id);

/* What was sent of U, u->record_len bytes. */
const void *known_record(const struct known *k, const struct known_user *u);

/* What became of U, of known_next(), is the same again. */
void known_keep(struct known *k, const struct known_user *u);
/* LEN bytes of DATA led to RECORD alone; NULL: he is not bound here. */
void known_add(struct known *k, const void *data, size_t len, uint64_t id, const struct buf *record);

#endif
