/* Does a living musterd answer, and will one after the next boot? */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "common/agent.h"
#include "common/wire.h"
#include "ctl/doctor/doctor.h"
#include "ctl/program.h"

#define ROOT_SOCKET   MUSTER_RUNTIME_DIR "/private/agent.sock"
#define PUBLIC_SOCKET MUSTER_RUNTIME_DIR "/public.sock"
#define FETCH_SOCKET  MUSTER_RUNTIME_DIR "/private/fetch.sock"
#define PATIENCE_MS   2000 /* what a login waits at most */
#define UNIT          "musterd.service"
#define START         "run 'systemctl enable --now " UNIT "', or have 'musterd' started at boot"

/*
 * A question that changes nothing and waits for no refresh: at the least it is told that somebody works on
 * it.
 */
static int ask(int sock)
{
	CLEANUP(buf_done) struct buf data = {0};
	CLEANUP(frame_done) struct frame f = {.fd = -1};
	struct agent_request q = {.phase = VERDICT_ACCOUNT,
				  .flags = AGENT_NOWAIT,
				  .user = "nobody",
				  .password = "",
				  .service = "musterctl",
				  .rhost = "",
				  .tty = ""};
	int64_t deadline_ms = wire_now_ms() + PATIENCE_MS;
	int r;

	if (getrandom(q.nonce, sizeof(q.nonce), GRND_NONBLOCK) != (ssize_t)sizeof(q.nonce))
		return -EIO;
	r = agent_request_pack(&q, &data);
	if (r == 0)
		r = wire_send(sock, FRAME_CHECK, 0, data.data, data.len, -1, deadline_ms);
	if (r == 0)
		r = wire_recv(sock, &f, deadline_ms);
	return r == 0 && f.type != FRAME_WORKING ? -EPROTO : r;
}

static int knock(const char *path)
{
	AUTO_CLOSE int sock = -1;
	int r = doctor_listens(path, &sock);

	return r == 0 ? ask(sock) : r;
}

static bool unit_enabled(void)
{
	struct stat st;

	return lstat(MUSTER_ETC "/systemd/system/multi-user.target.wants/" UNIT, &st) == 0 ||
	       lstat("/usr/lib/systemd/system/multi-user.target.wants/" UNIT, &st) == 0;
}

static const char *why_not(int r)
{
	switch (-r) {
	case ENOENT:
	case ECONNREFUSED:
		return "no musterd lives";
	case ETIMEDOUT:
	case EAGAIN:
		return "musterd does not answer within 2 s: logins wait for it in vain";
	case EPERM:
		return "what listens there is not root's";
	default:
		return strerror(-r);
	}
}

static void check_socket(struct doctor *d, const char *check, const char *path)
{
	int r = knock(path);
	struct finding f = {FINDING_FAULT, check, .file = path, .remedy = "run 'systemctl restart " UNIT "'"};

	if (r == 0) {
		doctor_ok(d, check, path, "musterd answers");
		return;
	}
	if (!d->root && (r == -EPIPE || r == -ECONNRESET)) { /* somebody listens there, for users of the directory alone */
		doctor_unseen(d, check, path);
		return;
	}
	if ((r == -ENOENT || r == -ECONNREFUSED) && !unit_enabled()) {
		f.status = FINDING_WARNING; /* a computer may do without, with musterd --once */
		f.remedy = START;
	}
	doctor_tell(d, &f, "%s", why_not(r));
}

static void check_unit(struct doctor *d)
{
	struct finding f = {FINDING_WARNING, "agent.unit", .remedy = "run 'systemctl enable " UNIT "'"};

	if (!systemd_runs())
		return;
	if (unit_enabled()) {
		doctor_ok(d, "agent.unit", NULL, UNIT " is started at boot");
	} else {
		doctor_tell(d, &f, UNIT " is not started at boot");
	}
}

/* musterd.service has no network: muster-fetch.socket is its only way to a directory that is elsewhere. */
static void check_fetch(struct doctor *d)
{
	AUTO_CLOSE int sock = -1;
	struct finding f = {FINDING_FAULT, "agent.fetch", .file = FETCH_SOCKET,
			    .remedy = "run 'systemctl enable --now muster-fetch.socket'"};
	int r;

	if (!systemd_runs() || !unit_enabled() || !doctor_uses_network(d))
		return;
	r = d->root ? doctor_listens(FETCH_SOCKET, &sock) : 0;
	if (r < 0)
		doctor_tell(d, &f, "muster-fetch.socket: %s: musterd cannot reach the directory", strerror(-r));
	else if (d->root)
		doctor_ok(d, "agent.fetch", FETCH_SOCKET, "muster-fetch is started when it is needed");
}

void doctor_agent(struct doctor *d)
{
	if (d->root)
		check_socket(d, "agent.root", ROOT_SOCKET);
	else
		doctor_unseen(d, "agent.root", ROOT_SOCKET);
	check_socket(d, "agent.public", PUBLIC_SOCKET);
	check_unit(d);
	check_fetch(d);
}
