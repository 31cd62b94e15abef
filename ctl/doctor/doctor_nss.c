/* nsswitch.conf, libnss_muster.so.2, and whether a lookup really answers. */
#include <dlfcn.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "agentd/file.h"
#include "ctl/doctor/doctor.h"
#include "ctl/doctor/nsswitch.h"

#define NSSWITCH       MUSTER_ETC "/nsswitch.conf"
#define NSSWITCH_LIMIT (1u << 20)
#define MODULE         "libnss_muster.so.2"
#define MUSTER         "muster"

static struct finding at(enum finding_status status, const char *check, unsigned line, const char *remedy)
{
	return (struct finding){status, check, .file = NSSWITCH, .line = line, .remedy = remedy};
}

/* Of the services before muster, the first that keeps a lookup from getting there; NULL: none. */
static const struct nsswitch_service *blocker(const struct nsswitch *n, int muster)
{
	for (int i = 0; i < muster; i++)
		if (n->services[i].on[NSSWITCH_NOTFOUND] == NSSWITCH_RETURN ||
		    n->services[i].on[NSSWITCH_UNAVAIL] == NSSWITCH_RETURN)
			return &n->services[i];
	return NULL;
}

static bool is_files(const struct nsswitch_service *s)
{
	return strcmp(s->name, "files") == 0 || strcmp(s->name, "compat") == 0;
}

/* Where the local users are looked up; -1: nowhere. */
static int find_files(const struct nsswitch *n)
{
	for (unsigned i = 0; i < n->count; i++)
		if (is_files(&n->services[i]))
			return (int)i;
	return -1;
}

/* A line that has muster: is it reached, and not before it should be? */
static void judge_order(struct doctor *d, const char *check, const struct nsswitch *n)
{
	int muster = nsswitch_find(n, MUSTER), files = find_files(n);
	const struct nsswitch_service *b = blocker(n, muster);
	struct finding f =
		at(FINDING_FAULT, check, n->line, "write 'files' first, as in 'files systemd muster'");

	if (files < 0) {
		doctor_tell(d, &f, "local users are not looked up at all");
	} else if (muster < files) {
		doctor_tell(d, &f, "muster stands before %s, so that local names wait for it",
			    n->services[files].name);
	} else if (b) {
		f.remedy = "take its action in brackets away";
		doctor_tell(d, &f, "%s ends the lookup before muster is asked", b->name);
	} else if (n->services[files].on[NSSWITCH_SUCCESS] == NSSWITCH_CONTINUE) {
		f.remedy = "take [SUCCESS=continue] away";
		doctor_tell(d, &f, "what %s finds is looked for again in muster", n->services[files].name);
	} else if (n->services[muster].on[NSSWITCH_SUCCESS] == NSSWITCH_CONTINUE) {
		f.remedy = "take [SUCCESS=continue] away";
		doctor_tell(d, &f, "what muster finds is looked for again behind it");
	} else {
		doctor_ok(d, check, NSSWITCH, "muster is asked after %s", n->services[files].name);
	}
}

static int parse(struct doctor *d, const char *text, const char *database, const char *check,
		 struct nsswitch *ret)
{
	int r = nsswitch_parse(text, database, ret);
	struct finding f = at(FINDING_FAULT, check, ret->line, "see nsswitch.conf(5)");

	if (r < 0 && r != -ENOENT)
		doctor_tell(d, &f, "the line of '%s' cannot be understood", database);
	return r;
}

static void check_database(struct doctor *d, const char *text, const char *database)
{
	char check[32];
	struct nsswitch n = {0};
	struct finding f;
	int r;

	snprintf(check, sizeof(check), "nss.%s", database);
	r = parse(d, text, database, check, &n);
	if (r < 0 && r != -ENOENT)
		return;
	if (r == 0 && nsswitch_find(&n, MUSTER) >= 0) {
		judge_order(d, check, &n);
		return;
	}
	f = at(FINDING_FAULT, check, n.line, "run 'musterctl setup'");
	doctor_tell(d, &f, "'%s' does not name muster: users of the directory do not exist here", database);
}

