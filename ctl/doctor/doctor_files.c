/* Configuration, credentials, folders, the users that programs run as: there, whole, and nobody else's. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agentd/credentials.h"
#include "agentd/local.h"
#include "ctl/doctor/doctor.h"

#define TMPFILES "run 'systemd-tmpfiles --create muster.conf'"
#define SYSUSERS "run 'systemd-sysusers muster.conf'"

static void check_conf(struct doctor *d)
{
	struct finding f = {FINDING_FAULT, "conf", .remedy = "mend it, see muster.conf(5)"};

	if (d->conf_error[0]) {
		doctor_tell(d, &f, "%s", d->conf_error);
		return;
	}
	doctor_ok(d, "conf", MUSTER_CONF, "%s",
		  access(MUSTER_CONF, F_OK) == 0 ? "understood" : "not there: all defaults hold");
}

bool doctor_uses_network(const struct doctor *d)
{
	return !d->conf_error[0] &&
	       (d->conf.driver != CONF_DRIVER_DOCUMENT || strncmp(d->conf.url, "file:", 5) != 0);
}

/* The LDAP server's authorities, too. */
static int load_credentials(const struct doctor *d, char error[static CREDENTIALS_ERROR_SIZE])
{
	const struct conf *c = &d->conf;
	CLEANUP(credentials_done) struct credentials all = {0};
	CLEANUP(buf_done) struct buf ldap = {0};
	int r = doctor_uses_network(d) ? credentials_load(c, &all, error) : 0;

	return r == 0 && c->password == CONF_PASSWORD_LDAP ? credentials_ldap_ca(c, &ldap, error) : r;
}

static void check_credentials(struct doctor *d)
{
	char error[CREDENTIALS_ERROR_SIZE];
	struct finding f = {FINDING_FAULT, "credentials", .remedy = "make it so, or change " MUSTER_CONF};

	if (d->conf_error[0] || (!doctor_uses_network(d) && d->conf.password != CONF_PASSWORD_LDAP))
		return;
	if (!d->root)
		doctor_unseen(d, "credentials", "keys and tokens");
	else if (load_credentials(d, error) < 0)
		doctor_tell(d, &f, "%s", error);
	else
		doctor_ok(d, "credentials", NULL, "the files that muster.conf names can be read by root alone");
}

/* What has to be there. NEED and FORBID are of the mode. */
struct expected {
	const char *name; /* in the folder */
	mode_t need, forbid;
	enum finding_status missing;
	const char *why; /* it matters when it is missing */
};

static bool judge_file(struct doctor *d, const char *path, const struct expected *e)
{
	struct finding f = {FINDING_FAULT, "files", .file = path, .remedy = TMPFILES};
	struct stat st;

	if (lstat(path, &st) < 0) {
		if (errno == EACCES)
			return true;
		f.status = e->missing;
		if (f.status != FINDING_OK)
			doctor_tell(d, &f, "%s: %s", strerror(errno), e->why);
		return f.status == FINDING_OK;
	}
	if (st.st_uid != 0) {
		f.remedy = "chown root it";
		doctor_tell(d, &f, "belongs to uid %u", (unsigned int)st.st_uid);
	} else if (st.st_mode & e->forbid) {
		f.remedy = "chmod it";
		doctor_tell(d, &f, "mode is %04o: nobody but root may %s it",
			    (unsigned int)st.st_mode & 07777, e->forbid & S_IROTH ? "open" : "change");
	} else if ((st.st_mode & e->need) != e->need) {
		f.remedy = "chmod it";
		doctor_tell(d, &f, "mode is %04o: everybody has to reach what is in it",
			    (unsigned int)st.st_mode & 07777);
	} else {
		return true;
	}
	return false;
}

static bool judge_files(struct doctor *d, const char *dir, const struct expected *e, size_t n)
{
	bool good = true;

	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *path = str_format("%s%s%s", dir, *e[i].name ? "/" : "", e[i].name);

		if (path && !judge_file(d, path, &e[i]))
			good = false;
	}
	return good;
}

