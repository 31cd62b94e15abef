#include "agentd/keeper.h"

#include <poll.h>
#include <signal.h>

#include "agentd/local.h"
#include "agentd/source.h"

/* It answers and nothing else: words that nobody asked for, or the end, are no good sign. */
static bool is_silent(const struct keeper *k)
{
	struct pollfd p = {.fd = k->sock, .events = POLLIN};

	return poll(&p, 1, 0) == 0;
}

static int start(struct keeper *k, const struct conf *c)
{
	CLEANUP(local_freep) struct local *local = NULL;
	char local_error[LOCAL_ERROR_SIZE], error[SOURCE_ERROR_SIZE];
	struct fetcher_options o = {0};
	struct fetcher f = {.sock = -1};

	if (local_load("/etc", &local, local_error) < 0 || source_start(c, local, &o, &f, error) < 0)
		return -1;
	*k = (struct keeper){f.pid, f.sock};
	return k->sock;
}

int keeper_get(struct keeper *k, const struct conf *c)
{
	if (k->sock >= 0 && is_silent(k))
		return k->sock;
	keeper_drop(k);
	return start(k, c);
}

void keeper_drop(struct keeper *k)
{
	if (k->pid > 0)
		kill(k->pid, SIGKILL);
	closep(&k->sock);
	*k = (struct keeper){.sock = -1};
}

bool keeper_ended(struct keeper *k, pid_t pid)
{
	if (k->pid != pid)
		return false;
	k->pid = 0;
	keeper_drop(k);
	return true;
}
