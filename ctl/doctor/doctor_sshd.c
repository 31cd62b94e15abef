/* sshd as it would start now: its own 'sshd -T' says what is in force, whichever file says it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/factor.h"
#include "ctl/doctor/doctor.h"
#include "ctl/program.h"

#define SSHD        "/usr/sbin/sshd"
#define SNIPPET     MUSTER_ETC "/ssh/sshd_config.d/muster.conf"
#define KEY_COMMAND BINDIR "/musterctl ssh-keys %u"
#define KEY_USER    "muster-keys"

/* The value of KEY in what sshd -T prints, into OUT; "" when there is none. */
static const char *value_of(const char *text, const char *key, char out[static FIRST_LINE_SIZE])
{
	size_t len = strlen(key);

	out[0] = '\0';
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (strncasecmp(text, key, len) == 0 && text[len] == ' ')
			return first_line(text + len + 1, out);
	return out;
}

static void check_pam(struct doctor *d, const char *text)
{
	char value[FIRST_LINE_SIZE];
	struct finding f = {FINDING_FAULT, "sshd.pam",
			    .remedy = "set 'UsePAM yes' in sshd_config, and reload sshd"};

	if (strcmp(value_of(text, "usepam", value), "yes") != 0) {
		doctor_tell(d, &f, "UsePAM is no: suspended users get in with a key, passwords never work");
		return;
	}
	doctor_ok(d, "sshd.pam", NULL, "UsePAM is yes");
}

/* sshd runs the command only when nobody but root can change it or a directory above it. */
static void check_path(struct doctor *d)
{
	char path[] = BINDIR "/musterctl";
	struct finding f = {FINDING_FAULT, "sshd.keys", .file = path,
			    .remedy = "chown root and chmod go-w it"};
	struct stat st;

	for (char *slash = path + strlen(path); slash; slash = strrchr(path, '/')) {
		*slash = '\0';
		if (!path[0])
			return;
		if (stat(path, &st) < 0)
			doctor_tell(d, &f, "%s", strerror(errno));
		else if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
			doctor_tell(d, &f, "sshd does not run what others than root can change");
		else
			continue;
		return;
	}
}

static void check_keys(struct doctor *d, const char *text)
{
	char command[FIRST_LINE_SIZE], user[FIRST_LINE_SIZE];
	struct finding f = {FINDING_WARNING, "sshd.keys", .file = SNIPPET,
			    .remedy = "put 'AuthorizedKeysCommand " KEY_COMMAND "' and 'AuthorizedKeysCommandUser "
				      KEY_USER "' there, which sshd_config has to include before any other"};

	value_of(text, "authorizedkeyscommand", command);
	value_of(text, "authorizedkeyscommanduser", user);
	if (strcmp(command, KEY_COMMAND) != 0) {
		doctor_tell(d, &f, "AuthorizedKeysCommand is '%s': public keys of the directory do not count",
			    command);
	} else if (strcmp(user, KEY_USER) != 0) {
		f.remedy = "set 'AuthorizedKeysCommandUser " KEY_USER "'";
		doctor_tell(d, &f, "AuthorizedKeysCommandUser is '%s'", user);
	} else {
		doctor_ok(d, "sshd.keys", NULL, "keys come from %s, as " KEY_USER, KEY_COMMAND);
		check_path(d);
	}
}

/* Whoever needs a code, and has one field to type it into, should hear of it. */
static void check_codes(struct doctor *d, const char *text)
{
	const struct policy *p = &d->view.policy;
	char value[FIRST_LINE_SIZE];
	struct finding f = {FINDING_NOTE, "sshd.codes",
			    .remedy = "set 'KbdInteractiveAuthentication yes' in sshd_config, or tell your users: "
				      "password,123456"};

	if (!d->view.pam || !p->totp_wanted || !factor_is_asked(p, "sshd"))
		return;
	if (strcmp(value_of(text, "kbdinteractiveauthentication", value), "yes") == 0)
		doctor_ok(d, "sshd.codes", NULL, "codes of the second factor are asked for by themselves");
	else
		doctor_tell(d, &f, "sshd asks for no codes: they have to be typed behind the password");
}

void doctor_sshd(struct doctor *d)
{
	static const char *const argv[] = {SSHD, "-T", NULL};
	CLEANUP(buf_done) struct buf out = {0};
	char line[FIRST_LINE_SIZE];
	struct finding f = {FINDING_WARNING, "sshd", .remedy = "mend sshd's configuration"};
	int r;

	if (access(SSHD, X_OK) < 0) {
		doctor_ok(d, "sshd", NULL, "no " SSHD " here");
		return;
	}
	if (!d->root) {
		doctor_unseen(d, "sshd", "what " SSHD " -T says");
		return;
	}
	r = program_run(argv, DOCTOR_RUN_MS, &out);
	if (r == 0) {
		check_pam(d, (const char *)out.data);
		check_keys(d, (const char *)out.data);
		check_codes(d, (const char *)out.data);
		return;
	}
	if (out.data && strstr((const char *)out.data, "Missing privilege separation directory")) {
		f.remedy = "start sshd once, or 'mkdir -m 0755 /run/sshd', and run this again";
		doctor_tell(d, &f, "sshd has not been started since boot, and does not say what it would do: UsePAM and keys "
				   "were not looked at");
		return;
	}
	doctor_tell(d, &f, SSHD " -T: %s",
		    r < 0 ? strerror(-r) : first_line(out.data ? (const char *)out.data : "", line));
}
