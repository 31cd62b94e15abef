#include "ctl/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/names.h"

static void print_line(const char *prefix, const char *format, va_list ap) PRINTF_LIKE(2, 0);

static void print_line(const char *prefix, const char *format, va_list ap)
{
	fflush(stdout); /* keeps the order when both are one file */
	fputs(prefix, stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
}

void message_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line("musterctl: ", format, ap);
	va_end(ap);
}

void message_warning(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line("warning: ", format, ap);
	va_end(ap);
}

void message_hint(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line("hint: ", format, ap);
	va_end(ap);
}

enum exit_code message_out_of_memory(void)
{
	message_error("out of memory");
	return EXIT_ERROR;
}

int fault_set(struct fault *f, int r, const char *format, ...)
{
	char raw[sizeof(f->text)];
	va_list ap;

	va_start(ap, format);
	vsnprintf(raw, sizeof(raw), format, ap); /* a long text may be cut: it is for people */
	va_end(ap);
	name_escape(raw, f->text, sizeof(f->text));
	f->hint[0] = '\0';
	return r;
}

void fault_hint(struct fault *f, const char *format, ...)
{
	char raw[sizeof(f->hint)];
	va_list ap;

	va_start(ap, format);
	vsnprintf(raw, sizeof(raw), format, ap);
	va_end(ap);
	name_escape(raw, f->hint, sizeof(f->hint));
}

enum exit_code fault_print(const struct fault *f, int r)
{
	if (f->text[0])
		message_error("%s", f->text);
	else
		message_error("%s", strerror(-r));
	if (f->hint[0])
		message_hint("%s", f->hint);
	return r == -ESRCH || r == -EEXIST || r == -EKEYREJECTED ? EXIT_REFUSED : EXIT_ERROR;
}
