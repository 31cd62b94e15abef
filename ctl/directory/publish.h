/* Making a saved directory count: musterd reads it and publishes new snapshots. */
#ifndef CTL_DIRECTORY_PUBLISH_H
#define CTL_DIRECTORY_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/message.h"

/* Are snapshots out that were made from SERIAL or a later one? False also when that cannot be seen. */
bool is_published(int64_t serial);

/*
 * Run 'musterd --once' and wait until snapshots made from SERIAL or a later one are out.
 * -errno with F filled: what musterd said.
 */
int publish(int64_t serial, struct fault *f) MUST_CHECK;

#endif
