#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agentd/log.h"
#include "agentd/sessions_private.h"
#include "common/names.h"

/* From SIGTERM to SIGKILL; then until it is no use. */
#define TERM_MS	   2000
#define GIVE_UP_MS 10000

/* Until what a terminal was told has come through to the other end of ssh. */
#define TELL_MS 200

#define POLL_MS	      20   /* while processes end */
#define GRACE_POLL_MS 1000 /* they may be allowed again, or go */

static const char *const linger_dirs[] = {"/var/lib/systemd/linger", "/var/lib/elogind/linger"};

static void span_text(int64_t ms, char *out, size_t size)
{
	int64_t s = (ms + 999) / 1000;

	if (ms <= 0)
		(void)snprintf(out, size, "now");
	else if (s % 60 == 0)
		(void)snprintf(out, size, "in %" PRId64 " minute%s", s / 60, s == 60 ? "" : "s");
	else
		(void)snprintf(out, size, "in %" PRId64 " second%s", s, s == 1 ? "" : "s");
}

static void tell_end(struct sessions *s, const struct ending *e)
{
	char why[256], when[48];
	AUTO_FREE char *text = NULL;

	reason_text(e->user.reason, s->conf->portal_url, NULL, why, sizeof(why));
	span_text(s->conf->end_grace_ms, when, sizeof(when));
	text = str_format("\r\n\a%s Your sessions on this computer end %s.\r\n", why, when);
	if (text)
		session_tell(&s->all, e->user.uid, text);
}

static void begin(struct sessions *s, struct ending *e, int64_t now_ms)
{
	e->began_ms = now_ms;
	e->due_ms = now_ms + (s->conf->end_grace_ms > TELL_MS ? s->conf->end_grace_ms : TELL_MS);
	e->most = e->sum;
	e->phase = ENDING_TOLD;
	tell_end(s, e);
	if (s->conf->end_grace_ms)
		log_notice("sessions: told user=%s uid=%" PRIu32 " reason=%s processes=%" PRIu32 " sessions=%" PRIu32
			   " grace_s=%" PRId64, e->user.name, e->user.uid, reason_name(e->user.reason),
			   e->sum.processes, e->sum.sessions, s->conf->end_grace_ms / 1000);
}

static void send(struct sessions *s, const struct ending *e, const int *sig)
{
	int r = session_signal(&s->all, &s->proc, e->user.uid, sig);

	if (r < 0)
		s->error = r;
}

/* A stopped process acts on nothing but SIGKILL; interactive shells go by SIGHUP alone. */
static void terminate(struct sessions *s, struct ending *e, int64_t now_ms)
{
	static const int sig[] = {SIGTERM, SIGHUP, SIGCONT, 0};

	e->most = e->sum;
	e->phase = ENDING_TERMINATED;
	e->due_ms = now_ms + TERM_MS;
	/* ours may be among the sessions that end, and sudo passes on what it is sent */
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sessions_hold(true);
	send(s, e, sig);
}

static void sweep(struct sessions *s, const struct ending *e)
{
	int r = session_sweep(&s->all, e->user.uid);

	if (r < 0 && r != -EBUSY)
		s->error = r;
}

static void kill_them(struct sessions *s, struct ending *e, int64_t now_ms)
{
	static const int sig[] = {SIGKILL, 0};

	if (e->phase != ENDING_KILLED)
		e->due_ms = now_ms + GIVE_UP_MS;
	e->phase = ENDING_KILLED;
	send(s, e, sig);
	sweep(s, e);
}

static bool is_said(const struct sessions *s, uint32_t uid)
{
	const uint32_t *uids = (const uint32_t *)(const void *)s->left_said.data;

	for (size_t i = 0; i < s->left_said.len / sizeof(*uids); i++)
		if (uids[i] == uid)
			return true;
	return false;
}

static void give_up(struct sessions *s, struct ending *e)
{
	e->phase = ENDING_LEFT;
	s->left += e->sum.processes;
	if (is_said(s, e->user.uid))
		return;
	log_error("sessions: left user=%s uid=%" PRIu32 " reason=%s processes=%" PRIu32 ": they do not end, pid %d say; "
		  "see 'ps -o pid,stat,wchan,args %d'", e->user.name, e->user.uid, reason_name(e->user.reason),
		  e->sum.processes, (int)e->sum.first, (int)e->sum.first);
}

