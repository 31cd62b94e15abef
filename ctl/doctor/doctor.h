/*
 * musterctl doctor: what each group of checks is given, and how it tells what it found. A check reads and
 * asks; it changes nothing. One finding is one line, or one object of --json.
 */
#ifndef CTL_DOCTOR_DOCTOR_H
#define CTL_DOCTOR_DOCTOR_H

#include <json-c/json.h>

#include "agentd/conf.h"
#include "ctl/view.h"

#define DOCTOR_RUN_MS 10000 /* what a program is given to answer in */

enum finding_status {
	FINDING_OK,
	FINDING_NOTE,    /* worth knowing; also what could not be seen */
	FINDING_WARNING, /* works, but not as it should, or not for long */
	FINDING_FAULT,
};

struct finding {
	enum finding_status status;
	const char *check;  /* "nss.passwd": stays the same, for scripts */
	const char *remedy; /* or NULL */
	const char *file;   /* or NULL */
	unsigned line;      /* in it, 0: all of it */
};

struct doctor {
	bool root;
	struct conf conf; /* all zero when conf_error is set */
	char conf_error[CONF_ERROR_SIZE];
	struct view view;
	struct fault view_fault;  /* text "" when the view is there */
	struct json_object *list; /* NULL: print text */
	enum finding_status least; /* what is less is not told */
	unsigned warnings, faults;
};

/* Reads the configuration and what is published; what cannot be read is for the checks to tell. */
void doctor_init(struct doctor *d);
void doctor_done(struct doctor *d);

/* FORMAT: what is there. Control bytes in it, in file and in remedy are escaped. */
void doctor_tell(struct doctor *d, const struct finding *f, const char *format, ...) PRINTF_LIKE(3, 4);
/* FILE: or NULL. */
void doctor_ok(struct doctor *d, const char *check, const char *file, const char *format, ...)
	PRINTF_LIKE(4, 5);
/* Something that only root can see. */
void doctor_unseen(struct doctor *d, const char *check, const char *what);

/* Does it read its directory over the network? */
bool doctor_uses_network(const struct doctor *d);

/* The groups, each in a file of its own. */
void doctor_nss(struct doctor *d);
void doctor_pam(struct doctor *d);
void doctor_setup(struct doctor *d);
void doctor_sshd(struct doctor *d);
void doctor_sudo(struct doctor *d);
void doctor_cache(struct doctor *d);
void doctor_files(struct doctor *d);
void doctor_agent(struct doctor *d);
void doctor_data(struct doctor *d);
void doctor_users(struct doctor *d);
void doctor_groups(struct doctor *d);
void doctor_adopt(struct doctor *d);
void doctor_homes(struct doctor *d);
void doctor_system(struct doctor *d);
/* Can glibc and libpam load what is installed? Parts of doctor_nss() and doctor_pam(). */
void doctor_nss_module(struct doctor *d);
void doctor_pam_module(struct doctor *d);

/*
 * Does root's process listen at this socket of AF_UNIX? 0; -ENOENT, -ECONNREFUSED, -EAGAIN its queue is
 * full, -EPERM another's.
 */
int doctor_listens(const char *path, int *ret_sock) MUST_CHECK;

#endif
