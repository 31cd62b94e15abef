#include "ctl/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/names.h"
#include "common/str.h"
#include "ctl/message.h"

#define TIME_MAX_S \
	INT64_C(253402300799) /* 9999-12-31T23:59:59Z: the last that format_time() knows */

void span_text(int64_t seconds, char out[static SPAN_TEXT_SIZE])
{
	const struct {
		int64_t length;
		const char *unit;
	} units[] = {{2 * 86400, "d"}, {2 * 3600, "h"}, {2 * 60, "min"}};
	const int64_t size[] = {86400, 3600, 60};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (seconds < units[i].length)
			continue;
		snprintf(out, SPAN_TEXT_SIZE, "%" PRId64 " %s", seconds / size[i], units[i].unit);
		return;
	}
	snprintf(out, SPAN_TEXT_SIZE, "%" PRId64 " s", seconds);
}

void when_text(int64_t at, int64_t now, char out[static WHEN_TEXT_SIZE])
{
	char time_text[TIME_TEXT_SIZE], span[SPAN_TEXT_SIZE];

	if (at == 0) {
		snprintf(out, WHEN_TEXT_SIZE, "never");
		return;
	}
	format_time(at, time_text);
	span_text(at > now ? at - now : now - at, span);
	if (at > now)
		snprintf(out, WHEN_TEXT_SIZE, "%s (in %s)", time_text, span);
	else
		snprintf(out, WHEN_TEXT_SIZE, "%s (%s ago)", time_text, span);
}

int when_parse(const char *s, int64_t now, int64_t *ret)
{
	int64_t ms;

	if (strcmp(s, "now") == 0) {
		*ret = now;
		return 0;
	}
	if (s[0] != '+')
		return parse_time(s, ret);
	if (parse_duration_ms(s + 1, &ms) < 0 || ms / 1000 > TIME_MAX_S - now)
		return -EINVAL;
	*ret = now + ms / 1000;
	return 0;
}

struct json_object *text_to_json(const char *s)
{
	char safe[1024];

	if (!s)
		return NULL;
	if (utf8_valid(s, strlen(s)))
		return json_object_new_string(s);
	name_escape(s, safe, sizeof(safe));
	return json_object_new_string(safe);
}

struct json_object *time_to_json(int64_t at)
{
	char text[TIME_TEXT_SIZE];

	if (at == 0)
		return NULL;
	format_time(at, text);
	return json_object_new_string(text);
}

void json_text_print(const char *s)
{
	for (; *s; s++) {
		unsigned char next = (unsigned char)s[1];

		if (*s == 0x7f)
			fputs("\\u007f", stdout);
		else if (*s == '\xc2' && next >= 0x80 && next <= 0x9f)
			printf("\\u00%02x", (unsigned char)*++s);
		else
			putc_unlocked(*s, stdout);
	}
}

int json_print(struct json_object *o)
{
	const char *text = o ? json_object_to_json_string_ext(
				       o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
						  JSON_C_TO_STRING_NOSLASHESCAPE)
			     : NULL;

	if (!text)
		return message_out_of_memory();
	json_text_print(text);
	putchar('\n');
	json_object_put(o);
	return EXIT_OK;
}
