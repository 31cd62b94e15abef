#include <errno.h>
#include <string.h>

#include "agentd/file.h"
#include "agentd/log.h"
#include "agentd/status.h"
#include "agentd/sync_private.h"
#include "common/clock_file.h"

#define KEEP_S 600 /* a mark kept is at most so old while we run: what a reboot with a false clock can win */

/* The mark that was kept, or else published; none at all is as on the first day. */
static void read_mark(struct sync *s)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct sync_status published;

	s->kept = clock_file_load(s->conf->state_dir, &s->mark) == 0;
	if (!s->kept && status_load_published(s->conf, &buf, &published) == 0)
		s->mark = published.mark;
}

int sync_read_clock(struct sync *s)
{
	int r = clock_read(&s->clock);

	if (r < 0)
		return r;
	read_mark(s);
	s->now = clock_now(&s->clock, &s->mark, 0);
	return 0;
}

void sync_ask_clock(struct sync *s)
{
	s->now = clock_now(&s->clock, &s->mark, s->reply.server.date);
}

/* What another boot has measured is worth keeping at once. */
static bool worth_keeping(const struct sync *s, const struct clock_mark *next)
{
	return !s->kept || strcmp(next->boot_id, s->mark.boot_id) || next->wall_s < s->mark.wall_s ||
	       next->wall_s - s->mark.wall_s >= KEEP_S;
}

void sync_keep_clock(struct sync *s)
{
	const struct clock_mark next = clock_advance(&s->mark, &s->clock, s->reply.server.date);
	CLEANUP(buf_done) struct buf record = {0};
	int r;

	if (!worth_keeping(s, &next))
		return;
	if (next.wall_s < s->mark.wall_s)
		log_warning("sync: the clock of %s was wrong: trusted time goes back by %lld s", s->conf->url,
			    (long long)(s->mark.wall_s - next.wall_s));
	r = record_clock_pack(&next, &record);
	if (r == 0)
		r = file_replace(s->conf->state_dir, CLOCK_FILE, 0600, record.data, record.len);
	if (r == 0) {
		s->mark = next;
		s->kept = true;
		return;
	}
	s->state.alarms++;
	log_error("sync: %s/" CLOCK_FILE " could not be written: %s", s->conf->state_dir, strerror(-r));
}
