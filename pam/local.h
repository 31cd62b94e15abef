/* Local users are none of our business, those who were taken over apart: they are recognised before anything else (P12). */
#ifndef PAM_LOCAL_H
#define PAM_LOCAL_H

#include <stdint.h>

#include "common/macros.h"

/*
 * Is NAME local: "root", or the first field of a line of the file PASSWD? Read from the file and not through NSS, which
 * would ask ourselves; without stdio and malloc, so that it holds when memory is short.
 * Returns 1 yes; 0 no; -errno when the file cannot be read.
 */
int local_user(const char *passwd, const char *name) MUST_CHECK;

/*
 * The number in field FIELD, counted from 0, of the first line of FILE whose first field is NAME; read likewise.
 * Returns 1 found; 0 there is no such line; -EBADMSG the field is no number; -errno when the file cannot be read.
 */
int local_number(const char *file, const char *name, unsigned int field, uint32_t *ret) MUST_CHECK;

#endif