/* Where this line is there, it stands in for that of groups in who may do what. */
static void check_initgroups(struct doctor *d, const char *text)
{
	const char *check = "nss.initgroups";
	struct nsswitch n = {0};

	if (parse(d, text, "initgroups", check, &n) < 0)
		return;
	if (nsswitch_find(&n, MUSTER) < 0) {
		struct finding f = at(FINDING_FAULT, check, n.line, "remove the line, or add 'muster' to it");

		doctor_tell(d, &f, "'initgroups' does not name muster: its users get none of their groups");
		return;
	}
	judge_order(d, check, &n);
}

static void check_sudoers(struct doctor *d, const char *text)
{
	const char *check = "nss.sudoers";
	struct nsswitch n = {0};
	struct finding f;
	int files;

	if (parse(d, text, "sudoers", check, &n) < 0)
		return;
	files = nsswitch_find(&n, "files");
	f = at(FINDING_FAULT, check, n.line, "add 'files' to the line");
	if (files < 0)
		doctor_tell(d, &f, "sudo does not read /etc/sudoers, and so not what muster installs");
	else if (blocker(&n, files)) {
		f.status = FINDING_WARNING;
		f.remedy = "take its action in brackets away";
		doctor_tell(d, &f, "%s can keep sudo from reading /etc/sudoers", blocker(&n, files)->name);
	}
}

static void check_others(struct doctor *d, const char *text)
{
	static const char *const others[] = {"sss", "ldap", "winbind"};
	struct nsswitch n = {0};

	if (nsswitch_parse(text, "shadow", &n) == 0 && nsswitch_find(&n, MUSTER) >= 0) {
		struct finding f =
			at(FINDING_WARNING, "nss.shadow", n.line, "take 'muster' out of this line");

		doctor_tell(d, &f, "muster serves no shadow entries, on purpose");
	}
	if (nsswitch_parse(text, "passwd", &n) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct finding f = at(FINDING_NOTE, "nss.others", n.line,
				      "see that its names and ids differ from the directory's");

		if (nsswitch_find(&n, others[i]) >= 0)
			doctor_tell(d, &f, "'%s' serves users here, too", others[i]);
	}
}

/* As glibc loads it, through the same search path. */
void doctor_nss_module(struct doctor *d)
{
	void *module = dlopen(MODULE, RTLD_NOW | RTLD_LOCAL);
	void *entry = module ? dlsym(module, "_nss_muster_getpwnam_r") : NULL;
	struct finding f = {FINDING_FAULT, "nss.module",
			    .remedy = "install it where ld.so looks, and run ldconfig"};
	Dl_info info;

	if (!entry) {
		const char *why = dlerror();

		doctor_tell(d, &f, "glibc cannot load " MODULE ": %s",
			    why ? why : "it has no _nss_muster_getpwnam_r");
	} else {
		doctor_ok(d, "nss.module", NULL, "glibc loads %s",
			  dladdr(entry, &info) ? info.dli_fname : MODULE);
	}
	if (module)
		dlclose(module);
}

/* One user that is published, asked for as every program does. */
static void check_answer(struct doctor *d)
{
	CLEANUP(buf_done) struct buf buf = {0};
	struct snapshot_user user;
	struct passwd *pw;
	struct finding f = {FINDING_FAULT, "nss.answer",
			    .remedy = "mend what is said of nss and caches here"};

	if (!d->view.nss || snapshot_user_next(d->view.nss, 0, &buf, &user) < 0)
		return;
	pw = getpwnam(user.name);
	if (!pw) {
		doctor_tell(d, &f, "'%s' is published, and a lookup does not find it", user.name);
	} else if (pw->pw_uid != user.uid) {
		doctor_tell(d, &f, "'%s' is published with uid %u, and a lookup says %u", user.name, user.uid,
			    pw->pw_uid);
	} else {
		doctor_ok(d, "nss.answer", NULL, "'%s' is found, uid %u", user.name, user.uid);
	}
}

void doctor_nss(struct doctor *d)
{
	CLEANUP(buf_done) struct buf buf = {0};
	int r = file_read(NSSWITCH, NSSWITCH_LIMIT, &buf);
	struct finding f =
		at(FINDING_FAULT, "nss.passwd", 0, "mend it, then run 'musterctl setup'");

	if (r < 0) {
		doctor_tell(d, &f, "cannot be read: %s", strerror(-r));
	} else {
		const char *text = (const char *)buf.data;

		check_database(d, text, "passwd");
		check_database(d, text, "group");
		check_initgroups(d, text);
		check_sudoers(d, text);
		check_others(d, text);
	}
	doctor_nss_module(d);
	check_answer(d);
}
