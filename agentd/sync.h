/*
 * One sync: fetch, resolve, publish, keep (DESIGN.md 3, 5). Worse news reaches the modules before anything is written to
 * disk, and also when nothing can be. Logs what happened.
 */
#ifndef AGENTD_SYNC_H
#define AGENTD_SYNC_H

#include "agentd/conf.h"

/*
 * Returns 0 when everything was done, or nothing had to be; -ECANCELED when the sync failed and the old state stays;
 * -EIO when it was published, but something needs an administrator. All is logged.
 */
int sync_once(const struct conf *c) MUST_CHECK;

#endif
