/*
 * What muster-fetch gives up before it reads a byte that came from outside.
 */
#ifndef AGENTD_FETCH_SANDBOX_H
#define AGENTD_FETCH_SANDBOX_H

#include <stdbool.h>

#include "common/macros.h"

/* At start: no core dump, no ptrace by the same user, no new privileges, bounded memory, no environment. -errno. */
int sandbox_process(void) MUST_CHECK;

/*
 * From here on only the system calls of an allow list: memory, the socket to musterd, reading what it passed. With NETWORK
 * also sockets of the internet, and what looking up a name takes: threads, and opening files for reading (resolv.conf,
 * hosts). Anything else fails with EPERM; starting programs kills. For good. -errno. (Not in a build for
 * AddressSanitizer, which takes more.)
 */
int sandbox_filter(bool network) MUST_CHECK;

#endif
