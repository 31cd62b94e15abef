/*
 * The two sockets (DESIGN.md 3): private/agent.sock, in a directory that only root enters, and public.sock for everyone. A thread
 * a connection, one request each, with limits so that those who come by one do not hold up the other (I1-I5).
 */
#ifndef AGENTD_SERVER_H
#define AGENTD_SERVER_H

#include <stdint.h>

#include "common/macros.h"

struct auth;
struct engine;
struct server; /* opaque */

struct server_options {
	const char *runtime_dir; /* exists, 0755 root; used by server_start() alone */
	struct auth *auth;	 /* as long as the process, as engine */
	struct engine *engine;
	int64_t recheck_after_ms, recheck_timeout_ms;
};

/*
 * Make the sockets, in place of any old ones, and serve. Signals must be blocked: the threads inherit that. -errno, with what was
 * tried in *ret_what (static).
 */
int server_start(const struct server_options *o, struct server **ret, const char **ret_what) MUST_CHECK;

/* Other times after a reload. */
void server_set(struct server *s, int64_t recheck_after_ms, int64_t recheck_timeout_ms);

/* Remove the sockets and accept no more. Requests that are being answered end by themselves; S stays theirs. */
void server_stop(struct server *s);

#endif
