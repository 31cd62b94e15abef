#include "ctl/directory/key.h"

#include <errno.h>
#include <string.h>

#include "common/account.h"
#include "common/sshkey.h"
#include "ctl/message.h"

/* The comment of a public key line, which sshkey_normalise() drops; "" when there is none. */
static const char *key_comment(const char *line)
{
	for (int words = 0; words < 2; words++) {
		line += strcspn(line, " \t");
		line += strspn(line, " \t");
	}
	return line;
}

/* Is the key OLD of the document, written as it may be, the one of LINE? */
static bool same_key(const char *old, const char *line)
{
	char normal[ACCOUNT_KEY_SIZE_MAX];

	return old &&
	       strcmp(sshkey_normalise(old, strlen(old), normal, sizeof(normal)) == 0 ? normal
										      : old,
		      line) == 0;
}

int key_add(struct edit *e, struct json_object *keys, const char *text)
{
	char line[ACCOUNT_KEY_SIZE_MAX];
	struct json_object *key;
	const char *comment;
	int r = sshkey_normalise(text, strlen(text), line, sizeof(line));

	if (r == -EKEYREJECTED)
		return fault_set(e->fault, r, "this kind or size of SSH key is not accepted: %.40s",
				 text);
	if (r < 0)
		return fault_set(e->fault, -EINVAL,
				 "not an SSH public key (TYPE BASE64 [COMMENT]): %.40s", text);
	for (size_t i = json_object_array_length(keys); i-- > 0;) {
		const char *old = tree_text(json_object_array_get_idx(keys, i), "public_key");

		if (same_key(old, line))
			return 0;
	}
	if (json_object_array_length(keys) >= ACCOUNT_KEYS_MAX)
		return fault_set(e->fault, -EKEYREJECTED, "more than %d keys of one user",
				 ACCOUNT_KEYS_MAX);
	comment = key_comment(text);
	key = json_object_new_object();
	r = tree_append(e, keys, key);
	if (r == 0)
		r = tree_set_text(e, key, "name", comment[0] ? comment : "key");
	if (r == 0)
		r = tree_set_text(e, key, "public_key", line);
	return r == 0 ? tree_set_time(e, key, "create_date", e->now) : r;
}
