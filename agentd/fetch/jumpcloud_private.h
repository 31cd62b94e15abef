/*
 * Shared by jumpcloud.c (the order of a sync), jumpcloud_list.c (replies and pages), jumpcloud_graph.c (who is bound),
 * jumpcloud_users.c (their records) and jumpcloud_policy.c.
 */
#ifndef AGENTD_FETCH_JUMPCLOUD_PRIVATE_H
#define AGENTD_FETCH_JUMPCLOUD_PRIVATE_H

#include <errno.h>

#include "agentd/fetch/group.h"
#include "agentd/fetch/id_list.h"
#include "agentd/fetch/idset.h"
#include "agentd/fetch/jumpcloud.h"
#include "agentd/fetch/user.h"
#include "common/names.h"

struct bound_user {
	char id[OBJECT_ID_SIZE];
	bool sudo, sudo_nopasswd; /* on this endpoint: by his binding or by his groups */
};

struct bound_group {
	char id[OBJECT_ID_SIZE];
	char name[GROUP_NAME_MAX + 1];
	struct json_object *attributes; /* json_keep() */
};

struct bound_member {
	char group_id[OBJECT_ID_SIZE];
	char user_id[OBJECT_ID_SIZE];
};

/* One sync, or one refresh. */
struct jumpcloud {
	const struct jumpcloud_api *api;
	const struct jumpcloud_options *options;
	const struct document_sink *sink;
	char *text;
	struct json_parser json;
	struct json_fault fault;
	struct user_reader user;
	/* Who is bound. */
	struct buf users, groups, members; /* of the structs above; sorted by id, no two the same, once they are complete */
	struct idset seen_groups;
	char object_id[OBJECT_ID_SIZE]; /* of the object of the graph that was read last in this list; "": none */
	/* Their records. */
	uint32_t n_singles; /* asked for one by one */
	bool unscheduled;   /* what is scheduled is not told to us */
	char org_id[OBJECT_ID_SIZE]; /* as they say; or "" */
	struct id_list kept;
};
void jumpcloud_done(struct jumpcloud *j);

/* J's text becomes "WHAT: …"; returns R. */
int jumpcloud_fail(struct jumpcloud *j, int r, const char *what, const char *format, ...) PRINTF_LIKE(4, 5);

/* Tells the sink what is left out; the context is a struct jumpcloud. Foreign text is escaped here. */
int jumpcloud_reject(void *context, const struct reject *reject) MUST_CHECK;

/* A reply that is one object: given to item(), whole, up to LIST_ITEM_MAX bytes. */
#define LIST_ITEM_MAX (1u << 20)
struct jumpcloud_list {
	const char *what;      /* what messages call it */
	const char *items_key; /* an object with the items in this key; NULL: the items are all there is … */
	const char *count_key; /* … and how many there are in all in this one */
	bool single;	       /* the reply is one item, no list */
	bool put;	       /* what is posted is put */
	/* Items are read by jumpcloud_object(). Its pages overlap by one, which shows when somebody slipped through between them. */
	bool graph;
	/* 0; 1 that is enough: the rest of the reply is read, but not told; -errno, and J's text says why. */
	int (*item)(struct jumpcloud *j, void *context, const struct scan_value *value);
	void *context;
};

/* One reply. 0, *RET_ITEMS and *RET_TOTAL (-1: not said), each NULL or set; 1 an item was enough; -errno. */
int jumpcloud_get(struct jumpcloud *j, const struct jumpcloud_list *l, const char *path, const char *post,
		  uint32_t *ret_items, int64_t *ret_total) MUST_CHECK;

/* All pages of PATH, which ends in '?' or '&'. 0; 1 as above; -EAGAIN the list has changed meanwhile; -errno. */
int jumpcloud_pages(struct jumpcloud *j, const struct jumpcloud_list *l, const char *path) MUST_CHECK;

/* For item(): parses VALUE. 0; -EBADMSG, and J's text says why; -ENOMEM. */
int jumpcloud_parse(struct jumpcloud *j, const char *what, const struct scan_value *value, struct json_node *ret) MUST_CHECK;

/* Asks who is bound, until it is told the same from beginning to end. */
int jumpcloud_bound(struct jumpcloud *j) MUST_CHECK;
/* Is ID bound? 1 and RET, in one request as a rule; or 0, when all pages say so. */
int jumpcloud_bound_user(struct jumpcloud *j, const char *id, struct bound_user *ret) MUST_CHECK;

/* Completes what is known of the groups: their names, and those that nobody is in. */
int jumpcloud_groups(struct jumpcloud *j, struct jumpcloud_memory *memory) MUST_CHECK;

/* One object of the graph: it has to be of TYPE and have an id, or it is not this list. */
int jumpcloud_object(struct jumpcloud *j, const struct scan_value *value, const char *type, const char *what,
		     struct json_node *ret, const char **ret_id) MUST_CHECK;
/* Puts a bound group into J's groups, with ATTRIBUTES, unless it is there. */
int jumpcloud_add_group(struct jumpcloud *j, const char *id, const struct json_node *attributes) MUST_CHECK;
/* Field KEY of N when it is an object; quietly. */
bool jumpcloud_field(const struct json_node *n, const char *key, struct json_node *ret);
/* Ids are what these structs of SIZE bytes begin with: sorts them, of two that are the same one stays. How many went. */
size_t jumpcloud_sort(struct buf *b, size_t size);
/* "/v2/systems/{id}/WHAT?"; freed by the caller. NULL: no memory. */
char *jumpcloud_system_path(const struct jumpcloud *j, const char *what);

/* Asks for the records of all bound users, and tells them to the sink. */
int jumpcloud_users(struct jumpcloud *j) MUST_CHECK;

/* The policy that is in force, from MEMORY when it is fresh enough. 1, or 0 there is none. */
int jumpcloud_policy(struct jumpcloud *j, struct jumpcloud_memory *memory, struct lockout_policy *ret) MUST_CHECK;

/* A refusal of something that need not be there: 0, else R as it is. */
static inline int jumpcloud_optional(int r)
{
	return r == -ENOENT || r == -EPERM ? 0 : r;
}

/* Forgets who is bound. */
void jumpcloud_unbind(struct jumpcloud *j);

static inline uint32_t bound_users_n(const struct jumpcloud *j)
{
	return (uint32_t)(j->users.len / sizeof(struct bound_user));
}

static inline struct bound_user *bound_user_at(const struct jumpcloud *j, uint32_t i)
{
	return (struct bound_user *)(void *)j->users.data + i;
}

static inline uint32_t bound_groups_n(const struct jumpcloud *j)
{
	return (uint32_t)(j->groups.len / sizeof(struct bound_group));
}

static inline struct bound_group *bound_group_at(const struct jumpcloud *j, uint32_t i)
{
	return (struct bound_group *)(void *)j->groups.data + i;
}

#endif
