#include "agentd/sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "agentd/file.h"
#include "agentd/log.h"
#include "agentd/sessions_private.h"
#include "agentd/status.h"
#include "common/wire.h"

#define PID_FILES    "/run"
#define LEFT_MAX     (1 << 20)

static void sessions_done(struct sessions *s)
{
	proc_close(&s->proc);
	session_judge_done(&s->judge);
	buf_done(&s->procs);
	buf_done(&s->services);
	buf_done(&s->gone);
	buf_done(&s->endings);
	buf_done(&s->checked);
	buf_done(&s->left_said);
}

static struct ending *endings(const struct sessions *s, size_t *ret_n)
{
	*ret_n = s->endings.len / sizeof(struct ending);
	return (struct ending *)(void *)s->endings.data;
}

static bool is_ending(const struct sessions *s, uint32_t uid)
{
	size_t n;
	const struct ending *e = endings(s, &n);

	for (size_t i = 0; i < n; i++)
		if (e[i].user.uid == uid)
			return true;
	return false;
}

static int note(struct sessions *s, const struct session_user *u)
{
	struct ending new = {.user = *u, .phase = ENDING_SEEN, .refused = true};

	if (is_ending(s, u->uid))
		return 0;
	return buf_add(&s->endings, &new, sizeof(new));
}

/* Each uid is judged once a pass. */
static int check_uid(struct sessions *s, uint32_t uid)
{
	const uint32_t *checked = (const uint32_t *)(const void *)s->checked.data;
	struct session_user u;
	int r;

	for (size_t i = 0; i < s->checked.len / sizeof(*checked); i++)
		if (checked[i] == uid)
			return 0;
	r = buf_add(&s->checked, &uid, sizeof(uid));
	if (r == 0)
		r = session_judge_uid(&s->judge, uid, &u);
	if (r == 0)
		r = note(s, &u);
	return r == -ESRCH ? 0 : r;
}

/* What is damaged about one user hides no other. */
static void find_users(struct sessions *s)
{
	const struct proc *procs = (const struct proc *)(const void *)s->procs.data;

	s->checked.len = 0;
	for (size_t i = 0; i < s->all.n_procs; i++) {
		const uint32_t uids[] = {procs[i].uid, procs[i].login_uid, procs[i].slice_uid, procs[i].owner_uid};

		for (size_t k = 0; k < ARRAY_SIZE(uids); k++) {
			int r = check_uid(s, uids[k]);

			if (r < 0)
				s->error = r;
		}
	}
}

static int look(struct sessions *s)
{
	bool hidden;
	int r = proc_scan(&s->proc, &s->procs, &s->gone, &hidden);

	s->services.len = 0;
	if (r == 0)
		r = session_services(PID_FILES, &s->services);
	if (r < 0)
		return r;
	s->all = (struct session_processes){
		.procs = (const struct proc *)(const void *)s->procs.data,
		.n_procs = s->procs.len / sizeof(struct proc),
		.services = (const pid_t *)(const void *)s->services.data,
		.n_services = s->services.len / sizeof(pid_t),
		.self = getpid(),
	};
	if (hidden) /* those that are seen end all the same */
		s->error = -EACCES;
	return 0;
}

static void drop_over(struct sessions *s)
{
	size_t n, kept = 0;
	struct ending *e = endings(s, &n);

	for (size_t i = 0; i < n; i++)
		if (e[i].phase != ENDING_OVER)
			e[kept++] = e[i];
	s->endings.len = kept * sizeof(*e);
}

/* Of whom nothing was seen but that it had been there: what forks and ends all the time, before anybody can look at it. */
static void sweep_gone(struct sessions *s)
{
	const uint32_t *gone = (const uint32_t *)(const void *)s->gone.data;

	for (size_t i = 0; i < s->gone.len / sizeof(*gone); i++) {
		struct session_user u;
		int r;

		if (is_ending(s, gone[i]) || session_judge_uid(&s->judge, gone[i], &u) < 0)
			continue;
		r = session_sweep(&s->all, u.uid);
		if (r < 0 && r != -EBUSY)
			s->error = r;
		if (r <= 0)
			continue;
		s->users++;
		s->processes++;
		log_notice("sessions: ended user=%s uid=%" PRIu32 " reason=%s: what forks and ends all the time", u.name, u.uid,
			   reason_name(u.reason));
	}
}

/* One look at everything, and what follows. *RET_MS: when to look again, 0: no more. */
static int pass(struct sessions *s, int64_t *ret_ms)
{
	int64_t now_ms = wire_now_ms();
	struct ending *e;
	size_t n;
	int r;

	s->error = 0;
	alarm(SESSIONS_LIMIT_MS / 1000); /* of each: others are found, and have their grace, while this one ends */
	session_judge_done(&s->judge);
	r = session_judge_open(&s->judge, s->conf->end_sessions);
	if (r == 0)
		r = look(s);
	if (r < 0)
		return r;
	e = endings(s, &n);
	for (size_t i = 0; i < n; i++) /* whether a process of theirs is seen at this moment or not */
		e[i].refused = !session_judge_allows(&s->judge, &e[i].user);
	find_users(s);
	sweep_gone(s);
	e = endings(s, &n);
	*ret_ms = 0;
	for (size_t i = 0; i < n; i++) {
		int64_t ms = sessions_step(s, &e[i], now_ms);

		if (ms && (!*ret_ms || ms < *ret_ms))
			*ret_ms = ms;
	}
	drop_over(s);
	sessions_stop_lingering(s);
	return 0;
}