static void finish(struct sessions *s, struct ending *e, int64_t now_ms)
{
	/* what forks and ends all the time is seen in one look and not in the next, also right after it was told */
	if (e->refused)
		sweep(s, e);
	s->users++;
	s->processes += e->most.processes;
	log_notice("sessions: ended user=%s uid=%" PRIu32 " reason=%s processes=%" PRIu32 " sessions=%" PRIu32
		   " killed=%s ms=%" PRId64, e->user.name, e->user.uid, reason_name(e->user.reason), e->most.processes,
		   e->most.sessions, e->phase == ENDING_KILLED ? "yes" : "no", now_ms - e->began_ms);
	e->phase = ENDING_OVER;
}

static void keep(struct sessions *s, struct ending *e)
{
	session_tell(&s->all, e->user.uid, "\r\n\aYour sessions on this computer go on.\r\n");
	log_notice("sessions: kept user=%s uid=%" PRIu32 " processes=%" PRIu32 ": allowed again",
		   e->user.name, e->user.uid, e->sum.processes);
	e->phase = ENDING_OVER;
}

/* Gone, allowed again, or on to the next phase. */
static void advance(struct sessions *s, struct ending *e, int64_t now_ms)
{
	if (!e->sum.processes && e->phase == ENDING_SEEN) { /* what there is, is a service */
		e->phase = ENDING_OVER;
		return;
	}
	if (!e->sum.processes) {
		finish(s, e, now_ms);
		return;
	}
	if (!e->refused && e->phase != ENDING_SEEN) {
		keep(s, e);
		return;
	}
	if (e->phase == ENDING_SEEN)
		begin(s, e, now_ms);
	else if (e->phase == ENDING_TOLD && now_ms >= e->due_ms)
		terminate(s, e, now_ms);
	else if (e->phase == ENDING_TERMINATED && now_ms >= e->due_ms)
		kill_them(s, e, now_ms);
	else if (e->phase == ENDING_KILLED && now_ms >= e->due_ms)
		give_up(s, e);
	else if (e->phase == ENDING_KILLED)
		kill_them(s, e, now_ms);
}

int64_t sessions_step(struct sessions *s, struct ending *e, int64_t now_ms)
{
	if (e->phase == ENDING_LEFT)
		return 0;
	e->sum = session_count(&s->all, e->user.uid);
	advance(s, e, now_ms);
	if (e->phase == ENDING_OVER || e->phase == ENDING_LEFT)
		return 0;
	if (e->phase != ENDING_TOLD)
		return POLL_MS;
	return e->due_ms - now_ms < GRACE_POLL_MS ? e->due_ms - now_ms : GRACE_POLL_MS;
}

static bool in_grace(const struct sessions *s, uint32_t uid)
{
	const struct ending *e = (const struct ending *)(const void *)s->endings.data;

	for (size_t i = 0; i < s->endings.len / sizeof(*e); i++)
		if (e[i].user.uid == uid && e[i].phase == ENDING_TOLD)
			return true;
	return false;
}

static void stop_lingering_in(struct sessions *s, DIR *dir)
{
	const struct dirent *e;

	while ((e = readdir(dir))) {
		struct session_user u;
		int r = session_judge_name(&s->judge, e->d_name, &u);

		if (r < 0 || in_grace(s, u.uid))
			continue;
		if (unlinkat(dirfd(dir), e->d_name, 0) < 0)
			log_error("sessions: lingering user=%s uid=%" PRIu32 " reason=%s: cannot be stopped: %s", u.name, u.uid,
				  reason_name(u.reason), strerror(errno));
		else
			log_notice("sessions: lingering_stopped user=%s uid=%" PRIu32 " reason=%s", u.name, u.uid,
				   reason_name(u.reason));
	}
}

void sessions_stop_lingering(struct sessions *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(linger_dirs); i++) {
		DIR *dir = opendir(linger_dirs[i]);

		if (!dir)
			continue;
		stop_lingering_in(s, dir);
		closedir(dir);
	}
}
