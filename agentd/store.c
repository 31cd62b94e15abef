#include "agentd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "common/str.h"

#define MAP_FIRST   ((size_t)64 << 20)
#define MAP_LIMIT   (sizeof(void *) > 4 ? (size_t)8 << 30 : (size_t)1 << 30)
#define CHECK_LIMIT_S 120u

int store_error(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return 0;
	case MDB_NOTFOUND:
		return -ESRCH;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case MDB_MAP_RESIZED:
		return -ENOSPC;
	case MDB_PAGE_NOTFOUND:
	case MDB_CORRUPTED:
	case MDB_PANIC:
	case MDB_VERSION_MISMATCH:
	case MDB_INVALID:
	case MDB_PAGE_FULL:
	case MDB_CURSOR_FULL:
	case MDB_INCOMPATIBLE:
	case MDB_BAD_TXN:
	case MDB_BAD_VALSIZE:
	case MDB_BAD_DBI:
		return -EBADMSG;
	}
	if (rc <= MDB_KEYEXIST && rc >= MDB_LAST_ERRCODE) /* the few that are left are our mistakes */
		return -EINVAL;
	return rc > 0 ? -rc : rc;
}

/* At least MAP_FIRST, and room beside what the file has. */
static size_t map_size_for(const char *path)
{
	struct stat st;
	size_t size = MAP_FIRST;

	if (stat(path, &st) < 0)
		return size;
	while (size < MAP_LIMIT && size / 2 < (size_t)st.st_size)
		size *= 2;
	return size;
}

static int env_open(const char *path, unsigned int flags, MDB_env **ret)
{
	MDB_env *env;
	int fd, r;

	r = mdb_env_create(&env);
	if (r != 0)
		return store_error(r);
	r = mdb_env_set_mapsize(env, map_size_for(path));
	if (r == 0)
		r = mdb_env_set_maxdbs(env, STORE_DBS_MAX);
	if (r == 0)
		r = mdb_env_open(env, path, flags | MDB_NOSUBDIR, 0600);
	if (r == 0)
		r = mdb_env_get_fd(env, &fd);
	if (r == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) /* LMDB 0.9 leaves it open over exec */
		r = errno;
	if (r != 0) {
		mdb_env_close(env);
		return store_error(r);
	}
	*ret = env;
	return 0;
}

static int walk_db(MDB_txn *txn, MDB_dbi dbi, bool of_names);

/* Named databases are records of the main one; LMDB itself says whether one is. */
static int walk_named(MDB_txn *txn, const MDB_val *key)
{
	char name[64];
	MDB_dbi dbi;
	int r;

	if (str_print(name, sizeof(name), "%.*s", (int)key->mv_size, (const char *)key->mv_data) < 0)
		return MDB_INCOMPATIBLE;
	r = mdb_dbi_open(txn, name, 0, &dbi);
	return r ? r : walk_db(txn, dbi, false);
}

static int walk_db(MDB_txn *txn, MDB_dbi dbi, bool of_names)
{
	MDB_cursor *cursor;
	MDB_val key, data;
	int r;

	r = mdb_cursor_open(txn, dbi, &cursor);
	if (r != 0)
		return r;
	while ((r = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0) {
		for (size_t i = 0; i < data.mv_size; i++)
			(void)((const volatile unsigned char *)data.mv_data)[i];
		if (of_names && (r = walk_named(txn, &key)) != 0)
			break;
	}
	mdb_cursor_close(cursor);
	return r == MDB_NOTFOUND ? 0 : r;
}

static int walk_env(const char *path)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi main_dbi;
	int r = env_open(path, MDB_RDONLY, &env);

	if (r < 0)
		return r;
	r = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
	if (r == 0)
		r = walk_db(txn, 0, false); /* the list of free pages: a writer trusts it */
	if (r == 0)
		r = mdb_dbi_open(txn, NULL, 0, &main_dbi);
	if (r == 0)
		r = walk_db(txn, main_dbi, true);
	return store_error(r);
}

