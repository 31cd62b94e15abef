/* The service manager's protocol, from its side. */
#include "unit.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agentd/notify.h"

static int manager = -1;

static void listen_at(const char *name, size_t len)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	memcpy(a.sun_path, name, len);
	assert_int_equal(bind(manager, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)), 0);
}

static void assert_heard(const char *text)
{
	char heard[128] = "";

	assert_true(recv(manager, heard, sizeof(heard) - 1, 0) > 0);
	assert_string_equal(heard, text);
}

static void test_without(void **state)
{
	struct notify n;
	const char *const bad[] = {"", "/", "relative", "@", "/nonexistent/socket"};

	(void)state;
	setenv("WATCHDOG_USEC", "1000000", 1);
	unsetenv("NOTIFY_SOCKET");
	notify_init(&n);
	assert_int_equal(n.sock, -1);
	assert_int_equal(n.watchdog_ms, 0); /* nobody would hear the pings */
	notify_send(&n, "READY=1");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		setenv("NOTIFY_SOCKET", bad[i], 1);
		notify_init(&n);
		assert_int_equal(n.sock, -1);
	}
	notify_done(&n);
}

static void test_abstract(void **state)
{
	char name[64], env[64], heard[128] = "";
	struct notify n;

	(void)state;
	snprintf(env, sizeof(env), "@muster-test-%d", (int)getpid());
	memcpy(name, env, sizeof(name));
	name[0] = '\0';
	listen_at(name, strlen(env));
	setenv("NOTIFY_SOCKET", env, 1);
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	notify_init(&n);
	assert_true(n.sock >= 0);
	assert_int_equal(n.watchdog_ms, 0); /* another's */
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	notify_send(&n, "READY=1");
	assert_heard("READY=1");
	notify_reloading(&n);
	assert_true(recv(manager, heard, sizeof(heard) - 1, 0) > 0);
	assert_memory_equal(heard, "RELOADING=1\nMONOTONIC_USEC=", 27);
	close(manager);
	notify_send(&n, "READY=1"); /* no signal, no complaint */
	notify_done(&n);
}

static void test_path_and_watchdog(void **state)
{
	char path[64], pid[16];
	struct notify n;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_notify.%d", (int)getpid());
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	listen_at(path, strlen(path) + 1);
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	notify_init(&n);
	assert_int_equal(n.watchdog_ms, 15000); /* half of it */
	notify_send(&n, "WATCHDOG=1");
	assert_heard("WATCHDOG=1");
	notify_done(&n);
	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", "many", 1);
	notify_init(&n);
	assert_int_equal(n.watchdog_ms, 0);
	notify_done(&n);
	close(manager);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without),
		cmocka_unit_test(test_abstract),
		cmocka_unit_test(test_path_and_watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
