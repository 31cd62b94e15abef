/* A QR code for a terminal: half blocks of UTF-8, in colours of their own, so that it is dark on light on every terminal. */
#ifndef CTL_DIRECTORY_QR_H
#define CTL_DIRECTORY_QR_H

#include <stdbool.h>

#include "common/str.h"

/* Is standard output a terminal that shows it? */
bool qr_can_show(void);

/* Append TEXT as a QR code to OUT. -ENOMEM; -E2BIG: TEXT is too long for one. */
int qr_draw(const char *text, struct buf *out) MUST_CHECK;

#endif
