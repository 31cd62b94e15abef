/*
 * What CONFIG says (agentd/fetch/protocol.h).
 */
#ifndef AGENTD_FETCH_SETTINGS_H
#define AGENTD_FETCH_SETTINGS_H

#include "common/str.h"

/* Strings lead into the frame that they came in; missing ones are "". */
struct settings {
	struct buf frame;
	const char *driver, *url, *system_id, *hostname;
	bool secrets;
};

/* Takes over *FRAME, which is then empty. -EPROTO when it is no list of keys and values. */
int settings_read(struct settings *s, struct buf *frame) MUST_CHECK;
void settings_done(struct settings *s);

#endif
