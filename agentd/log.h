/*
 * Lines for the administrator on stderr: "module: message", each one line. Foreign text in a message goes through
 * name_escape() first (D6); no authtok, token or verifier, ever. Only main and sync log; library code returns.
 */
#ifndef AGENTD_LOG_H
#define AGENTD_LOG_H

#include "common/str.h"

/* Call once, before the first line: under systemd each line gets the journal's priority prefix "<N>". */
void log_init(void);

/*
 * From now on an error with exactly one of these texts is no news and not written: of a directory that stays away, or a
 * disk that stays full, the journal is told once. TEXTS must last.
 */
void log_known(const struct strlist *texts);

/* The texts given to log_error() so far, in order, as many as fit in LOG_ERRORS_SIZE bytes. */
#define LOG_ERRORS_SIZE 8192
const struct strlist *log_errors(void);

void log_error(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *format, ...) PRINTF_LIKE(1, 2);
void log_notice(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
