/*
 * Lines for the administrator on stderr: "module: message", each one line. Foreign text in a message goes through
 * name_escape() first (D6); no authtok, token or verifier, ever. Only main and sync log; library code returns.
 */
#ifndef AGENTD_LOG_H
#define AGENTD_LOG_H

#include "common/macros.h"

/* Call once, before the first line: under systemd each line gets the journal's priority prefix "<N>". */
void log_init(void);

/* From now on an error with exactly this text is no news, and not written: a directory that stays away is told of once. */
void log_known(const char *text);

/* The last text given to log_error(), "" when there was none. */
const char *log_last_error(void);

void log_error(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *format, ...) PRINTF_LIKE(1, 2);
void log_notice(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
