/*
 * PAM: every service's stacks are run with made-up answers, those of a user whom muster refuses, of one whom
 * it lets in, of a local one. What counts is how they end, whoever wrote them in which words.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <security/_pam_types.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/doctor/doctor.h"
#include "ctl/doctor/visitor.h"

#define PAM_DIR        MUSTER_ETC "/pam.d"
#define OTHER          "other"
#define REMEDY         "run 'musterctl setup'"
#define LIST_MAX       512
#define LOCKS_OUT      "locks local users out"
#define WOULD_LOCK_OUT "would lock local users out if pam_muster.so were missing"

static const struct visitor refused[] = {
	{.muster = PAM_ACCT_EXPIRED},
	{.muster = PAM_PERM_DENIED},
	{.muster = PAM_AUTHTOK_EXPIRED},
	{.muster = PAM_AUTHINFO_UNAVAIL},
};
static const struct visitor unproven[] = {
	{.muster = PAM_AUTH_ERR}, {.muster = PAM_AUTHINFO_UNAVAIL}, {.muster = PAM_ACCT_EXPIRED}};
static const struct visitor module_gone = {.muster = PAM_MODULE_UNKNOWN};
static const struct visitor allowed = {.muster = PAM_SUCCESS};
static const struct visitor local = {.local = true, .muster = PAM_USER_UNKNOWN};
static const struct visitor local_module_gone = {.local = true, .muster = PAM_MODULE_UNKNOWN};

/* Services that let nobody in: root's tools, what changes passwords, and greeters, which run as one user of the system's. */
static bool is_tool(const char *service)
{
	static const char *const tools[] = {"runuser",	"runuser-l", "chpasswd", "newusers",	    "passwd",
					    "chage",	"groupmems", "useradd",	 "userdel",	    "usermod",
					    "groupadd", "groupdel",  "groupmod", "lightdm-greeter", "sddm-greeter"};

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (strcmp(service, tools[i]) == 0)
			return true;
	return false;
}

/* Parts that services include, and what package managers and editors leave behind. */
static bool is_fragment(const char *name)
{
	static const char *const parts[] = {"system-auth",        "password-auth",       "postlogin",
					    "fingerprint-auth",   "smartcard-auth",      "system-login",
					    "system-local-login", "system-remote-login", "system-services"};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strcmp(name, parts[i]) == 0)
			return true;
	return name[0] == '.' || strncmp(name, "common-", 7) == 0 || name[strlen(name) - 1] == '~' ||
	       (dot && (strncmp(dot, ".dpkg", 5) == 0 || strncmp(dot, ".pam", 4) == 0 ||
			strncmp(dot, ".rpm", 4) == 0 || strncmp(dot, ".ucf", 4) == 0));
}

/* Names of services, "" or "a, b". */
struct names {
	char text[LIST_MAX];
	unsigned count;
};

static void add_name(struct names *n, const char *name)
{
	size_t len = strlen(n->text);

	n->count++;
	if (len + strlen(name) + 8 < sizeof(n->text))
		snprintf(n->text + len, sizeof(n->text) - len, "%s%s", len ? ", " : "", name);
	else if (len && n->text[len - 1] != '.')
		snprintf(n->text + len, sizeof(n->text) - len, ", ...");
}

struct findings {
	struct names open, closed, ignoring, healthy;
};

/* Local users in the directory's hands, where there are any. */
static bool adopted_slip_in(const struct pamstack *s)
{
	return access(MUSTER_ADOPTED, F_OK) == 0 && visitor_adopted_slips_in(s);
}

static bool asks_about_adopted(const struct pamstack *s)
{
	for (unsigned i = 0; i < s->count; i++)
		if (visitor_is_for_adopted(&s->entries[i]))
			return true;
	return false;
}

/* Where muster stands in the stack, or else its last line; for the message. */
static struct finding place(enum finding_status status, const char *check, const struct pamstack *s,
			    const char *remedy)
{
	const struct pamstack_entry *e = pamstack_find(s, "pam_muster");

	if (!e)
		e = &s->entries[s->count - 1];
	return (struct finding){status, check, .file = e->file, .line = e->line, .remedy = remedy};
}

