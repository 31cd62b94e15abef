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
static struct strlist known;
static char errors_data[LOG_ERRORS_SIZE];
static struct strlist errors = {.data = errors_data};

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

static void keep_error(const char *text)
{
	size_t size = strlen(text) + 1;

	if (size > sizeof(errors_data) - errors.len)
		return;
	memcpy(errors_data + errors.len, text, size);
	errors.len += (uint32_t)size;
	errors.count++;
}

void log_known(const struct strlist *texts)
{
	known = *texts;
}

const struct strlist *log_errors(void)
{
	return &errors;
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
	if (priority == LOG_ERR)
		keep_error(line + start);
	if (priority == LOG_ERR && strlist_has(&known, line + start))
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
