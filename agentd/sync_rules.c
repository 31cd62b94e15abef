/* Access rules, as a sync finds them in muster.conf and publishes them with local time. */
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/log.h"
#include "agentd/sync_private.h"
#include "agentd/zone.h"
#include "common/paths.h"

#define LOCALTIME MUSTER_ETC "/localtime"

void sync_read_rules(struct sync *s)
{
	s->zone = (struct access_zone){0};
	s->zone_error = conf_access_has_hours(s->conf) ? zone_read(LOCALTIME, s->now, &s->zone) : 0;
	s->rules = s->conf->access_sum;
	for (uint32_t i = 0; i < s->zone.n; i++) {
		uint64_t parts[] = {(uint64_t)s->zone.shift[i].at,
				    (uint64_t)s->zone.shift[i].offset_s};

		s->rules = XXH3_64bits_withSeed(parts, sizeof(parts), s->rules);
	}
}

void sync_add_rules(struct sync *s, struct policy *p)
{
	for (uint32_t i = 0; i < s->conf->n_access; i++) {
		p->access.rule[i] = s->conf->access[i].rule;
		p->access.rule[i].group_unknown = s->world.access_unknown >> i & 1;
	}
	p->access.n = s->conf->n_access;
	p->zone = s->zone;
	if (!s->zone_error)
		return;
	s->state.alarms++;
	log_error("sync: " LOCALTIME
		  ": %s: no access rule with hours allows now, and each that denies does",
		  strerror(-s->zone_error));
}
