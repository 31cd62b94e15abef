/*
 * One LMDB environment in one file, private to musterd (STYLE.md 9): no MDB_WRITEMAP, no MDB_NOSYNC, files 0600, a map that
 * grows up to a bound, and every failed transaction begun afresh only by the caller.
 *
 * LMDB trusts its file: a damaged one kills the process that reads it. So store_check() has a child read all of it first.
 *
 * Errors: -ENOENT no file; -EBADMSG damaged, or made by another version; -ENOSPC full disk or map; -EROFS; -errno.
 */
#ifndef AGENTD_STORE_H
#define AGENTD_STORE_H

#include <lmdb.h>
#include <stdbool.h>

#include "common/macros.h"

#define STORE_DBS_MAX 4

struct store {
	MDB_env *env;
	MDB_dbi dbi[STORE_DBS_MAX];
	unsigned int n_dbs;
	bool read_only;
};

/* Have a child walk every page of PATH. 0; -ENOENT, also for an empty file; -EBADMSG; -ETIMEDOUT; -errno of fork. */
int store_check(const char *path) MUST_CHECK;

/* PATH to PATH.damaged, in place of an older one, and its lock file away. -errno. */
int store_set_aside(const char *path) MUST_CHECK;

/*
 * Open PATH, or make it, with the databases NAMES (NULL at the end). When it cannot be written (-EROFS, -ENOSPC, -EACCES) but
 * exists, it is opened read_only.
 */
int store_open(const char *path, const char *const *names, struct store *ret) MUST_CHECK;
void store_close(struct store *s);

/* Is it still PATH that S has open, or has another process set that aside? */
bool store_is(const struct store *s, const char *path);

/*
 * Run FN in one transaction and commit. FN may be called again, in a new transaction, when the map had to grow.
 * It returns 0 or an error of LMDB or -errno, which aborts.
 */
typedef int store_fn(struct store *s, MDB_txn *txn, void *context);
int store_write(struct store *s, store_fn *fn, void *context) MUST_CHECK;
int store_read(struct store *s, store_fn *fn, void *context) MUST_CHECK;

/* LMDB's code (or -errno) to -errno. MDB_NOTFOUND is -ESRCH. */
int store_error(int rc);

#endif
