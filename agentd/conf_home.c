/* [accounts] home: a template, and what it makes of a user. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agentd/conf.h"

/* What %LETTER stands for: so many bytes. */
static const char *part_for(char letter, const char *name, const char *number, size_t *ret_len)
{
	switch (letter) {
	case 'u':
		*ret_len = strlen(name);
		return name;
	case 'U':
		*ret_len = strlen(number);
		return number;
	case 'l':
		*ret_len = 1;
		return name;
	}
	*ret_len = 1;
	return "%";
}

int conf_home_for(const char *home, const char *name, uint32_t uid, char out[static CONF_HOME_SIZE])
{
	size_t used = 0, len;
	char number[16];

	snprintf(number, sizeof(number), "%u", uid);
	for (const char *part; *home; home++, used += len) {
		len = 1;
		part = *home == '%' ? part_for(*++home, name, number, &len) : home;
		if (len >= CONF_HOME_SIZE - used)
			return -E2BIG;
		memcpy(out + used, part, len);
	}
	out[used] = '\0';
	return 0;
}
