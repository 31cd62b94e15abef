/*
 * Ids of users on their way to a sink, in pieces that fit a record.
 */
#ifndef AGENTD_FETCH_ID_LIST_H
#define AGENTD_FETCH_ID_LIST_H

#include "common/account.h"

#define OBJECT_ID_SIZE 65

/* The first three members are the caller's, the rest zero; ids is freed with buf_done(). */
struct id_list {
	int (*send)(void *context, const struct membership *m);
	void *context;
	const char *group_id; /* or "" */
	struct buf ids;
	uint32_t count;
};

/* ID passed object_id_valid(). What send() returned; -ENOMEM. */
int id_list_add(struct id_list *l, const char *id) MUST_CHECK;
/* Sends what is there, if anything is. */
int id_list_flush(struct id_list *l) MUST_CHECK;

#endif
