#include "agentd/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "agentd/counters.h"
#include "agentd/file.h"
#include "agentd/status.h"

static int add(struct buf *b, const char *name, const char *help, int64_t value)
{
	AUTO_FREE char *text = str_format("# HELP %s %s\n# TYPE %s gauge\n%s %" PRId64 "\n", name, help, name,
					  name, value);

	return text ? buf_add(b, text, strlen(text)) : -ENOMEM;
}

static int add_seconds(struct buf *b, const char *name, const char *help, int64_t ms)
{
	AUTO_FREE char *text = str_format("# HELP %s %s\n# TYPE %s gauge\n%s %" PRId64 ".%03" PRId64 "\n", name, help, name,
					  name, ms / 1000, ms % 1000);

	return text ? buf_add(b, text, strlen(text)) : -ENOMEM;
}

/* How long the last revocation took, as far as it has come. */
static int add_revocation(struct buf *b, const char *runtime_dir, const struct sync_status *s)
{
	struct session_status done;
	int r = status_load_sessions(runtime_dir, &done);

	if (r < 0)
		return r;
	r = add(b, "muster_sessions_left", "Processes of refused users that would not end.", done.left);
	if (r < 0 || !s->revocation)
		return r;
	r = add(b, "muster_revocation_timestamp_seconds", "When the sync began that took something away from users.",
		s->revocation_at);
	if (r == 0)
		r = add_seconds(b, "muster_revocation_published_seconds", "From then until new logins were refused.",
				s->revocation_published_ms - s->revocation_begun_ms);
	if (r == 0 && done.revocation == s->revocation)
		r = add_seconds(b, "muster_revocation_ended_seconds", "From then until no session was left.",
				done.done_ms - s->revocation_begun_ms);
	return r;
}

static int add_syncs(struct buf *b, const struct metrics *m)
{
	AUTO_FREE char *text = str_format("# HELP muster_syncs Syncs since musterd was started, by result.\n"
					  "# TYPE muster_syncs counter\n"
					  "muster_syncs_total{result=\"ok\"} %" PRIu64 "\n"
					  "muster_syncs_total{result=\"failed\"} %" PRIu64 "\n"
					  "muster_syncs_total{result=\"died\"} %" PRIu64 "\n",
					  m->syncs_ok, m->syncs_failed, m->syncs_died);

	return text ? buf_add(b, text, strlen(text)) : -ENOMEM;
}

int metrics_save(const char *runtime_dir, const struct metrics *m, const struct sync_status *s, bool online)
{
	int64_t age_s = s->last_sync_at ? time(NULL) - s->last_sync_at : 0;
	const struct {
		const char *name, *help;
		int64_t value;
	} gauges[] = {
		{"muster_generation", "Generation that was published last.", (int64_t)s->generation},
		{"muster_accounts", "Accounts that the directory lets onto this endpoint.", s->accounts},
		{"muster_groups", "Groups of the directory.", s->groups},
		{"muster_rejected", "Entries of the directory that were left out.", s->rejected},
		{"muster_online", "1 when the directory answered the last attempt.", online},
		{"muster_last_sync_timestamp_seconds", "When the last good sync ended; what it confirmed is so old.",
		 s->last_sync_at},
		{"muster_last_attempt_timestamp_seconds", "When the last sync ended.", s->last_attempt_at},
		{"muster_held", "Accounts that are missing from the directory, and stay for now.", s->held},
		{"muster_data_age_seconds", "Age of what is published when this was written.", age_s},
	};
	CLEANUP(buf_done) struct buf b = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(gauges); i++)
		r = add(&b, gauges[i].name, gauges[i].help, gauges[i].value);
	if (r == 0)
		r = add_revocation(&b, runtime_dir, s);
	if (r == 0)
		r = add_syncs(&b, m);
	if (r == 0)
		r = counters_print(&b);
	if (r == 0)
		r = buf_add(&b, "# EOF\n", strlen("# EOF\n"));
	return r < 0 ? r : file_replace(runtime_dir, METRICS_FILE, 0644, b.data, b.len);
}
