#include "ctl/setup/stage.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "agentd/file.h"
#include "ctl/program.h"
#include "ctl/setup/files.h"
#include "ctl/setup/nsswitch_edit.h"

#define LIMIT_MS      120000 /* never ended in the middle of its work for being slow */
#define ARGUMENTS_MAX 16
#define SERVICE_LIMIT (1u << 20)
#define DEBCONF_RC    "debconf.conf"

int pam_update(const char *root, enum pam_change change, struct fault *f)
{
	AUTO_FREE char *rc = str_format("DEBCONF_SYSTEMRC=%s/" DEBCONF_RC, root);
	const char *argv[ARGUMENTS_MAX] = {"/usr/bin/env", "DEBIAN_FRONTEND=noninteractive"};
	const char *verb = change == PAM_DISABLE ? "--disable" : "--enable";
	CLEANUP(buf_done) struct buf out = {0};
	char line[FIRST_LINE_SIZE];
	unsigned n = 2;
	int r;

	if (!rc)
		return -ENOMEM;
	if (*root)
		argv[n++] = rc;
	argv[n++] = PAM_AUTH_UPDATE;
	argv[n++] = "--package";
	if (*root) {
		argv[n++] = "--root";
		argv[n++] = root;
	}
	argv[n++] = verb;
	argv[n++] = "muster";
	argv[n++] = "muster-gate";
	if (change == PAM_ENABLE_HOMES)
		argv[n++] = "mkhomedir";
	r = program_run(argv, LIMIT_MS, &out);
	if (r == 0 && !strstr((const char *)out.data, "Local modifications"))
		return 0;
	if (r == 0) { /* all that it says then; it exits 0 */
		fault_set(f, -EKEYREJECTED,
			  "pam-auth-update leaves " SETUP_PAM_D "/common-* alone: they were edited by hand");
		fault_hint(f,
			   "undo those edits, or drop them: 'pam-auth-update --force --package %s muster muster-gate'",
			   verb);
		return -EKEYREJECTED;
	}
	return fault_set(f, -EKEYREJECTED, PAM_AUTH_UPDATE ": %s",
			 r < 0 ? strerror(-r) : first_line(out.data ? (const char *)out.data : "it failed", line));
}

static int write_text(const char *dir, const char *name, const char *text, struct fault *f)
{
	int r = file_replace(dir, name, 0600, text, strlen(text));

	return r < 0 ? fault_set(f, r, "cannot write %s/%s: %s", dir, name, strerror(-r)) : 0;
}

/* pam-auth-update keeps its choice in debconf's database, too: what is only tried out goes to another one. */
static int make_debconf(struct fault *f)
{
	return write_text(SETUP_STAGE, DEBCONF_RC,
			  "Config: configdb\nTemplates: templatedb\n\n"
			  "Name: configdb\nDriver: File\nMode: 600\nFilename: " SETUP_STAGE "/config.dat\n\n"
			  "Name: templatedb\nDriver: File\nMode: 600\nFilename: " SETUP_STAGE "/templates.dat\n",
			  f);
}

/* Debian's libpam looks for what is @included in /etc/pam.d, wherever the file that says so lies; for all else beside it. */
static int redirect(const struct buf *text, struct buf *out)
{
	static const char word[] = "@include";
	int r = 0;

	for (const char *line = (const char *)text->data; r == 0 && *line;) {
		size_t len = strcspn(line, "\n"), n = strspn(line, " \t");

		len += line[len] == '\n';
		if (strncmp(line + n, word, strlen(word)) == 0) {
			n += strlen(word);
			n += strspn(line + n, " \t");
			r = buf_add(out, line, n);
			if (r == 0 && line[n] != '/')
				r = buf_add(out, SETUP_STAGE SETUP_PAM_D "/", strlen(SETUP_STAGE SETUP_PAM_D "/"));
		} else {
			n = 0;
		}
		if (r == 0)
			r = buf_add(out, line + n, len - n);
		line += len;
	}
	return r;
}

/* The services, which include the common files; those are there already. */
static int copy_service(const char *name, struct fault *f)
{
	CLEANUP(buf_done) struct buf text = {0};
	CLEANUP(buf_done) struct buf copy = {0};
	AUTO_FREE char *path = str_format(SETUP_PAM_D "/%s", name);
	AUTO_FREE char *there = str_format(SETUP_STAGE SETUP_PAM_D "/%s", name);
	struct stat st;
	int r;

	if (!path || !there)
		return -ENOMEM;
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || access(there, F_OK) == 0)
		return 0;
	r = file_read(path, SERVICE_LIMIT, &text);
	if (r == 0)
		r = redirect(&text, &copy);
	if (r == 0)
		r = file_replace(SETUP_STAGE SETUP_PAM_D, name, 0644, copy.data, copy.len);
	return r < 0 ? fault_set(f, r, "cannot copy %s: %s", path, strerror(-r)) : 0;
}

static int copy_services(struct fault *f)
{
	struct dirent **names;
	int n = scandir(SETUP_PAM_D, &names, NULL, alphasort), r = 0;

	if (n < 0)
		return fault_set(f, -errno, "cannot read " SETUP_PAM_D ": %s", strerror(errno));
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = copy_service(names[i]->d_name, f);
		free(names[i]);
	}
	free(names);
	return r;
}

static int change_nsswitch(struct fault *f)
{
	CLEANUP(buf_done) struct buf old = {0};
	CLEANUP(buf_done) struct buf new = {0};
	struct stat st;
	int r = setup_read(SETUP_FOUND, SETUP_NSSWITCH, &old, f);

	if (r == 0 && (memchr(old.data, '\0', old.len) || stat(SETUP_FOUND MUSTER_ETC "/nsswitch.conf", &st) < 0))
		r = fault_set(f, -EKEYREJECTED, "%s is no text", setup_path(SETUP_NSSWITCH));
	if (r == 0)
		r = nsswitch_add((const char *)old.data, &new, f);
	return r < 0 ? r : setup_write(SETUP_STAGE, SETUP_NSSWITCH, st.st_mode & 07777, &new, f);
}

int stage_make(enum pam_change change, struct fault *f)
{
	int r = setup_remove(SETUP_STAGE);

	if (r == 0)
		r = setup_remove(SETUP_FOUND);
	if (r < 0)
		return fault_set(f, r, "cannot remove " SETUP_STAGE ": %s", strerror(-r));
	r = setup_copy(SETUP_LIVE, SETUP_FOUND, f);
	if (r == 0)
		r = setup_copy(SETUP_FOUND, SETUP_STAGE, f);
	if (r == 0)
		r = copy_services(f);
	if (r == 0)
		r = make_debconf(f);
	if (r == 0)
		r = setup_make_folders(SETUP_STAGE "/usr/share");
	if (r == 0 && symlink(PAM_PROFILES, SETUP_STAGE PAM_PROFILES) < 0)
		r = fault_set(f, -errno, "cannot link " SETUP_STAGE PAM_PROFILES ": %s", strerror(errno));
	if (r == 0)
		r = change_nsswitch(f);
	if (r == 0)
		r = pam_update(SETUP_STAGE, change, f);
	if (r == 0 && !setup_has_pam(SETUP_STAGE))
		r = fault_set(f, -EKEYREJECTED, "pam-auth-update does not enable the profile of muster");
	return r;
}
