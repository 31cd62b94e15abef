/* How many users may be missing from a list at once before nobody believes it: pure, for musterd and musterctl export. */
#ifndef AGENTD_GUARD_RULE_H
#define AGENTD_GUARD_RULE_H

#include <stdbool.h>
#include <stdint.h>

#define GUARD_USERS   5	 /* more than so many, and … */
#define GUARD_PERCENT 20 /* … more than so many of all, are too many to believe at once */

/* Are MISSING of KNOWN users too many? EMPTY: the list has nobody at all. */
static inline bool guard_many(uint32_t known, uint32_t missing, bool empty)
{
	if (missing == 0)
		return false;
	return empty || (missing > GUARD_USERS && (uint64_t)missing * 100 > (uint64_t)known * GUARD_PERCENT);
}

#endif
