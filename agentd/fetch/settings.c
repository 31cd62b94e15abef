#include "agentd/fetch/settings.h"

#include <errno.h>
#include <string.h>

#include "agentd/fetch/protocol.h"

static void set(struct settings *s, const char *key, const char *value)
{
	const struct {
		const char *key;
		const char **value;
	} texts[] = {
		{ FETCH_KEY_DRIVER, &s->driver },
		{ FETCH_KEY_URL, &s->url },
		{ FETCH_KEY_SYSTEM_ID, &s->system_id },
		{ FETCH_KEY_HOSTNAME, &s->hostname },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (strcmp(texts[i].key, key) == 0)
			*texts[i].value = value;
	if (strcmp(key, FETCH_KEY_SECRETS) == 0)
		s->secrets = strcmp(value, "yes") == 0;
}

int settings_read(struct settings *s, struct buf *frame)
{
	const char *p, *end, *key;

	settings_done(s);
	s->driver = s->url = s->system_id = s->hostname = "";
	s->frame = *frame;
	*frame = (struct buf){ 0 };
	if (s->frame.len == 0)
		return 0;
	p = (const char *)s->frame.data;
	end = p + s->frame.len;
	if (end[-1] != '\0')
		return -EPROTO;
	while (p < end) {
		key = p;
		p += strlen(p) + 1;
		if (p == end)
			return -EPROTO;
		set(s, key, p);
		p += strlen(p) + 1;
	}
	return 0;
}

void settings_done(struct settings *s)
{
	buf_wipe(&s->frame);
	*s = (struct settings){ 0 };
}
