/* What the benches of pam_muster.so share: an empty folder becomes a world with accounts and two PAM services. */
#ifndef TESTS_BENCH_PAM_COMMON_H
#define TESTS_BENCH_PAM_COMMON_H

#include <stddef.h>
#include <stdint.h>

#include <security/pam_appl.h>

#include "common/account.h"

#define BENCH_ATTEMPTS 10 /* lock a user, until he is unlocked */

/* Services "muster", with MODULE alone, and "permit", in the current folder. -1. */
int bench_prepare(const char *module);

/* A good one, for all but its name. */
struct account bench_account(uint32_t i, const char *hash);
int bench_publish(const struct account *accounts, uint32_t n, const char *dummy_hash);

/* STEP from pam_start to pam_end, so that loading the module counts; nobody waits after a failure. Its code. */
int bench_transaction(const char *service, const char *user, const char *password, int (*step)(pam_handle_t *, int));

double bench_now_ms(void);
/* Sorts TIMES. */
double bench_median(double *times, size_t n);

#endif
