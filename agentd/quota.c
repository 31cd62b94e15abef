#include "agentd/quota.h"

static unsigned int count(const struct quota *q, uid_t uid)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < q->n; i++)
		n += q->open[i] == uid;
	return n;
}

bool quota_enter(struct quota *q, uid_t uid)
{
	bool ok;

	pthread_mutex_lock(&q->lock);
	ok = q->n < q->total && count(q, uid) < q->per_uid;
	if (ok)
		q->open[q->n++] = uid;
	pthread_mutex_unlock(&q->lock);
	return ok;
}

void quota_leave(struct quota *q, uid_t uid)
{
	pthread_mutex_lock(&q->lock);
	for (unsigned int i = 0; i < q->n; i++) {
		if (q->open[i] != uid)
			continue;
		q->open[i] = q->open[--q->n];
		break;
	}
	pthread_mutex_unlock(&q->lock);
}
