/* metrics.prom in runtime_dir: OpenMetrics text for a node exporter's textfile collector, replaced after each sync. */
#ifndef AGENTD_METRICS_H
#define AGENTD_METRICS_H

#include "common/record.h"

#define METRICS_FILE "metrics.prom"

/* Since the start of this musterd. */
struct metrics {
	uint64_t syncs_ok, syncs_failed;
	uint64_t syncs_died; /* crashed, or killed since they took too long */
};

/* STATUS: of the last attempt. ONLINE: as engine_view() has it. */
int metrics_save(const char *runtime_dir, const struct metrics *m, const struct sync_status *status,
		 bool online) MUST_CHECK;

#endif
