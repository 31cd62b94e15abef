/* Homes: what new ones are made from, where they are made, and whose those are that are there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/doctor/doctor.h"

#define SKELETON  MUSTER_ETC "/skel"
#define LINES_MAX 20 /* of homes; the rest is counted */

static bool is_roots(const struct stat *st)
{
	return st->st_uid == 0 && (S_ISLNK(st->st_mode) || !(st->st_mode & (S_IWGRP | S_IWOTH)));
}

/* The first entry in DIR that somebody but root can change, in a new home each; NULL: none. */
static char *find_foreign(DIR *dir)
{
	const struct dirent *e;
	struct stat st;

	while ((e = readdir(dir)))
		if (strcmp(e->d_name, "..") != 0 && fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    !is_roots(&st))
			return strdup(e->d_name);
	return NULL;
}

static void check_skeleton(struct doctor *d)
{
	DIR *dir = opendir(SKELETON);
	AUTO_FREE char *foreign = dir ? find_foreign(dir) : NULL;
	struct finding f = {FINDING_NOTE, "home.skeleton", .file = SKELETON,
			    .remedy = "make the folder, when new homes shall not be empty"};

	if (!dir) {
		doctor_tell(d, &f, "%s: new homes get nothing from it", strerror(errno));
		return;
	}
	closedir(dir);
	f.status = FINDING_WARNING;
	f.remedy = "chown root it, and chmod go-w it";
	if (foreign)
		doctor_tell(d, &f, "others than root can change '%s', which is copied into each new home", foreign);
	else
		doctor_ok(d, f.check, SKELETON, "what new homes get is root's");
}

/* Where the template's first part that differs between users begins. */
static char *parent_of(const char *template)
{
	size_t len = strcspn(template, "%");

	while (len > 1 && template[len - 1] != '/')
		len--;
	return len > 1 ? strndup(template, len - 1) : NULL;
}

static void check_parent(struct doctor *d)
{
	AUTO_FREE char *parent = d->conf.home ? parent_of(d->conf.home) : NULL;
	struct finding f = {FINDING_WARNING, "home.parent", .file = parent, .remedy = "chown root it, and chmod go-w it"};
	struct stat st;

	if (!parent)
		return; /* without a configuration that is good */
	if (stat(parent, &st) < 0) {
		f.status = FINDING_NOTE;
		f.remedy = "make it, as a folder of root's";
		doctor_tell(d, &f, "%s: there are no homes yet", strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		f.remedy = "make it a folder, or change home in " MUSTER_CONF;
		doctor_tell(d, &f, "no folder: no home can be made");
	} else if (!is_roots(&st)) {
		doctor_tell(d, &f, "others than root can make homes there before their owners come");
	} else if (d->root && access(parent, W_OK) < 0) {
		f.remedy = "mount it so that homes can be made, or make them elsewhere";
		doctor_tell(d, &f, "%s: nobody gets a new home", strerror(errno));
	} else {
		doctor_ok(d, f.check, parent, "homes can be made there");
	}
}

/* Somebody else's, or no folder. No automounter is asked, which would mount the homes of all. */
static const char *home_fault(const char *home, uint32_t uid, struct stat *st)
{
	if (fstatat(AT_FDCWD, home, st, AT_NO_AUTOMOUNT) < 0)
		return NULL; /* there is none yet, or it is not to be seen */
	if (!S_ISDIR(st->st_mode))
		return "is no folder";
	return st->st_uid != uid ? "belongs to somebody else" : NULL;
}

/* A name that came back, or a home that was made by hand: whoever owns it reads and changes what the user keeps there. */
static void check_owners(struct doctor *d)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct finding f = {FINDING_WARNING, "home.owner",
			    .remedy = "see whose files those are, then chown them, or move them away"};
	struct snapshot_user u;
	struct stat st;
	unsigned n = 0;

	for (uint32_t after = 0; snapshot_user_next(d->view.nss, after, &buf, &u) == 0; after = u.uid) {
		const char *fault = home_fault(u.home, u.uid, &st);

		if (!fault || n++ >= LINES_MAX)
			continue;
		f.file = u.home;
		doctor_tell(d, &f, "%s, the home of %s (uid %u): uid %u", fault, u.name, u.uid, (unsigned)st.st_uid);
	}
	f.file = NULL;
	if (n > LINES_MAX)
		doctor_tell(d, &f, "and %u more", n - LINES_MAX);
	else if (n == 0)
		doctor_ok(d, f.check, NULL, "no home of theirs belongs to somebody else");
}

void doctor_homes(struct doctor *d)
{
	check_skeleton(d);
	check_parent(d);
	if (d->view.nss)
		check_owners(d);
}
