/*
 * Taking muster out of nsswitch.conf and PAM again. What nobody else has edited since the last setup gets back the bytes
 * that it had; elsewhere muster alone is taken out, by pam-auth-update and word by word, and it is said so.
 */
#ifndef CTL_SETUP_UNDO_H
#define CTL_SETUP_UNDO_H

#include <stdbool.h>

#include "ctl/message.h"

/*
 * ALL: muster goes, whatever was there before the last setup; else what that found comes back. Under setup_lock(). Can be
 * repeated, and begun anew after a kill. What was done goes to the log and to stdout.
 * 0; 1: there was nothing to undo; -EKEYREJECTED: muster is still there: F says where; -errno.
 */
int setup_undo(bool all, struct fault *f) MUST_CHECK;

#endif