/* libpam's way: a service without a line of this type gets that of "other". */
static int load(struct doctor *d, const char *service, enum pamstack_type type, const char *check,
		struct pamstack *ret)
{
	int r = pamstack_load(PAM_DIR, service, type, ret);

	if (r == 0 && ret->count == 0) {
		pamstack_done(ret);
		r = pamstack_load(PAM_DIR, OTHER, type, ret);
	}
	if (r == -EACCES)
		doctor_unseen(d, check, service);
	else if (r < 0)
		doctor_tell(d,
			    &(struct finding){FINDING_FAULT, check,
					      .remedy = "mend the file: libpam refuses the service"},
			    "%s: %s", service, ret->error);
	return r;
}

static void tell_fault(struct doctor *d, const char *check, const struct pamstack *s, const char *service,
		       const char *what)
{
	struct finding f = place(FINDING_FAULT, check, s, REMEDY);

	doctor_tell(d, &f, "%s %s", service, what);
}

static void check_account(struct doctor *d, const char *service, struct findings *all)
{
	const char *check = "pam.account";
	CLEANUP(pamstack_done) struct pamstack s;
	bool muster;

	if (load(d, service, PAMSTACK_ACCOUNT, check, &s) < 0)
		return;
	if (s.count == 0) {
		struct finding f = {FINDING_WARNING, check, .file = PAM_DIR,
				    .remedy = "include common-account"};

		doctor_tell(d, &f,
			    "%s has no account line, and neither has '" OTHER "': libpam refuses everybody",
			    service);
		return;
	}
	muster = pamstack_find(&s, "pam_muster");
	if (visitor_any_passes(&s, refused, ARRAY_SIZE(refused))) {
		struct finding f =
			place(FINDING_FAULT, check, &s, muster ? REMEDY : "include common-account");

		doctor_tell(d, &f, "%s lets in whom muster refuses%s", service,
			    muster ? ": its answer is not heeded, or jumped over"
				   : ": pam_muster is not asked");
	} else if (adopted_slip_in(&s)) {
		struct finding f = place(FINDING_FAULT, check, &s,
					 asks_about_adopted(&s) ? "put the lines of the profile muster-adopt first: pam_muster(8)"
								: "include common-account, and run 'musterctl adopt --apply'");

		doctor_tell(d, &f, "%s lets in local users in the directory's hands whom muster refuses", service);
	} else if (!muster) {
		add_name(&all->ignoring, service);
	} else if (!visitor_passes(&s, &local)) {
		tell_fault(d, check, &s, service, LOCKS_OUT);
	} else if (!visitor_passes(&s, &local_module_gone)) {
		tell_fault(d, check, &s, service, WOULD_LOCK_OUT);
	} else if (visitor_passes(&s, &module_gone)) {
		tell_fault(d, check, &s, service, "would let everybody in if pam_muster.so were missing");
	} else if (!visitor_passes(&s, &allowed)) {
		add_name(&all->closed, service);
	} else {
		add_name(&all->healthy, service);
	}
}

static void check_auth(struct doctor *d, const char *service)
{
	const char *check = "pam.auth";
	CLEANUP(pamstack_done) struct pamstack s;

	if (load(d, service, PAMSTACK_AUTH, check, &s) < 0 || !pamstack_find(&s, "pam_muster"))
		return;
	if (visitor_any_passes(&s, unproven, ARRAY_SIZE(unproven)) || visitor_passes(&s, &module_gone)) {
		tell_fault(d, check, &s, service, "lets users in whom muster does not let in");
	} else if (!visitor_passes(&s, &local)) {
		tell_fault(d, check, &s, service, LOCKS_OUT);
	} else if (!visitor_passes(&s, &local_module_gone)) {
		tell_fault(d, check, &s, service, WOULD_LOCK_OUT);
	} else if (!visitor_passes(&s, &allowed)) {
		struct finding f = place(FINDING_WARNING, check, &s, REMEDY);

		doctor_tell(d, &f, "%s refuses the passwords of directory users, right or not", service);
	}
}

