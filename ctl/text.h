/* Times and durations as people read and type them; JSON as musterctl prints it. */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <json-c/json.h>
#include <stdint.h>

#include "common/macros.h"

#define SPAN_TEXT_SIZE 32
#define WHEN_TEXT_SIZE 80

/* "45 s", "12 min", "5 h", "3 d" */
void span_text(int64_t seconds, char out[static SPAN_TEXT_SIZE]);
/* "2026-11-22T08:00:00Z (in 5 h)", "… (3 d ago)"; "never" for 0. */
void when_text(int64_t at, int64_t now, char out[static WHEN_TEXT_SIZE]);
/*
 * A point in time from the command line: "now", "+2h" after NOW, RFC 3339, or a plain date (00:00 UTC).
 * -EINVAL.
 */
int when_parse(const char *s, int64_t now, int64_t *ret) MUST_CHECK;

/* Foreign text as a JSON string: what is not UTF-8 is escaped. NULL: JSON null. */
struct json_object *text_to_json(const char *s);
/* RFC 3339, or JSON null for 0. */
struct json_object *time_to_json(int64_t at);
/* JSON that json-c made, to stdout; what terminals obey and json-c lets pass (DEL, U+0080 to U+009F) escaped. */
void json_text_print(const char *s);
/* Pretty-printed to stdout; takes O. NULL is "out of memory". An enum exit_code. */
int json_print(struct json_object *o);

#endif
