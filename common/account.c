#include "common/account.h"

#include <errno.h>
#include <string.h>

const char *user_state_name(enum user_state s)
{
	switch (s) {
	case USER_STAGED:
		return "STAGED";
	case USER_ACTIVATED:
		return "ACTIVATED";
	case USER_SUSPENDED:
		return "SUSPENDED";
	case USER_STATE_NONE:
		break;
	}
	return "NONE";
}

int user_state_parse(const char *name, enum user_state *ret)
{
	for (enum user_state s = USER_STAGED; s <= USER_SUSPENDED; s++) {
		if (strcmp(user_state_name(s), name) == 0) {
			*ret = s;
			return 0;
		}
	}
	return -EINVAL;
}
