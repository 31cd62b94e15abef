#include "ctl/directory/json_text.h"

#include <errno.h>

#define DEPTH_MAX 32

static void tokener_freep(struct json_tokener **t)
{
	if (*t)
		json_tokener_free(*t);
}

static int position_fault(const char *path, const struct buf *text, size_t at, const char *why,
			  struct fault *f)
{
	unsigned line = 1, column = 1;

	for (size_t i = 0; i < at && i < text->len; i++) {
		column = text->data[i] == '\n' ? 1 : column + 1;
		line += text->data[i] == '\n';
	}
	return fault_set(f, -EBADMSG, "%s:%u:%u: %s", path, line, column, why);
}

int json_text_parse(const char *path, const struct buf *text, struct json_object **ret,
		    struct fault *f)
{
	CLEANUP(tokener_freep) struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	enum json_tokener_error e;

	if (!tokener)
		return -ENOMEM;
	if (text->len == 0)
		return position_fault(path, text, 0, "the file is empty", f);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	*ret = json_tokener_parse_ex(tokener, (const char *)text->data, (int)text->len);
	e = json_tokener_get_error(tokener);
	if (e == json_tokener_success)
		return 0;
	return position_fault(path, text, json_tokener_get_parse_end(tokener),
			      e == json_tokener_continue ? "the file ends too early"
							 : json_tokener_error_desc(e),
			      f);
}
