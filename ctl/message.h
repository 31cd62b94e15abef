/*
 * What musterctl says beside its data: on stderr, "musterctl: what, where, why", then a hint at the
 * remedy. Foreign text passed to it is escaped by the caller (name_escape) or by struct fault.
 */
#ifndef CTL_MESSAGE_H
#define CTL_MESSAGE_H

#include "common/macros.h"
#include "ctl/command.h"

void message_error(const char *format, ...) PRINTF_LIKE(1, 2);
void message_warning(const char *format, ...) PRINTF_LIKE(1, 2);
void message_hint(const char *format, ...) PRINTF_LIKE(1, 2);
enum exit_code message_out_of_memory(void); /* EXIT_ERROR */

/* Why something below main was not done: text and remedy, printed once at the edge. */
struct fault {
	char text[768];
	char hint[512]; /* or "" */
};

/* Fill F and return R, so that "return fault_set(f, -EINVAL, …)" reads well. Control bytes are escaped. */
int fault_set(struct fault *f, int r, const char *format, ...) PRINTF_LIKE(3, 4);
/* Add a remedy. */
void fault_hint(struct fault *f, const char *format, ...) PRINTF_LIKE(2, 3);
/*
 * Print F and give the exit code of R: -ESRCH, -EEXIST and -EKEYREJECTED are answers (EXIT_REFUSED),
 * everything else is an error. With an empty F the words are strerror's.
 */
enum exit_code fault_print(const struct fault *f, int r);

#endif
