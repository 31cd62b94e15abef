/* Shells of this host: listed in /etc/shells, and there. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "agentd/local_private.h"

bool local_has_string(const struct buf *strings, const char *wanted)
{
	const char *s = (const char *)strings->data;

	for (size_t at = 0; at < strings->len; at += strlen(s + at) + 1)
		if (!strcmp(s + at, wanted))
			return true;
	return false;
}

bool local_shell_listed(const struct local *l, const char *shell)
{
	return local_has_string(&l->shells, shell);
}

bool local_shell_missing(const struct local *l, const char *shell)
{
	return local_has_string(&l->missing, shell);
}

static bool is_missing(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
	return !S_ISREG(st.st_mode) || !(st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH));
}

int local_look_at_shell(struct local *l, const char *shell)
{
	if (local_shell_missing(l, shell) || !is_missing(shell))
		return 0;
	l->fingerprint = XXH3_64bits_withSeed(shell, strlen(shell), l->fingerprint);
	return buf_add(&l->missing, shell, strlen(shell) + 1);
}

int local_look_at_shells(struct local *l)
{
	const char *s = (const char *)l->shells.data;
	int r = 0;

	for (size_t at = 0; r == 0 && at < l->shells.len; at += strlen(s + at) + 1)
		r = local_look_at_shell(l, s + at);
	return r;
}
