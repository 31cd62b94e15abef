/* Would muster-fetch take this document? Asked of its own code, before the document is put in place. */
#ifndef CTL_DIRECTORY_CHECK_H
#define CTL_DIRECTORY_CHECK_H

#include "ctl/message.h"

/*
 * Read the document in NEW_FD as muster-fetch will. An entry that would be left out is an error, unless it is left
 * out of the document in OLD_FD (-1: none) for the same reason: an edit need not mend what others broke.
 * 0; -EKEYREJECTED; -EBADMSG, -errno. F is filled.
 */
int check_document(int old_fd, int new_fd, struct fault *f) MUST_CHECK;

#endif
