/*
 * The living musterd: a scheduler that starts a worker (agentd/worker.h) for each sync, and tells those who wait how it went
 * (agentd/engine.h). It opens no database and asks no directory, so that it can stay small, and up.
 *
 * It has the sessions of refused users ended in the same way, whenever a sync is over or a scheduled change falls due, so that
 * one that dies and starts again forgets none.
 *
 * Syncs begin when the poll interval has passed, when a file that matters has changed, when a scheduled change falls due,
 * and when a login wants newer data. Nothing else wakes it.
 */
#ifndef AGENTD_DAEMON_H
#define AGENTD_DAEMON_H

#include <stdbool.h>

#include "common/macros.h"

/*
 * Run until SIGTERM or SIGINT; SIGHUP, and an edit of the file, read CONFIG (NULL: the default) again. What was published
 * stays. All is logged. 0; -EINVAL the configuration, -EPERM, -ENOENT the same; -EBUSY another one lives; -errno.
 */
int daemon_run(const char *config) MUST_CHECK;

/* Does one live, with RUNTIME_DIR? */
bool daemon_lives(const char *runtime_dir);

#endif
