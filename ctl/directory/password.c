#include "config.h" /* ppoll */

#include "ctl/directory/password.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

#include "common/names.h"
#include "common/str.h"

/*
 * Byte by byte: the rest of stdin may be somebody else's. With WAIT_MASK signals come in while it waits, and then alone:
 * -EINTR.
 */
static int read_line(int fd, const sigset_t *wait_mask, char out[static PASSWORD_SIZE])
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	size_t len = 0;
	int r = 0;

	for (;;) {
		char c;
		ssize_t n = wait_mask ? ppoll(&poll_fd, 1, NULL, wait_mask) : 0;

		if (n >= 0)
			n = read(fd, &c, 1);
		if (n < 0)
			return -errno;
		if (n == 0 || c == '\n')
			break;
		if (len == PASSWORD_SIZE - 1)
			r = -E2BIG;
		else
			out[len++] = c;
	}
	out[len] = '\0';
	return r == 0 && strlen(out) != len ? -EILSEQ : r;
}

static int check(const char *password, int r, struct fault *f)
{
	if (r == -E2BIG || strlen(password) > PASSWORD_SIZE - 2)
		return fault_set(f, -EINVAL, "the password is longer than %d bytes",
				 PASSWORD_SIZE - 2);
	if (r < 0 && r != -EILSEQ)
		return fault_set(f, r, "cannot read the password: %s", strerror(-r));
	if (!password[0])
		return fault_set(f, -EINVAL, "an empty password is not accepted");
	for (const char *c = password; *c; c++)
		if (r == -EILSEQ || (unsigned char)*c < ' ' || *c == 0x7f)
			return fault_set(f, -EINVAL,
					 "control characters in a password are not accepted");
	return 0;
}

int password_from_stdin(char out[static PASSWORD_SIZE], struct fault *f)
{
	int r;

	do
		r = read_line(STDIN_FILENO, NULL, out);
	while (r == -EINTR);
	return check(out, r, f);
}

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

static const int caught_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

/*
 * One line without echo. Signals are held back but for the wait, so that none is lost between a look and a sleep; what came
 * is raised again once the echo is back.
 */
static int ask_once(int tty, const char *prompt, char out[static PASSWORD_SIZE])
{
	struct sigaction act = {.sa_handler = on_signal}, old[ARRAY_SIZE(caught_signals)];
	struct termios before, quiet;
	sigset_t held, mask;
	int r;

	if (tcgetattr(tty, &before) < 0)
		return -errno;
	caught = 0;
	sigemptyset(&held);
	for (size_t i = 0; i < ARRAY_SIZE(caught_signals); i++)
		sigaddset(&held, caught_signals[i]);
	sigprocmask(SIG_BLOCK, &held, &mask);
	for (size_t i = 0; i < ARRAY_SIZE(caught_signals); i++)
		sigaction(caught_signals[i], &act, &old[i]);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	r = tcsetattr(tty, TCSAFLUSH, &quiet) < 0 ? -errno : 0;
	if (r == 0) {
		dprintf(tty, "%s", prompt);
		r = read_line(tty, &mask, out);
		dprintf(tty, "\n");
	}
	tcsetattr(tty, TCSAFLUSH, &before);
	for (size_t i = 0; i < ARRAY_SIZE(caught_signals); i++)
		sigaction(caught_signals[i], &old[i], NULL);
	if (caught)
		raise(caught);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return r;
}

/* Stopped and continued, or with the signal ignored, we are still here: ask again. */
static int ask(int tty, const char *prompt, char out[static PASSWORD_SIZE])
{
	int r;

	do
		r = ask_once(tty, prompt, out);
	while (r == -EINTR);
	return r;
}

int password_from_terminal(const char *name, char out[static PASSWORD_SIZE], struct fault *f)
{
	AUTO_CLOSE int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	char safe[4 * NAME_MAX_LEN], prompt[5 * NAME_MAX_LEN], again[PASSWORD_SIZE];
	int r;

	if (tty < 0) {
		fault_set(f, -ENXIO, "no terminal to ask for the password");
		fault_hint(f, "give it on stdin, with --stdin");
		return -ENXIO;
	}
	name_escape(name, safe, sizeof(safe));
	snprintf(prompt, sizeof(prompt), "New password for %s: ", safe);
	r = ask(tty, prompt, out);
	r = check(out, r, f);
	if (r < 0)
		return r;
	r = ask(tty, "The same again: ", again);
	if (r < 0 || strcmp(out, again) != 0)
		r = fault_set(f, -EINVAL, "the two passwords differ; nothing was changed");
	wipe(again, sizeof(again));
	return r;
}
