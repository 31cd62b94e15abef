#include "agentd/turn.h"

#include <errno.h>
#include <semaphore.h>
#include <time.h>

#define AT_ONCE 2
#define WAIT_S	8

static sem_t turns;

static __attribute__((constructor)) void turns_init(void)
{
	sem_init(&turns, 0, AT_ONCE);
}

int turn_take(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	while (sem_timedwait(&turns, &until) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

void turn_give(void)
{
	sem_post(&turns);
}
