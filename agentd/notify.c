#include "agentd/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "common/str.h"

static int connect_to(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	AUTO_CLOSE int sock = -1;

	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, name, len);
	if (name[0] == '@') /* abstract */
		address.sun_path[0] = '\0';
	len += offsetof(struct sockaddr_un, sun_path);
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0 || connect(sock, (const struct sockaddr *)&address, (socklen_t)len) < 0)
		return -1;
	return TAKE_FD(sock);
}

/* Half of what the manager allows, as sd_watchdog_enabled(3) advises; for this process alone. */
static int64_t watchdog_ms(const char *usec, const char *pid)
{
	uint64_t us;
	uint32_t who;

	if (!usec || parse_u64(usec, 1, INT64_MAX, &us) < 0)
		return 0;
	if (pid && (parse_u32(pid, 1, INT32_MAX, &who) < 0 || (pid_t)who != getpid()))
		return 0;
	return us < 4000 ? 1 : (int64_t)(us / 2000);
}

void notify_init(struct notify *ret)
{
	const char *name = getenv("NOTIFY_SOCKET");

	*ret = (struct notify){.sock = name ? connect_to(name) : -1};
	if (ret->sock >= 0)
		ret->watchdog_ms = watchdog_ms(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_done(struct notify *n)
{
	closep(&n->sock);
	n->sock = -1;
}

void notify_send(const struct notify *n, const char *text)
{
	if (n->sock >= 0 && send(n->sock, text, strlen(text), MSG_NOSIGNAL) < 0)
		return; /* full or gone: the manager's affair */
}

void notify_reloading(const struct notify *n)
{
	struct timespec t;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &t);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
	notify_send(n, text);
}
