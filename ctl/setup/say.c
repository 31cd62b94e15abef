#include "ctl/setup/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

#include "common/names.h"
#include "ctl/message.h"

#define TEXT_SIZE 1024

static void log_text(int level, const char *text)
{
	openlog("musterctl", LOG_PID, LOG_AUTHPRIV);
	syslog(level, "setup: %s", text);
	closelog();
}

void say(const char *format, ...)
{
	char raw[TEXT_SIZE], text[TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(raw, sizeof(raw), format, ap); /* a long text may be cut: it is for people */
	va_end(ap);
	text_show(raw, text, sizeof(text));
	puts(text);
	fflush(stdout);
	log_text(LOG_NOTICE, text);
}

void say_warning(const char *format, ...)
{
	char raw[TEXT_SIZE], text[TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(raw, sizeof(raw), format, ap);
	va_end(ap);
	text_show(raw, text, sizeof(text));
	message_warning("%s", text);
	log_text(LOG_WARNING, text);
}
