/* What setup has done, on stdout and in the log: it may happen while nobody looks on. */
#ifndef CTL_SETUP_SAY_H
#define CTL_SETUP_SAY_H

#include "common/macros.h"

void say(const char *format, ...) PRINTF_LIKE(1, 2);
void say_warning(const char *format, ...) PRINTF_LIKE(1, 2); /* on stderr */

#endif
