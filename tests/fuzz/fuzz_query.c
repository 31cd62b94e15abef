/* F13: queries over users. A text is refused with words, or it and its denial answer differently; empty rows and full ones. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "ctl/query.h"

#define NOW INT64_C(1795305600)

static const struct user_row rows[] = {
	{.name = "", .displayname = "", .home = "", .shell = "", .sudo = "no"},
	{.name = "dora",
	 .displayname = "Dora Brandt",
	 .home = "/home/dora",
	 .shell = "/bin/bash",
	 .sudo = "yes",
	 .uid = 5001,
	 .gid = 5001,
	 .groups = {.data = "admins\0dev", .len = 11, .count = 2},
	 .known = true,
	 .id = "01",
	 .username = "dora",
	 .email = "d@example.com",
	 .state = "SUSPENDED",
	 .verdict = "suspended",
	 .scheduled_state = "ACTIVATED",
	 .scheduled_at = NOW + 1,
	 .locked = true,
	 .created_at = 1,
	 .ssh_keys = 3},
};

static void check(const struct query *q, const char *text)
{
	AUTO_FREE char *opposite = str_format("not (%s)", text);
	AUTO_FREE struct query *denied = malloc(sizeof(*denied));
	struct fault f = {0};

	REQUIRE(opposite && denied);
	if (query_parse(opposite, NOW, denied, &f) < 0) /* longer, and deeper by two */
		return;
	REQUIRE(denied->for_root == q->for_root);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].known || !q->for_root)
			REQUIRE(query_match(q, &rows[i]) != query_match(denied, &rows[i]));
		else
			REQUIRE(!query_match(q, &rows[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = calloc(1, size + 1);
	AUTO_FREE struct query *q = malloc(sizeof(*q));
	struct fault f = {0};

	REQUIRE(text && q);
	if (size > 0)
		memcpy(text, data, size);
	if (query_parse(text, NOW, q, &f) == 0)
		check(q, text);
	else
		REQUIRE(strncmp(f.text, "--where", 7) == 0);
	return 0;
}
