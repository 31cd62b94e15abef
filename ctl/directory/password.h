/* Where new passwords come from: the terminal or stdin; never arguments or the environment. */
#ifndef CTL_DIRECTORY_PASSWORD_H
#define CTL_DIRECTORY_PASSWORD_H

#include "ctl/message.h"

#define PASSWORD_SIZE 514 /* 512 bytes are the most that a verifier takes */

/*
 * The next line of stdin, without its newline. -EINVAL empty, too long or with control characters; F is filled.
 * OUT is the caller's to wipe, after every outcome.
 */
int password_from_stdin(char out[static PASSWORD_SIZE], struct fault *f) MUST_CHECK;
/* Asks twice on the terminal without echo, which comes back also when a signal ends us. -ENXIO: no terminal. */
int password_from_terminal(const char *name, char out[static PASSWORD_SIZE],
			   struct fault *f) MUST_CHECK;

#endif
