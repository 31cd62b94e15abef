/*
 * A muster-fetch that the living musterd keeps between its workers, so that the connection to the directory stays: they talk
 * to it (agentd/fetcher.h), one at a time. musterd itself says nothing to it and believes nothing of it.
 * For the main thread alone. Logs nothing.
 */
#ifndef AGENTD_KEEPER_H
#define AGENTD_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

struct conf;

struct keeper {
	pid_t pid; /* 0: none, or another's child */
	int sock;  /* -1: none */
};

/*
 * The socket to one that is alive and has nothing left to say; it is started when there is none. It stays the keeper's. -1 when
 * none can be started: whoever tries it for himself learns why.
 */
int keeper_get(struct keeper *k, const struct conf *c);

/* Throw it away: its worker failed, so that nobody knows what it is doing, or it is not needed. */
void keeper_drop(struct keeper *k);

/* Was PID, which has ended, the one that is kept? Then none is. */
bool keeper_ended(struct keeper *k, pid_t pid);

#endif
