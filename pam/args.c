#include "pam/args.h"

#include <string.h>

void args_parse(int argc, const char **argv, struct args *ret)
{
	*ret = (struct args){0};
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "use_first_pass") == 0)
			ret->use_first_pass = true;
		else if (strcmp(argv[i], "gate") == 0)
			ret->gate = true;
		else if (strcmp(argv[i], "adopt") == 0)
			ret->adopt = true;
		else if (strcmp(argv[i], "try_first_pass") == 0 ||
			 strcmp(argv[i], "use_authtok") == 0)
			continue; /* what we do anyway; we never set a new password */
		else if (!ret->unknown)
			ret->unknown = argv[i];
	}
}
