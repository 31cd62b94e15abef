/* A sync as a process: this program plays the worker when it is called like one. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agentd/worker.h"
#include "common/macros.h"
#include "common/wire.h"

/* The configuration says how to behave. */
static int play(int argc, char **argv)
{
	char text[64] = "";
	sigset_t blocked;
	struct sigaction pipe;

	if (read(WORKER_CONF_FD, text, sizeof(text) - 1) < 0)
		return 90;
	if (!strcmp(text, "arguments"))
		return argc == 3 && !strcmp(argv[1], "--worker=publish") &&
				       !strcmp(argv[2], "--config=/some/file") ?
			       WORKER_ALARM :
			       91;
	if (!strcmp(text, "users"))
		return argc == 5 && !strcmp(argv[1], "--worker=refresh") && !strcmp(argv[2], "--") &&
				       !strcmp(argv[3], "-a") && !strcmp(argv[4], "b") ?
			       WORKER_WHOLE :
			       97;
	if (!strcmp(text, "fetch"))
		return argc == 3 && !strcmp(argv[1], "--worker=sync") && !strcmp(argv[2], "--fetch") &&
				       write(WORKER_FETCH_FD, "here", 4) == 4 ?
			       WORKER_GOOD :
			       96;
	if (!strcmp(text, "clean")) {
		sigprocmask(SIG_SETMASK, NULL, &blocked);
		sigaction(SIGPIPE, NULL, &pipe);
		if (sigismember(&blocked, SIGTERM) || pipe.sa_handler != SIG_DFL)
			return 92;
		for (int fd = WORKER_CONF_FD + 1; fd < 64; fd++)
			if (fcntl(fd, F_GETFD) >= 0)
				return 93;
		return argc == 2 ? WORKER_GOOD : 94;
	}
	if (!strcmp(text, "stubborn"))
		signal(SIGTERM, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	pause();
	return 95;
}

static int conf(const char *text)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void start(struct worker *w, enum worker_task task, const char *text, const char *path)
{
	AUTO_CLOSE int fd = conf(text);
	const struct worker_options o = {.task = task, .conf_fd = fd, .conf_path = path, .fetch_fd = -1};

	assert_int_equal(worker_start(w, &o), 0);
	assert_true(w->pid > 0);
}

/* The next child that ends, 0 when none does. */
static pid_t reap(int *ret_status)
{
	pid_t pid = 0;

	for (int i = 0; i < 5000 && !(pid = worker_reap(ret_status)); i++)
		usleep(1000);
	return pid;
}

static int end(struct worker *w)
{
	int status = -1;

	assert_true(worker_ended(w, reap(&status)));
	assert_int_equal(w->pid, 0);
	return status;
}

static void test_arguments(void **state)
{
	struct worker w = {0};

	(void)state;
	start(&w, WORKER_PUBLISH, "arguments", "/some/file");
	assert_int_equal(end(&w), W_EXITCODE(WORKER_ALARM, 0));
}

static void test_task_names(void **state)
{
	(void)state;
	assert_int_equal(worker_task_named("sync"), WORKER_SYNC);
	assert_int_equal(worker_task_named("refresh"), WORKER_REFRESH);
	assert_int_equal(worker_task_named("publish"), WORKER_PUBLISH);
	assert_int_equal(worker_task_named(""), WORKER_NONE);
	assert_int_equal(worker_task_named("syn"), WORKER_NONE);
}

static void test_users(void **state)
{
	static const char ids[] = "-a\0b";
	AUTO_CLOSE int fd = conf("users");
	struct worker_options o = {
		.task = WORKER_REFRESH, .conf_fd = fd, .users = {ids, sizeof(ids), 2}, .fetch_fd = -1,
	};
	struct worker w = {0};

	(void)state;
	assert_int_equal(worker_start(&w, &o), 0);
	assert_int_equal(end(&w), W_EXITCODE(WORKER_WHOLE, 0));
	o.users.count = WORKER_USERS_MAX + 1;
	assert_int_equal(worker_start(&w, &o), -E2BIG);
}

/* Whatever numbers the two descriptors have here, also each other's there. */
static void fetch_with(int conf_at, int fetch_at)
{
	const struct worker_options o = {.task = WORKER_SYNC, .conf_fd = conf_at, .fetch_fd = fetch_at};
	int conf_fd = conf("fetch"), high = fcntl(conf_fd, F_DUPFD_CLOEXEC, 40), pair[2];
	struct worker w = {0};
	char text[5] = "";

	close(conf_fd);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(dup3(pair[0], 50, O_CLOEXEC), 50);
	assert_int_equal(dup3(pair[1], 51, O_CLOEXEC), 51);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(dup3(high, conf_at, O_CLOEXEC), conf_at);
	assert_int_equal(dup3(51, fetch_at, O_CLOEXEC), fetch_at);
	assert_int_equal(worker_start(&w, &o), 0);
	assert_int_equal(end(&w), 0);
	assert_int_equal(read(50, text, 4), 4);
	assert_string_equal(text, "here");
	for (int fd = 3; fd < 64; fd++)
		close(fd);
}

static void test_fetch(void **state)
{
	(void)state;
	fetch_with(20, 21);
	fetch_with(WORKER_CONF_FD, WORKER_FETCH_FD);
	fetch_with(WORKER_FETCH_FD, WORKER_CONF_FD);
}

/* Nothing of ours goes along: no blocked or ignored signal, no descriptor. */
static void test_clean(void **state)
{
	AUTO_CLOSE int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct worker w = {0};
	sigset_t set;

	(void)state;
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	start(&w, WORKER_SYNC, "clean", NULL);
	assert_int_equal(end(&w), W_EXITCODE(WORKER_GOOD, 0));
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static void test_killed(void **state)
{
	struct worker w = {0};

	(void)state;
	start(&w, WORKER_SYNC, "hang", NULL);
	assert_int_equal(worker_limit(&w, 99, 100), 100);
	assert_false(w.killed);
	assert_int_equal(worker_limit(&w, 100, 100), INT64_MAX);
	assert_true(w.killed);
	assert_int_equal(worker_limit(&w, 101, 100), INT64_MAX); /* it may hang on: nobody is to wake for that */
	assert_int_equal(end(&w), SIGKILL);
	start(&w, WORKER_SYNC, "clean", NULL);
	assert_false(w.killed);
	assert_int_equal(end(&w), 0);
}

static void test_stopped(void **state)
{
	struct worker w = {0};
	int64_t begin, took_ms = INT64_MAX;

	(void)state;
	worker_stop(&w); /* none */
	for (int i = 0; i < 3 && took_ms >= 1500; i++) { /* the machine may be busy */
		begin = wire_now_ms();
		start(&w, WORKER_SYNC, "hang", NULL);
		worker_stop(&w);
		took_ms = wire_now_ms() - begin;
	}
	assert_true(took_ms < 1500);
	start(&w, WORKER_SYNC, "stubborn", NULL);
	usleep(300000); /* until it is */
	worker_stop(&w);
	assert_int_equal(w.pid, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
}

/* As process 1 of a container: children that are not ours are reaped, and are no worker. */
static void test_strangers(void **state)
{
	struct worker w = {0};
	int status;
	pid_t stranger = fork();

	(void)state;
	if (stranger == 0)
		_exit(0);
	start(&w, WORKER_SYNC, "hang", NULL);
	assert_int_equal(reap(&status), stranger);
	assert_false(worker_ended(&w, stranger));
	assert_int_equal(worker_reap(&status), 0);
	worker_stop(&w);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments), cmocka_unit_test(test_clean),	    cmocka_unit_test(test_killed),
		cmocka_unit_test(test_stopped),	  cmocka_unit_test(test_strangers), cmocka_unit_test(test_task_names),
		cmocka_unit_test(test_fetch),	  cmocka_unit_test(test_users),
	};

	if (argc > 1 && !strncmp(argv[1], "--worker=", 9))
		return play(argc, argv);
	/* what the test driver left open is not ours to answer for */
	for (int fd = WORKER_CONF_FD; fd < 64; fd++)
		close(fd);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
