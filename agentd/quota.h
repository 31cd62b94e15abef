/* How many connections may be open at once: in all, and of one uid (I3). Thread-safe. */
#ifndef AGENTD_QUOTA_H
#define AGENTD_QUOTA_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#define QUOTA_TOTAL_MAX 256

struct quota {
	pthread_mutex_t lock;
	unsigned int total, per_uid; /* limits; TOTAL at most QUOTA_TOTAL_MAX */
	unsigned int n;
	uid_t open[QUOTA_TOTAL_MAX];
};

/* One more of UID? Give it back with quota_leave(). */
bool quota_enter(struct quota *q, uid_t uid);
void quota_leave(struct quota *q, uid_t uid);

#endif
