#include "ctl/setup/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agentd/file.h"
#include "common/clock.h"
#include "ctl/program.h"
#include "ctl/setup/say.h"
#include "ctl/setup/undo.h"

#define MINUTE_MS     60000
#define TRY_MIN_MS    10000
#define TRY_MAX_MS    86400000
#define SYSTEMCTL     "/usr/bin/systemctl"
#define SYSTEMD_RUN   "/usr/bin/systemd-run"
#define SERVICE       "muster-setup-rollback.service"
#define TIMER         "muster-setup-rollback.timer"
#define PROGRAM_MS    30000
#define TOKEN_SIZE    64
#define CHECK_EVERY_S 1

int trial_parse(const char *text, int64_t *ret_ms)
{
	int64_t ms;
	int r = parse_duration_ms(text, &ms);

	if (r == 0 && !text[strspn(text, "0123456789")])
		ms = ms / 1000 * MINUTE_MS;
	if (r < 0 || ms < TRY_MIN_MS || ms > TRY_MAX_MS)
		return -EINVAL;
	*ret_ms = ms;
	return 0;
}

bool trial_pending(void)
{
	return access(SETUP_TRY, F_OK) == 0;
}

static int start_timer(int64_t ms, struct fault *f)
{
	AUTO_FREE char *when = str_format("--on-active=%" PRId64 "ms", ms);
	const char *const argv[] = {SYSTEMD_RUN, "--quiet", "--unit=" SERVICE, when, "--timer-property=AccuracySec=1s",
				    NULL};
	CLEANUP(buf_done) struct buf out = {0};
	char line[FIRST_LINE_SIZE];
	int r = when ? program_run(argv, PROGRAM_MS, &out) : -ENOMEM;

	if (r == 0)
		return 0;
	fault_set(f, -EKEYREJECTED, "systemd starts no timer for " SERVICE ": %s",
		  r < 0 ? strerror(-r) : first_line(out.data ? (const char *)out.data : "", line));
	fault_hint(f, "see that the unit is installed, and 'systemctl daemon-reload'");
	return -EKEYREJECTED;
}

/* Is the trial still the one that this process was started for? */
static bool is_mine(const char *token)
{
	CLEANUP(buf_done) struct buf text = {0};

	return file_read(SETUP_TRY, TOKEN_SIZE, &text) == 0 && strcmp((const char *)text.data, token) == 0;
}

/* The process that waits where no systemd does. */
static void wait_and_undo(int64_t ms, const char *token)
{
	int64_t end = clock_boottime_ms() + ms;
	AUTO_CLOSE int lock = -1;
	struct fault f;

	while (clock_boottime_ms() < end && is_mine(token))
		sleep(CHECK_EVERY_S);
	if (setup_lock(true, &lock, &f) < 0 || !is_mine(token))
		return;
	say("not confirmed in time: undoing it");
	if (setup_undo(false, &f) < 0)
		say_warning("%s", f.text);
}

static int start_process(int64_t ms, const char *token, struct fault *f)
{
	pid_t pid = fork();
	int null;

	if (pid < 0)
		return fault_set(f, -errno, "cannot start a process that waits: %s", strerror(errno));
	if (pid > 0)
		return 0;
	setsid();
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || chdir("/") < 0)
		_exit(1);
	close_range(3, ~0u, 0); /* the lock, too */
	wait_and_undo(ms, token);
	_exit(0);
}

int trial_begin(int64_t ms, struct fault *f)
{
	char token[TOKEN_SIZE];
	int r = str_print(token, sizeof(token), "%" PRId64 " %ld\n", clock_boottime_ms() + ms, (long)getpid());

	if (r == 0)
		r = setup_mark(SETUP_TRY, token, f);
	if (r < 0)
		return r;
	r = systemd_runs() ? start_timer(ms, f) : start_process(ms, token, f);
	if (r < 0)
		unlink(SETUP_TRY);
	return r;
}

int trial_end(struct fault *f)
{
	static const char *const argv[] = {SYSTEMCTL, "stop", TIMER, NULL};
	CLEANUP(buf_done) struct buf out = {0};
	int r = setup_unmark(SETUP_TRY, f);

	if (r < 0)
		return r;
	if (access("/run/systemd/transient/" TIMER, F_OK) == 0 && program_run(argv, PROGRAM_MS, &out) != 0)
		say_warning("systemctl stop " TIMER " failed: it finds nothing to undo");
	return 0;
}
