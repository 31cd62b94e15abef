/*
 * The document at a file:// URL, from musterd's side: opened by musterd alone, as a plain file that nobody else can write or
 * read, since it holds password hashes; and known again by its bytes.
 */
#ifndef AGENTD_DOCUMENT_H
#define AGENTD_DOCUMENT_H

#include <stdint.h>

#include "common/macros.h"

#define DOCUMENT_ERROR_SIZE 384

/*
 * Open the document. Its owner must be root, or who we are; no others may read or write it, its group not write it.
 *   ret_fd     close-on-exec, at offset 0
 *   ret_sum    of all its bytes
 *   ret_error  what is wrong, and what to do; "" on success
 * 0; -EPERM owner or mode; -EFBIG; -EINVAL no regular file; -errno.
 */
int document_open(const char *url, int *ret_fd, uint64_t *ret_sum,
		  char ret_error[static DOCUMENT_ERROR_SIZE]) MUST_CHECK;

#endif
