/*
 * A process that looks users up: a folder of its own with run/ and lib/, the test variant of libnss_muster.so.2, real
 * glibc. What is asked of the module is asked in child processes, so that each begins without a mapping, and maps at once.
 */
#ifndef TESTS_UNIT_NSS_HOST_H
#define TESTS_UNIT_NSS_HOST_H

#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/sample.h"

#define RUN_SNAPSHOT "run/nss.snapshot" /* mapped */
#define LIB_SNAPSHOT "lib/nss.snapshot" /* read with pread */

#ifdef __SANITIZE_ADDRESS__
#define WITH_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN
#endif
#endif

/* In a child: cmocka's asserts would go on with the next test there. */
#define CHECK(condition)                                                                  \
	do {                                                                              \
		if (!(condition)) {                                                       \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
			_exit(1);                                                         \
		}                                                                         \
	} while (0)

/* The module's functions, for tests that call them without glibc. */
struct nss_module {
	enum nss_status (*getpwnam)(const char *, struct passwd *, char *, size_t, int *);
	enum nss_status (*getpwuid)(uid_t, struct passwd *, char *, size_t, int *);
	enum nss_status (*getpwent)(struct passwd *, char *, size_t, int *);
	enum nss_status (*setpwent)(int);
	enum nss_status (*getgrnam)(const char *, struct group *, char *, size_t, int *);
	enum nss_status (*getgrgid)(gid_t, struct group *, char *, size_t, int *);
	enum nss_status (*getgrent)(struct group *, char *, size_t, int *);
	enum nss_status (*setgrent)(int);
	enum nss_status (*initgroups)(const char *, gid_t, long int *, long int *, gid_t **, long int,
				      int *);
};
extern struct nss_module module;

/* The module's calls of libc: counted, and made to fail. */
struct nss_faults {
	unsigned int calls;   /* that may fail */
	unsigned int fail_at; /* which of them does; 0 = none */
	int fail_errno;
	bool fast;	      /* a millisecond is a second */
	bool frozen;	      /* no second ends */
	void (*on_mmap)(void); /* called before the module maps */
};
extern struct nss_faults faults;

/* Enter a new folder and load the module; 0 or -1, as cmocka's setup. nss_host_leave() removes the folder. */
int nss_host_enter(void **state);
int nss_host_leave(void **state);

/* FN's exit status, or 128 + the signal that ended it. FN returning is exit status 0. */
int in_child(void (*fn)(const void *ctx), const void *ctx);

/* How many snapshots this process maps. */
int snapshot_mappings(void);

/* Is P what sample_user() says of user I? */
bool passwd_right(const struct passwd *p, const struct sample *s, uint32_t i);

#endif
