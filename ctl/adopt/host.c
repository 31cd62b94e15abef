#include "ctl/adopt/host.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <string.h>

#include "agentd/file.h"
#include "common/dirs.h"
#include "ctl/adopt/profile.h"
#include "ctl/program.h"
#include "ctl/setup/files.h"

#define PASSWD      MUSTER_ETC "/passwd"
#define GROUP       MUSTER_ETC "/group"
#define SHADOW_FILE MUSTER_ETC "/shadow"
#define LOCK        MUSTER_ETC "/muster/adopted.lock" /* nobody else can open it, and so hold it */
#define PROFILE     "muster-adopt"
#define AUTH_UPDATE "/usr/sbin/pam-auth-update"
#define LIMIT_MS    60000

static void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

static int open_file(const char *path, FILE **ret, struct fault *f)
{
	*ret = fopen(path, "re");
	return *ret ? 0 : fault_set(f, -errno, "%s: %s", path, strerror(errno));
}

static int fill_home(struct adopt_user *u, struct fault *f)
{
	CLEANUP(fclosep) FILE *file = NULL;
	const struct passwd *p;
	int r = open_file(PASSWD, &file, f);

	while (r == 0 && !u->home && (p = fgetpwent(file)))
		if (!strcmp(p->pw_name, u->name) && !(u->home = strdup(p->pw_dir)))
			r = -ENOMEM;
	return r;
}

static bool is_member(const struct group *g, const struct adopt_user *u)
{
	for (char **m = g->gr_mem; *m; m++)
		if (!strcmp(*m, u->name))
			return true;
	return g->gr_gid == u->gid;
}

static int fill_groups(struct adopt_user *u, struct fault *f)
{
	CLEANUP(fclosep) FILE *file = NULL;
	const struct group *g;
	int r = open_file(GROUP, &file, f);

	while (r == 0 && (g = fgetgrent(file))) {
		AUTO_FREE char *before = TAKE(u->groups);

		if (is_member(g, u))
			u->groups = str_format("%s%s%s", before ? before : "", before ? " " : "",
					       g->gr_name);
		else
			u->groups = TAKE(before);
		if (is_member(g, u) && !u->groups)
			r = -ENOMEM;
	}
	return r;
}

static enum adopt_password password_of(const char *hash)
{
	if (!*hash)
		return ADOPT_PASSWORD_EMPTY;
	return *hash == '!' || *hash == '*' ? ADOPT_PASSWORD_LOCKED : ADOPT_PASSWORD_OPEN;
}

/* As 'usermod -L' leaves it: there is a password behind the mark. Where root has put something else there, that is to stay. */
static bool is_locked_hash(const char *hash)
{
	return hash[0] == '!' && hash[1] && hash[1] != '!' && hash[1] != '*';
}

/* What a line of /etc/shadow says. */
struct shadow {
	enum adopt_password password;
	bool locked_hash, expires;
};

static int read_shadow(const char *name, struct shadow *ret, struct fault *f)
{
	CLEANUP(fclosep) FILE *file = NULL;
	const struct spwd *s;
	int r = open_file(SHADOW_FILE, &file, f);

	*ret = (struct shadow){.password = ADOPT_PASSWORD_NONE};
	while (r == 0 && (s = fgetspent(file)))
		if (!strcmp(s->sp_namp, name)) {
			ret->password = password_of(s->sp_pwdp);
			ret->locked_hash = is_locked_hash(s->sp_pwdp);
			ret->expires = s->sp_expire >= 0;
			break;
		}
	return r;
}

int adopt_host_fill(struct adopt_user *u, struct fault *f)
{
	struct shadow line;
	int r;

	if (!u->local)
		return 0;
	r = fill_home(u, f);
	if (r == 0)
		r = fill_groups(u, f);
	if (r == 0)
		r = read_shadow(u->name, &line, f);
	if (r == 0) {
		u->password = line.password;
		u->expires = line.expires;
	}
	return r == -ENOMEM ? fault_set(f, r, "out of memory") : r;
}

/* A program of the distribution's, which knows its files and their locks. */
static int call(const char *const *argv, struct fault *f)
{
	CLEANUP(buf_done) struct buf out = {0};
	char line[FIRST_LINE_SIZE];
	int r = program_run(argv, LIMIT_MS, &out);

	if (r == 0)
		return 0;
	return fault_set(f, r < 0 ? r : -EIO, "%s: %s", argv[0],
			 r < 0 ? strerror(-r)
			       : first_line(out.len ? (const char *)out.data : "", line));
}

int adopt_host_lock(const struct adopt_user *u, bool lock, struct fault *f)
{
	const char *const argv[] = {"/usr/sbin/usermod", lock ? "-L" : "-U", u->name, NULL};
	struct shadow now;
	int r = read_shadow(u->name, &now, f);

	if (r < 0 || (lock ? now.password != ADOPT_PASSWORD_OPEN : !now.locked_hash))
		return r;
	r = call(argv, f);
	if (r == 0)
		r = read_shadow(u->name, &now, f);
	if (r == 0 && (now.password != ADOPT_PASSWORD_OPEN) != lock)
		r = fault_set(f, -EIO, "%s: usermod has not %s the password", u->name,
			      lock ? "locked" : "unlocked");
	return r;
}

int adopt_host_profile(bool on, struct fault *f)
{
	const char *const argv[] = {"/usr/bin/env",
				    "DEBIAN_FRONTEND=noninteractive",
				    AUTH_UPDATE,
				    "--package",
				    on ? "--enable" : "--disable",
				    PROFILE,
				    NULL};
	int r;

	if (adopt_profile_is_on() == on) /* perhaps since a moment, by one who was killed */
		return setup_sync(f);
	r = access(AUTH_UPDATE, X_OK) < 0 ? fault_set(f, -ENOENT, "there is no " AUTH_UPDATE)
					  : call(argv, f);
	if (r == 0 && adopt_profile_is_on() != on)
		r = fault_set(f, -EIO,
			      "pam-auth-update leaves " MUSTER_ETC
			      "/pam.d/common-* alone: they were edited by hand");
	if (r == 0)
		return setup_sync(f);
	fault_hint(f, "%s the lines of the profile " PROFILE " by hand: pam_muster(8)", on ? "put in" : "take out");
	return r;
}

int adopt_host_lock_out_others(struct fault *f)
{
	AUTO_CLOSE int fd = -1;
	int r = dir_make(MUSTER_ETC "/muster", 0755); /* also where somebody has deleted it, and the profile is still on */

	if (r == 0) {
		fd = open(LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		r = fd < 0 ? -errno : file_lock(fd, LIMIT_MS);
	}
	if (r == 0)
		return TAKE_FD(fd);
	fault_set(f, r, "cannot lock " LOCK ": %s", strerror(-r));
	if (r == -ETIMEDOUT)
		fault_hint(f, "'fuser -v " LOCK "' shows who has had it for a minute");
	return r;
}