/* Modules of which nothing is known: does a success of theirs end the stack before muster is asked, or jump over it? */
static void check_before(struct doctor *d, const char *service)
{
	CLEANUP(pamstack_done) struct pamstack s;
	const char *muster = "pam_muster";

	if (pamstack_load(PAM_DIR, service, PAMSTACK_ACCOUNT, &s) < 0 || !pamstack_find(&s, muster) ||
	    visitor_any_passes(&s, refused, ARRAY_SIZE(refused)))
		return;
	for (unsigned i = 0; i < s.count; i++) {
		const struct pamstack_entry *e = &s.entries[i];
		const struct visitor v = {.muster = PAM_ACCT_EXPIRED, .liked_by = e};
		struct finding f = {FINDING_WARNING, "pam.account", .file = e->file, .line = e->line,
				    .remedy = "put it after pam_muster, or make it 'required'"};

		if (e->substack || strcmp(e->module, muster) == 0 || strcmp(e->module, "pam_unix") == 0 ||
		    strcmp(e->module, "pam_localuser") == 0 || strcmp(e->module, "pam_rootok") == 0 || !visitor_passes(&s, &v))
			continue;
		doctor_tell(d, &f, "%s: whom %s accepts, muster is not asked about", service, e->module);
	}
}

/* A folder, say: libpam takes it for no service. One that cannot be seen is told of when it is read. */
static bool is_no_file(const char *name)
{
	AUTO_FREE char *path = str_format(PAM_DIR "/%s", name);
	struct stat st;

	return path && stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

static void check_services(struct doctor *d, struct findings *all)
{
	struct dirent **names;
	int n = scandir(PAM_DIR, &names, NULL, alphasort);
	struct finding f = {FINDING_FAULT, "pam.account", .file = PAM_DIR,
			    .remedy = "install libpam-runtime"};

	if (n < 0) {
		doctor_tell(d, &f, "%s", strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		if (!is_fragment(name) && !is_tool(name) && !is_no_file(name)) {
			check_account(d, name, all);
			check_before(d, name);
			check_auth(d, name);
		}
		free(names[i]);
	}
	free(names);
}

static void tell_services(struct doctor *d, const struct findings *all)
{
	struct finding f = {FINDING_WARNING, "pam.account", .remedy = REMEDY};

	if (all->healthy.count)
		doctor_ok(d, "pam.account", NULL, "muster decides for %s", all->healthy.text);
	if (all->closed.count)
		doctor_tell(d, &f, "no directory user gets in by %s, also where muster lets them",
			    all->closed.text);
	if (all->healthy.count || all->closed.count) {
		f.status = FINDING_NOTE;
		f.remedy = "include common-account where they should";
	} else {
		f.status = FINDING_FAULT;
	}
	if (all->ignoring.count)
		doctor_tell(d, &f, "muster is not asked by %s: directory users cannot use it",
			    all->ignoring.text);
}

/* Whoever has never logged in here has no home yet. */
static void check_home(struct doctor *d)
{
	static const char *const makers[] = {"pam_mkhomedir", "pam_oddjob_mkhomedir", "pam_systemd_home"};
	CLEANUP(pamstack_done) struct pamstack s;
	struct finding f = {FINDING_NOTE, "pam.home", .remedy = "run 'musterctl setup --mkhomedir'"};

	if (pamstack_load(PAM_DIR, "sshd", PAMSTACK_SESSION, &s) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++)
		if (pamstack_find(&s, makers[i]))
			return;
	doctor_tell(d, &f, "no module makes a home at a user's first login by sshd");
}

void doctor_pam_module(struct doctor *d)
{
	void *module = dlopen(PAM_MODULE, RTLD_NOW | RTLD_LOCAL);
	struct finding f = {FINDING_FAULT, "pam.module", .remedy = "install it again"};

	if (!module) {
		const char *why = dlerror();

		doctor_tell(d, &f, "it cannot be loaded: %s", why ? why : PAM_MODULE);
		return;
	}
	dlclose(module);
	if (access(PAM_MODULE_BESIDE, F_OK) == 0) {
		doctor_ok(d, "pam.module", PAM_MODULE, "it can be loaded, beside libpam's own modules");
		return;
	}
	f.file = PAM_MODULE;
	f.remedy = "configure --with-pamdir=, where pam_permit.so is";
	doctor_tell(d, &f, "libpam's own modules are elsewhere");
}

void doctor_pam(struct doctor *d)
{
	struct findings all = {0};

	doctor_pam_module(d);
	check_services(d, &all);
	tell_services(d, &all);
	check_home(d);
}
