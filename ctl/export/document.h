/* What muster-fetch brought of one system, as a document that endpoints read (muster-directory(5)). */
#ifndef CTL_EXPORT_DOCUMENT_H
#define CTL_EXPORT_DOCUMENT_H

#include <json-c/json.h>

#include "agentd/stage.h"
#include "common/macros.h"

/*
 * Make a document of the records in STAGE, in an order that does not depend on theirs; without serial and
 * made_at. Who is bound but could not be read this time stays as in OLD (a document, or NULL). Who was left
 * out, and why, goes to LEFT_OUT, an array, as {"kind", "id", "name", "reason", "detail"}.
 * 0; -ENOMEM; -EBADMSG, -errno: STAGE cannot be read. *RET is the caller's.
 */
int document_make(const struct stage *stage, struct json_object *old, struct json_object *left_out,
		  struct json_object **ret) MUST_CHECK;

#endif
