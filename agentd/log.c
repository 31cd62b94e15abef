#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "agentd/log.h"

#define LINE_SIZE 1024

static bool to_journal;
static char known[LINE_SIZE], last_error[LINE_SIZE];

void log_init(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return;
	snprintf(own, sizeof(own), "%" PRIu64 ":%" PRIu64, (uint64_t)st.st_dev, (uint64_t)st.st_ino);
	to_journal = !strcmp(stream, own);
}

/* Also keeps it. */
static bool is_known(const char *text)
{
	snprintf(last_error, sizeof(last_error), "%s", text);
	return !strcmp(text, known);
}

void log_known(const char *text)
{
	snprintf(known, sizeof(known), "%s", text);
}

const char *log_last_error(void)
{
	return last_error;
}

/* One write a line, so that lines of several processes do not mix. */
static void log_line(int priority, const char *format, va_list ap) PRINTF_LIKE(2, 0);
static void log_line(int priority, const char *format, va_list ap)
{
	char line[LINE_SIZE];
	int start = to_journal ? snprintf(line, sizeof(line), "<%d>", priority) : 0;
	int len = vsnprintf(line + start, sizeof(line) - (size_t)start - 1, format, ap);

	len = (int)strlen(line);
	for (int i = 0; i < len; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	if (priority == LOG_ERR && is_known(line + start))
		return;
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return; /* nobody listens; there is no one left to tell */
}

void log_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_line(LOG_ERR, format, ap);
	va_end(ap);
}

void log_warning(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_line(LOG_WARNING, format, ap);
	va_end(ap);
}

void log_notice(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	log_line(LOG_NOTICE, format, ap);
	va_end(ap);
}