static void check_in_child(const char *path) __attribute__((noreturn));
static void check_in_child(const char *path)
{
	static const int crashes[] = {SIGBUS, SIGSEGV, SIGFPE, SIGABRT, SIGALRM};
	int r, null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null >= 0)
		dup2(null, STDERR_FILENO); /* LMDB's last words say nothing to an administrator */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
		signal(crashes[i], SIG_DFL);
	alarm(CHECK_LIMIT_S);
	r = walk_env(path);
	_exit(r == 0 ? 0 : r == -EBADMSG ? 1 : 2);
}

int store_check(const char *path)
{
	struct stat st;
	pid_t child;
	int status;

	if (stat(path, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return -ENOENT; /* LMDB begins it anew */
	child = fork();
	if (child < 0)
		return -errno;
	if (child == 0)
		check_in_child(path);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) != 1)
		return WEXITSTATUS(status) ? -EIO : 0;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? -ETIMEDOUT : -EBADMSG;
}

int store_set_aside(const char *path)
{
	AUTO_FREE char *aside = str_format("%s.damaged", path);
	AUTO_FREE char *lock = str_format("%s-lock", path);

	if (!aside || !lock)
		return -ENOMEM;
	if (rename(path, aside) < 0)
		return -errno;
	return unlink(lock) < 0 && errno != ENOENT ? -errno : 0;
}

static int open_dbs(struct store *s, const char *const *names)
{
	MDB_txn *txn;
	int r;

	r = mdb_txn_begin(s->env, NULL, s->read_only ? MDB_RDONLY : 0, &txn);
	if (r != 0)
		return store_error(r);
	for (s->n_dbs = 0; r == 0 && names[s->n_dbs]; s->n_dbs++)
		r = mdb_dbi_open(txn, names[s->n_dbs], s->read_only ? 0 : MDB_CREATE,
				 &s->dbi[s->n_dbs]);
	if (r != 0) {
		mdb_txn_abort(txn);
		return store_error(r);
	}
	return store_error(mdb_txn_commit(txn));
}

int store_open(const char *path, const char *const *names, struct store *ret)
{
	struct store s = {0};
	int r = env_open(path, 0, &s.env);

	if ((r == -EROFS || r == -ENOSPC || r == -EACCES) && access(path, F_OK) == 0) {
		s.read_only = true;
		r = env_open(path, MDB_RDONLY, &s.env);
	}
	if (r < 0)
		return r;
	r = open_dbs(&s, names);
	if (r < 0) {
		store_close(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (s->env)
		mdb_env_close(s->env);
	*s = (struct store){0};
}

bool store_is(const struct store *s, const char *path)
{
	struct stat ours, there;
	int fd;

	return s->env && mdb_env_get_fd(s->env, &fd) == 0 && fstat(fd, &ours) == 0 && stat(path, &there) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/* Where another process has let the map grow, ours follows. */
static int begin(struct store *s, unsigned int flags, MDB_txn **ret)
{
	int r = mdb_txn_begin(s->env, NULL, flags, ret);

	if (r == MDB_MAP_RESIZED)
		r = mdb_env_set_mapsize(s->env, 0) ?: mdb_txn_begin(s->env, NULL, flags, ret);
	return r;
}

static int grow_map(struct store *s)
{
	MDB_envinfo info;
	int r = mdb_env_info(s->env, &info);

	if (r == 0 && info.me_mapsize >= MAP_LIMIT)
		return -ENOSPC;
	return store_error(r ? r : mdb_env_set_mapsize(s->env, info.me_mapsize * 2));
}

static int write_once(struct store *s, store_fn *fn, void *context)
{
	MDB_txn *txn;
	int r = begin(s, 0, &txn);

	if (r != 0)
		return r;
	r = fn(s, txn, context);
	if (r != 0) {
		mdb_txn_abort(txn);
		return r;
	}
	return mdb_txn_commit(txn);
}

int store_write(struct store *s, store_fn *fn, void *context)
{
	int r;

	if (s->read_only)
		return -EROFS;
	while ((r = write_once(s, fn, context)) == MDB_MAP_FULL) {
		r = grow_map(s);
		if (r < 0)
			break;
	}
	return store_error(r);
}

int store_read(struct store *s, store_fn *fn, void *context)
{
	MDB_txn *txn;
	int r = begin(s, MDB_RDONLY, &txn);

	if (r == 0) {
		r = fn(s, txn, context);
		mdb_txn_abort(txn);
	}
	return store_error(r);
}
