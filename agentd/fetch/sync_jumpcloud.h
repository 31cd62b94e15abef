/*
 * Driver "jumpcloud": answers SYNC, REFRESH, REPORT and SYSTEMS with what JumpCloud's API says.
 */
#ifndef AGENTD_FETCH_SYNC_JUMPCLOUD_H
#define AGENTD_FETCH_SYNC_JUMPCLOUD_H

#include "agentd/fetch/outlet.h"
#include "agentd/fetch/session.h"

/* Answers F through O. 0, also when the answer is that it failed; -errno when there is nobody to answer any more. */
int sync_jumpcloud(struct session *s, struct outlet *o, const struct frame *f) MUST_CHECK;
int refresh_jumpcloud(struct session *s, struct outlet *o, const struct frame *f) MUST_CHECK;
int report_jumpcloud(struct session *s, struct outlet *o, const struct frame *f) MUST_CHECK;
int systems_jumpcloud(struct session *s, struct outlet *o, const struct frame *f) MUST_CHECK;

/* The connection, and what is known of the organisation. NULL is allowed. */
void jumpcloud_link_free(struct jumpcloud_link *l);

#endif
