/* JSON text from a file, as a tree. */
#ifndef CTL_DIRECTORY_JSON_TEXT_H
#define CTL_DIRECTORY_JSON_TEXT_H

#include <json-c/json.h>

#include "common/macros.h"
#include "common/str.h"
#include "ctl/message.h"

/* Parse TEXT, which came from PATH. -EBADMSG with "PATH:LINE:COLUMN: why" in F; -ENOMEM. Freed with json_object_put(). */
int json_text_parse(const char *path, const struct buf *text, struct json_object **ret,
		    struct fault *f) MUST_CHECK;

#endif
