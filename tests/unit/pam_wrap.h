/*
 * What pam_muster_test.so calls instead of libc, libcrypt and libpam (ld --wrap): the call itself, or a failure at
 * the place that a test asks for. The module alone is wrapped, not libpam around it.
 */
#ifndef TESTS_UNIT_PAM_WRAP_H
#define TESTS_UNIT_PAM_WRAP_H

#include <stdbool.h>

struct pam_wrap {
	/* asked for by the test */
	unsigned int fail_at; /* which of the calls that can fail does: 1, 2, …; 0 none */
	bool fail_for_good;   /* all after that one, too */
	int fail_errno;       /* of system calls */
	const char *secret;   /* not to be left in memory given back */
	const char *writable; /* the one folder below which files may be opened for writing */
	const char *dummy;    /* hash that verifies nothing */
	const char *verifier; /* another hash, as secret as the password */
	const char *seed;     /* and what codes are made from */
	const char *code;     /* one of them */
	bool interrupt;       /* every second read and write comes back with EINTR */

	/* seen */
	unsigned int calls;         /* that can fail */
	unsigned int hashes;        /* passwords hashed */
	unsigned int prompts;       /* calls of pam_prompt */
	unsigned int fail_delay_us; /* the greatest asked for */
	bool written;               /* since the last hash */
	bool uncounted;             /* a password was verified, and nothing written before */
	bool secret_left;           /* freed memory held the secret */
	bool wrote_elsewhere;
	char log[4096]; /* lines of pam_syslog */
};

extern struct pam_wrap pam_wrap;

#endif
