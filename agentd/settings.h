/*
 * The configuration in force: its values, and a private copy of its bytes for the workers, so that a sync obeys what was
 * checked and not what somebody is just writing.
 */
#ifndef AGENTD_SETTINGS_H
#define AGENTD_SETTINGS_H

#include "agentd/conf.h"

struct settings {
	struct conf conf;
	int fd; /* the copy */
};

/* Read and check PATH (NULL: the default). Errors as conf_load(). */
int settings_load(const char *path, struct settings *ret, char ret_error[static CONF_ERROR_SIZE]) MUST_CHECK;

/* The same from a copy that another process has checked; takes FD over. */
int settings_take(int fd, const char *path, struct settings *ret, char ret_error[static CONF_ERROR_SIZE]) MUST_CHECK;

void settings_done(struct settings *s);

/* The path of a directory in a file, NULL for one that is asked over a network. Leads into S. */
const char *settings_document(const struct settings *s);

#endif