static void check_folders(struct doctor *d)
{
	static const struct expected runtime[] = {
		{"", 0555, 0022, FINDING_FAULT, "nothing can be published"},
		{"private", 0, 0077, FINDING_WARNING, "the agent cannot be asked"},
		{"tally", 0, 0077, FINDING_FAULT,
		 "failed attempts cannot be counted, and so no password is verified"},
		{"nss.snapshot", 0444, 0022, FINDING_OK, ""},
		{"pam.snapshot", 0, 0077, FINDING_OK, ""},
	};
	static const struct expected state[] = {
		{"", 0555, 0022, FINDING_FAULT, "nothing outlives a boot"},
		{"user", 0, 0077, FINDING_WARNING, "musterd has nowhere to keep what it knows of users"},
		{"cache.mdb", 0, 0077, FINDING_OK, ""},
		{"ledger.mdb", 0, 0077, FINDING_OK, ""},
		{"nss.snapshot", 0444, 0022, FINDING_OK, ""},
		{"pam.snapshot", 0, 0077, FINDING_OK, ""},
	};
	static const struct expected etc[] = {
		{"", 0555, 0022, FINDING_WARNING, "there is no configuration"},
		{"adopted", 0444, 0022, FINDING_OK, ""},
	};
	bool good = judge_files(d, MUSTER_ETC "/muster", etc, ARRAY_SIZE(etc));

	good = judge_files(d, MUSTER_RUNTIME_DIR, runtime, ARRAY_SIZE(runtime)) && good;
	good = judge_files(d, MUSTER_STATE_DIR, state, ARRAY_SIZE(state)) && good;
	if (good)
		doctor_ok(d, "files", NULL, "folders and files belong to root, with the modes they need");
}

/* musterctl and the modules look where they were built to; musterd where it is told. */
static void check_paths(struct doctor *d)
{
	struct finding f = {FINDING_FAULT, "conf.paths", .file = MUSTER_CONF,
			    .remedy = "leave [paths] alone: it is for tests of musterd"};

	if (!d->conf_error[0] && (strcmp(d->conf.state_dir, MUSTER_STATE_DIR) != 0 ||
				  strcmp(d->conf.runtime_dir, MUSTER_RUNTIME_DIR) != 0))
		doctor_tell(d, &f, "musterd publishes where nobody reads");
}

static void check_fetch(struct doctor *d)
{
	struct finding f = {FINDING_FAULT, "fetch", .file = d->conf.fetch, .remedy = "install it again"};

	if (!d->conf_error[0] && access(d->conf.fetch, X_OK) < 0)
		doctor_tell(d, &f, "%s: no directory can be read", strerror(errno));
}

static void check_user(struct doctor *d, const struct local *local, const char *name, const char *why)
{
	struct finding f = {FINDING_FAULT, "users.system", .file = MUSTER_ETC "/passwd", .remedy = SYSUSERS};
	uint32_t uid, gid;

	if (local_user(local, name, &uid, &gid) < 0) {
		doctor_tell(d, &f, "there is no user '%s', %s", name, why);
	} else if (uid == 0) {
		f.remedy = "remove the user, then " SYSUSERS;
		doctor_tell(d, &f, "'%s' is root, and must not be", name);
	} else {
		doctor_ok(d, "users.system", NULL, "'%s', uid %u", name, uid);
	}
}

static void check_users(struct doctor *d)
{
	CLEANUP(local_freep) struct local *local = NULL;
	char error[LOCAL_ERROR_SIZE];

	if (local_load(MUSTER_ETC, &local, error) < 0) {
		doctor_tell(d, &(struct finding){FINDING_FAULT, "users.system", .remedy = "mend the file"},
			    "%s", error);
		return;
	}
	check_user(d, local, "muster", "whom muster-fetch runs as");
	check_user(d, local, "muster-keys", "as whom sshd asks for keys");
}

void doctor_files(struct doctor *d)
{
	check_conf(d);
	check_paths(d);
	check_credentials(d);
	check_fetch(d);
	check_folders(d);
	check_users(d);
}
