/* Arguments of the module in a PAM service file (pam_muster(8)). */
#ifndef PAM_ARGS_H
#define PAM_ARGS_H

#include <stdbool.h>

struct args {
	bool use_first_pass; /* take the password already asked for; never ask for one */
	bool gate;           /* account phase: repeat the verdict without a word */
	bool adopt;          /* local users whom the directory has taken over are ours, too */
	const char *
		unknown; /* the first argument not understood, or NULL: directory users are refused */
};

void args_parse(int argc, const char **argv, struct args *ret);

#endif
