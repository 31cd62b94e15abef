/*
 * A folder for the tally of one user, empty at the start of each test, and short names for what the
 * tests ask it.
 */
#ifndef TESTS_UNIT_TALLY_DIR_H
#define TESTS_UNIT_TALLY_DIR_H

#include <sys/types.h>

#include "common/tally.h"

#define UID 5001
#define T   1000000 /* ms */

extern char tally_dir[];
extern const struct tally_policy five; /* attempts */
extern const struct tally_policy never;

/* Of the group and of each test. */
int make_tally_dir(void **state);
int remove_tally_dir(void **state);
int tally_start(void **state);

struct tally tally_now(int64_t now_ms, const char *rhost, const struct tally_policy *p);
/* The path of the file, SUFFIX "" or ".old". Static. */
char *tally_file(const char *suffix);
/* -1: there is none. */
off_t tally_size(const char *suffix);
int tally_rename(void);
void tally_append(const void *bytes, size_t len);
/* From the console, where nothing is backed off. */
int try_at(int64_t at);

#define TALLY_TEST(function) cmocka_unit_test_setup(function, tally_start)

#endif
