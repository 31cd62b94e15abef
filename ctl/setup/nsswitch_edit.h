/*
 * The text of nsswitch.conf with muster put in or taken out; what is not muster's stays as it is, byte for byte.
 *
 * passwd: muster after "files", or wherever it stands behind them. group: directly behind them, with [SUCCESS=merge]
 * between, so that local groups get the members that the directory adds; services between would end the merging.
 * initgroups: only where there is such a line, which then stands in for that of groups.
 */
#ifndef CTL_SETUP_NSSWITCH_EDIT_H
#define CTL_SETUP_NSSWITCH_EDIT_H

#include "common/str.h"
#include "ctl/message.h"

/*
 * Append the new text to OUT, and a NUL that is not counted. 0; -EKEYREJECTED a line that has to be changed has
 * actions that must not be guessed at, or names no local files, or cannot be understood: F has which; -ENOMEM.
 */
int nsswitch_add(const char *text, struct buf *out, struct fault *f) MUST_CHECK;

/*
 * Take the word out of all lines, with the actions behind it; with MERGE also [SUCCESS=merge] before it. 0; -ENOMEM.
 */
int nsswitch_remove(const char *text, bool merge, struct buf *out) MUST_CHECK;

/* Does a line name it as a service? */
bool nsswitch_names_muster(const char *text);

#endif
