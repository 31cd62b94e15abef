/*
 * musterctl ssh-keys: sshd's AuthorizedKeysCommand. Runs as an unprivileged user, so that it reads only
 * what everybody may. An empty answer is an answer: sshd then goes on to other methods.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/account.h"
#include "common/names.h"
#include "common/paths.h"
#include "common/snapshot_reader.h"
#include "common/sshkey.h"
#include "ctl/commands.h"
#include "ctl/view.h"

/* Nothing but "type base64" reaches sshd, whatever the snapshot says: options would be obeyed. */
static void print_key(const char *key)
{
	char line[ACCOUNT_KEY_SIZE_MAX];

	if (sshkey_normalise(key, strlen(key), line, sizeof(line)) == 0)
		puts(line);
}

static enum exit_code run(const struct invocation *in)
{
	const char *name = in->args[0];
	CLEANUP(snapshot_closep) struct snapshot *s = NULL;
	CLEANUP(buf_done) struct buf buf = {0};
	struct strlist keys = {0};
	int r;

	if (!name_valid(name) || name_reserved(name) || view_name_is_local(name))
		return EXIT_OK;
	r = snapshot_open_published(SNAPSHOT_NSS, &s);
	if (r == 0)
		r = snapshot_keys(s, name, &buf, &keys);
	if (r < 0 && r != -ESRCH) {
		struct fault f;

		snapshot_fault(&f, r, NSS_SNAPSHOT);
		fault_print(&f, r);
		return EXIT_ERROR;
	}
	for (const char *key = NULL; (key = strlist_next(&keys, key));)
		print_key(key);
	return EXIT_OK;
}

const struct command command_ssh_keys = {
	.name = "ssh-keys",
	.args = "NAME",
	.min_args = 1,
	.max_args = 1,
	.summary = "Prints the SSH keys of a user, for sshd's AuthorizedKeysCommand.",
	.details = "Prints nothing for local, unknown and refused users, and exits 0 then too.",
	.run = run,
};
