/* The service manager's notification protocol, sd_notify(3), without its library. Without a manager all of it does nothing. */
#ifndef AGENTD_NOTIFY_H
#define AGENTD_NOTIFY_H

#include <stdint.h>

#include "common/macros.h"

struct notify {
	int sock;	     /* -1: nobody listens */
	int64_t watchdog_ms; /* ping at least so often; 0: no watchdog */
};

/* Take NOTIFY_SOCKET and WATCHDOG_* out of the environment, so that no child answers for us. */
void notify_init(struct notify *ret);
void notify_done(struct notify *n);

/* "READY=1" and the like. A manager that is gone is no reason to stop. */
void notify_send(const struct notify *n, const char *text);

/* A reload begins; it ends with READY=1. */
void notify_reloading(const struct notify *n);

#endif