void sessions_hold(bool held)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(held ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static bool in_the_midst(const struct sessions *s)
{
	size_t n;
	const struct ending *e = endings(s, &n);

	for (size_t i = 0; i < n; i++)
		if (e[i].phase == ENDING_TERMINATED || e[i].phase == ENDING_KILLED)
			return true;
	return false;
}

static int run(struct sessions *s)
{
	int64_t ms = 0;
	int r;

	while ((r = pass(s, &ms)) == 0 && ms) {
		if (!in_the_midst(s))
			sessions_hold(false);
		nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
	}
	alarm(0);
	if (r == 0)
		r = s->error;
	if (r == 0 && s->left)
		r = -EBUSY;
	return r;
}

/* What has been done, for whoever asks how long a revocation took. Written when there is news. */
static int report(const struct sessions *s)
{
	CLEANUP(buf_done) struct buf buf = {0};
	const char *dir = s->conf->runtime_dir;
	struct session_status old, new;
	struct sync_status sync;

	if (status_load_sessions(dir, &old) < 0)
		old = (struct session_status){0};
	new = old;
	if (!s->left && status_load(dir, &buf, &sync) == 0 && sync.revocation != old.revocation) {
		new.revocation = sync.revocation;
		new.done_ms = clock_boottime_ms();
	}
	if (s->users) {
		new.ended_at = s->judge.now;
		new.users = s->users;
		new.processes = s->processes;
	}
	new.left = s->left;
	return memcmp(&new, &old, sizeof(new)) ? status_save_sessions(dir, &new) : 0;
}

/* 1: another one is at it. */
static int take_lock(const struct conf *c, int *ret)
{
	AUTO_FREE char *path = str_format("%s/sessions.lock", c->runtime_dir);
	AUTO_CLOSE int fd = path ? open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;

	if (!path)
		return -ENOMEM;
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 1 : -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

/* The next run need not say again who is left: the file that is locked has their uids. */
static int note_left(const struct sessions *s, int lock)
{
	CLEANUP(buf_done) struct buf uids = {0};
	size_t n;
	const struct ending *e = endings(s, &n);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		if (e[i].phase == ENDING_LEFT)
			r = buf_add(&uids, &e[i].user.uid, sizeof(e[i].user.uid));
	if (r < 0 || (!uids.len && !s->left_said.len))
		return r;
	if (ftruncate(lock, 0) < 0 || lseek(lock, 0, SEEK_SET) < 0)
		return -errno;
	return write_all(lock, uids.data, uids.len);
}

static int end_locked(const struct conf *c, uint64_t *ret_generation)
{
	CLEANUP(sessions_done) struct sessions s = {.conf = c, .proc = {.fd = -1}};
	AUTO_CLOSE int lock = -1;
	int r = take_lock(c, &lock), saved;

	if (r != 0)
		return r;
	if (file_read_fd(lock, LEFT_MAX, &s.left_said) < 0)
		s.left_said.len = 0;
	r = proc_open("/proc", &s.proc);
	if (r == 0)
		r = run(&s);
	*ret_generation = s.judge.generation;
	if (r < 0 && r != -EBUSY)
		return r;
	saved = report(&s);
	if (saved == 0)
		saved = note_left(&s, lock);
	if (saved < 0)
		log_error("sessions: what became of them cannot be kept in %s: %s", c->runtime_dir, strerror(-saved));
	return r;
}

/* Who found the lock taken has gone away: what that one knew must not be missed. */
static bool has_changed(uint64_t generation)
{
	CLEANUP(session_judge_done) struct session_judge now;

	return session_judge_open(&now, 0) == 0 && now.generation != generation;
}

int sessions_end(const struct conf *c)
{
	uint64_t generation = 0;
	int r;

	/* others' sessions are no test's business */
	if (strcmp(c->runtime_dir, MUSTER_RUNTIME_DIR) != 0 || strcmp(c->state_dir, MUSTER_STATE_DIR) != 0)
		return 0;
	signal(SIGPIPE, SIG_IGN); /* who listens to us may be one of them */
	do {
		r = end_locked(c, &generation);
	} while (r == 0 && has_changed(generation));
	if (r == -ENOENT) /* nothing is published, so nobody is refused */
		return 0;
	if (r < 0 && r != -EBUSY)
		log_error("sessions: cannot see all whose have to end: %s%s", strerror(-r),
			  r == -EACCES ? ": is /proc mounted with hidepid?" : "");
	return r;
}
