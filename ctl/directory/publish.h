/* Making a saved directory count: musterd reads it and publishes new snapshots. */
#ifndef CTL_DIRECTORY_PUBLISH_H
#define CTL_DIRECTORY_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/message.h"

/* The serial of URL, this computer's directory, that snapshots were made from last; -1 when there are none or that cannot be seen. */
int64_t published_serial(const char *url);

/*
 * Run 'musterd --once' and wait until snapshots made from SERIAL of URL or a later one are out.
 * -errno with F filled: what musterd said.
 */
int publish(const char *url, int64_t serial, struct fault *f) MUST_CHECK;

#endif
