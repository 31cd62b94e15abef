#include "agentd/saved.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "agentd/file.h"
#include "agentd/turn.h"
#include "common/dirs.h"
#include "common/paths.h"
#include "common/record.h"
#include "common/saved_verifier.h"
#include "common/snapshot_reader.h"
#include "common/verifier.h"

/* Age counts in days: each confirmation costs a write that waits for the disk. */
#define CONFIRM_S    3600
#define CONFIRMS_AGE 8 /* but an age is never left to run down */

static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

static int write_locked(const char *state_dir, uint32_t uid, const struct buf *data)
{
	AUTO_FREE char *dir = str_format("%s/" SAVED_VERIFIER_DIR, state_dir);
	char name[11];
	int r = dir ? dir_ensure(dir, 0700) : -ENOMEM;

	if (r == 0)
		r = str_print(name, sizeof(name), "%u", uid);
	return r < 0 ? r : file_replace(dir, name, 0600, data->data, data->len);
}

static int store(const char *state_dir, const struct subject *s, const char *hash)
{
	const struct saved_verifier v = {
		.id = s->account.id,
		.name = s->account.name,
		.method = SAVED_VERIFIER_METHOD,
		.hash = hash,
		.confirmed_at = s->now,
	};
	CLEANUP(buf_wipe) struct buf data = {0};
	int r = saved_verifier_pack(&v, &data);

	if (r < 0)
		return r;
	pthread_mutex_lock(&writing);
	r = write_locked(state_dir, s->account.uid, &data);
	pthread_mutex_unlock(&writing);
	return r;
}

static int remove_saved(const char *state_dir, const char *name)
{
	AUTO_FREE char *path = str_format("%s/" SAVED_VERIFIER_DIR "/%s", state_dir, name);

	if (!path)
		return -ENOMEM;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int remove_uid(const char *state_dir, uint32_t uid)
{
	char name[11];
	int r = str_print(name, sizeof(name), "%u", uid);

	return r < 0 ? r : remove_saved(state_dir, name);
}

/* Confirmed so lately that it need not be written down again. */
static bool is_fresh(const struct saved_verifier *v, const struct subject *s)
{
	int64_t age = s->now - v->confirmed_at, due = s->policy.offline_password_max_age_s / CONFIRMS_AGE;

	return age >= 0 && age < (due < CONFIRM_S ? due : CONFIRM_S);
}

static int confirm(const char *state_dir, const struct subject *s, const char *password)
{
	CLEANUP(buf_wipe) struct buf data = {0};
	AUTO_FREE char *hash = NULL;
	struct saved_verifier v;
	int r = saved_verifier_load(state_dir, s->account.uid, &data, &v);

	if (r == 0)
		r = saved_verifier_judge(&v, &s->account, &s->policy, s->now);
	if (r == 0 && verifier_match(v.hash, password) == 0)
		return is_fresh(&v, s) ? 0 : store(state_dir, s, v.hash);
	r = verifier_make(password, &hash);
	return r < 0 ? r : store(state_dir, s, hash);
}

int saved_confirm(const char *state_dir, const struct subject *s, const char *password)
{
	struct verdict v = subject_verdict(s, VERDICT_AUTH, false);
	int r;

	if (v.reason != REASON_OK || s->policy.offline_password_max_age_s <= 0)
		return 0;
	r = turn_take();
	if (r < 0)
		return r;
	r = confirm(state_dir, s, password);
	turn_give();
	return r;
}

int saved_distrust(const char *state_dir, const struct subject *s, const char *password)
{
	CLEANUP(buf_wipe) struct buf data = {0};
	struct saved_verifier v;
	int r = saved_verifier_load(state_dir, s->account.uid, &data, &v);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = turn_take();
	if (r < 0)
		return r;
	r = verifier_match(v.hash, password);
	turn_give();
	if (r == -EKEYREJECTED)
		return 0;
	if (r == 0)
		r = remove_uid(state_dir, s->account.uid);
	return r < 0 ? r : 1;
}

/* What a sweep goes by. */
struct sweep {
	const char *state_dir;
	struct snapshot *snapshot;
	struct policy policy;
	int64_t now;
};

/* Who vanished, was taken off this endpoint, or is suspended: nothing is kept of them. */
static bool is_gone(const struct account *a, int64_t now)
{
	return !a->bound || verdict_state_at(a, now) == USER_SUSPENDED;
}

/* 1: it may stay, or nobody can tell; 0: it may not. */
static int may_stay(const struct sweep *w, uint32_t uid)
{
	CLEANUP(buf_wipe) struct buf data = {0};
	CLEANUP(buf_wipe) struct buf account_data = {0};
	struct saved_verifier v;
	struct account a;
	int r = saved_verifier_load(w->state_dir, uid, &data, &v);

	if (r < 0)
		return r != -EBADMSG;
	r = snapshot_account(w->snapshot, v.name, &account_data);
	if (r == 0)
		r = record_account_unpack(account_data.data, account_data.len, &a);
	if (r < 0)
		return r != -ESRCH;
	return a.uid == uid && !is_gone(&a, w->now) && saved_verifier_judge(&v, &a, &w->policy, w->now) == 0;
}

/* NAME is a file there: a user's, or what a writer that died has left. */
static int sweep_one(const struct sweep *w, const char *name)
{
	uint32_t uid;

	if (name[0] == '.')
		return 0;
	if (parse_u32(name, 0, UINT32_MAX, &uid) == 0 && may_stay(w, uid))
		return 0;
	return remove_saved(w->state_dir, name) < 0 ? -errno : 1;
}

static int sweep_dir(const struct sweep *w, DIR *dir)
{
	struct dirent *entry;
	int r, n = 0;

	while ((errno = 0, entry = readdir(dir))) {
		r = sweep_one(w, entry->d_name);
		if (r < 0)
			return r;
		n += r;
	}
	return errno ? -errno : n;
}

static int open_snapshot(struct sweep *w, const char *runtime_dir, struct buf *policy)
{
	AUTO_FREE char *path = str_format("%s/" PAM_SNAPSHOT, runtime_dir);
	int r = path ? snapshot_open(path, SNAPSHOT_PAM, &w->snapshot) : -ENOMEM;

	if (r == 0)
		r = snapshot_policy(w->snapshot, policy);
	return r < 0 ? r : record_policy_unpack(policy->data, policy->len, &w->policy);
}

int saved_sweep(const char *state_dir, const char *runtime_dir, int64_t now)
{
	CLEANUP(buf_done) struct buf policy = {0};
	AUTO_FREE char *path = str_format("%s/" SAVED_VERIFIER_DIR, state_dir);
	CLEANUP(closedirp) DIR *dir = path ? opendir(path) : NULL;
	struct sweep w = {.state_dir = state_dir, .now = now};
	int r;

	if (!path)
		return -ENOMEM;
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	r = open_snapshot(&w, runtime_dir, &policy);
	if (r == 0)
		r = sweep_dir(&w, dir);
	snapshot_close(w.snapshot);
	return r;
}
