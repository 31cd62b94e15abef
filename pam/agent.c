#include "pam/agent.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "common/agent.h"
#include "common/paths.h"
#include "common/wire.h"

#define ROOT_SOCKET   MUSTER_RUNTIME_DIR "/private/agent.sock"
#define PUBLIC_SOCKET MUSTER_RUNTIME_DIR "/public.sock"
/*
 * Until the agent says anything at all, which it does before any work. As root this is short, since sshd doubles
 * what a password login takes (its cover for timing) and the files decide as well; others need its word.
 */
#define FIRST_MS        800
#define FIRST_PUBLIC_MS 5000
#define ANSWER_MS       12000 /* in all, from an agent that has said that it works on it (P10) */
#define REQUEST_SIZE    (8 * AGENT_TEXT_MAX)
#define MUTE            "muster_agent_mute"

bool agent_can_decide(void)
{
	return geteuid() == MUSTER_OWNER;
}

/* Jobs that nobody waits for use what is there; a directory is not asked fifty times a minute for them. */
static bool is_job(const char *service)
{
	static const char *const jobs[] = {"cron", "crond", "atd", "systemd-user"};

	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		if (strcmp(service, jobs[i]) == 0)
			return true;
	return false;
}

/* A connection to the agent itself, by the uid of who listens; -errno at once where nobody can answer. */
static int connect_agent(const char *path)
{
	uid_t peer;
	AUTO_CLOSE int sock = wire_connect(path, &peer);

	if (sock < 0)
		return sock;
	return peer == MUSTER_OWNER ? TAKE_FD(sock) : -EPERM;
}

static int64_t first_ms(void)
{
	return agent_can_decide() ? FIRST_MS : FIRST_PUBLIC_MS;
}

/* The answer, which belongs to F; -EPROTO when it is not to this request. */
static int receive(int sock, const struct agent_request *request, struct frame *f, int64_t start_ms,
		   struct agent_answer *ret)
{
	struct agent_answer a;
	int r = wire_recv(sock, f, start_ms + first_ms());

	if (r == 0 && f->fd < 0 && f->type == FRAME_WORKING)
		r = wire_recv(sock, f, start_ms + ANSWER_MS);
	if (r < 0)
		return r;
	closep(&f->fd);
	if (f->type != FRAME_ANSWER || agent_answer_unpack(f->payload.data, f->payload.len, &a) < 0)
		return -EPROTO;
	if (memcmp(a.nonce, request->nonce, sizeof(a.nonce)) != 0 ||
	    strcmp(a.user, request->user) != 0)
		return -EPROTO;
	*ret = a;
	return 0;
}

static int exchange(int sock, enum frame_type type, const struct agent_request *request,
		    struct frame *f, struct agent_answer *ret)
{
	CLEANUP(buf_wipe) struct buf data = {0};
	int64_t start_ms = wire_now_ms();
	int r = buf_reserve(&data, REQUEST_SIZE); /* so that no piece of a password stays behind */

	if (r == 0)
		r = agent_request_pack(request, &data);
	if (r == 0)
		r = wire_send(sock, type, 0, data.data, data.len, -1, start_ms + first_ms());
	return r < 0 ? r : receive(sock, request, f, start_ms, ret);
}

/* Ask, unless this agent has already kept this login waiting. F holds what RET points to. */
static int ask(const struct call *c, enum frame_type type, struct agent_request *request,
	       struct frame *f, struct agent_answer *ret)
{
	const void *mute;
	int r;

	if (pam_get_data(c->pamh, MUTE, &mute) == PAM_SUCCESS)
		return -ETIMEDOUT;
	AUTO_CLOSE int sock = connect_agent(agent_can_decide() ? ROOT_SOCKET : PUBLIC_SOCKET);
	if (sock < 0)
		return sock;
	if (getrandom(request->nonce, sizeof(request->nonce), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(request->nonce))
		return -EIO;
	r = exchange(sock, type, request, f, ret);
	if (r == -ETIMEDOUT)
		(void)pam_set_data(c->pamh, MUTE, (void *)(uintptr_t)MUTE, NULL);
	return r;
}

static struct agent_request request_of(const struct call *c, enum verdict_phase phase)
{
	return (struct agent_request){
		.phase = phase,
		.flags = is_job(call_service(c)) ? AGENT_NOWAIT : 0,
		.user = c->user,
		.service = call_service(c),
		.rhost = call_rhost(c),
	};
}

/* Refusals that are verdicts on the account; what else an agent may say is no reason to refuse one that is there. */
static bool is_verdict(enum reason reason)
{
	switch (reason) {
	case REASON_UNBOUND:
	case REASON_SUSPENDED:
	case REASON_STAGED:
	case REASON_LOCKED:
	case REASON_PASSWORD_PENDING:
	case REASON_PASSWORD_EXPIRED:
	case REASON_STALE:
	case REASON_SERVICE:
	case REASON_HOURS:
	case REASON_MFA_PENDING:
		return true;
	case REASON_OK:
	case REASON_UNDECIDED:
	case REASON_WRONG_PASSWORD:
	case REASON_WRONG_CODE:
	case REASON_BACKOFF:
	case REASON_UNKNOWN_USER:
	case REASON_UNAVAILABLE:
		break;
	}
	return false;
}

enum reason agent_check(const struct call *c, enum verdict_phase phase)
{
	CLEANUP(frame_done) struct frame f = {.fd = -1};
	struct agent_request request = request_of(c, phase);
	struct agent_answer a;

	if (ask(c, FRAME_CHECK, &request, &f, &a) < 0 || !is_verdict(a.reason))
		return REASON_OK;
	return a.reason;
}

/*
 * What is no verdict on the account, as that the agent has no answer either, leaves the password unasked. A verdict is obeyed, also
 * where the directory cannot be asked about the password: the agent may know a newer account than we do.
 */
static struct login_word word_of(const struct agent_answer *a)
{
	struct login_word w = {a->password, a->reason};

	if (a->password == AGENT_PASSWORD_UNCHECKED && !is_verdict(a->reason))
		w.password = AGENT_PASSWORD_UNAVAILABLE;
	else if (a->password == AGENT_PASSWORD_UNAVAILABLE && is_verdict(a->reason))
		w.password = AGENT_PASSWORD_UNCHECKED;
	return w;
}

struct login_word agent_ask_directory(const struct login_directory *d, const struct subject *s,
				      const char *password, const char *code)
{
	CLEANUP(frame_done) struct frame f = {.fd = -1};
	const struct call *c = d->context;
	struct agent_request request = request_of(c, VERDICT_AUTH);
	struct agent_answer a;

	request.password = password;
	request.code = code;
	if (ask(c, FRAME_PASSWORD, &request, &f, &a) < 0)
		return (struct login_word){.password = AGENT_PASSWORD_UNAVAILABLE};
	/* the ids of accounts never change: it speaks of somebody else */
	if (!*password)
		return (struct login_word){a.password, REASON_UNAVAILABLE};
	return a.uid == s->account.uid ? word_of(&a) : (struct login_word){.reason = REASON_UNAVAILABLE};
}

struct login agent_login(const struct call *c, enum verdict_phase phase, const char *password,
			 const char *code)
{
	CLEANUP(frame_done) struct frame f = {.fd = -1};
	struct agent_request request = request_of(c, phase);
	struct agent_answer a;
	int r;

	request.password = password;
	request.code = code;
	r = call_check_args(c);
	if (r == 0)
		r = ask(c, password ? FRAME_PASSWORD : FRAME_CHECK, &request, &f, &a);
	if (r < 0)
		return (struct login){.reason = REASON_UNAVAILABLE, .error = r};
	if (password && a.reason == REASON_OK && a.password != AGENT_PASSWORD_RIGHT)
		return (struct login){.reason = REASON_UNAVAILABLE, .error = -EPROTO};
	return (struct login){.reason = a.reason,
			      .password_right = a.password == AGENT_PASSWORD_RIGHT,
			      .off_line = a.password == AGENT_PASSWORD_UNAVAILABLE};
}

bool agent_asks_code(const struct call *c)
{
	CLEANUP(frame_done) struct frame f = {.fd = -1};
	struct agent_request request = request_of(c, VERDICT_AUTH);
	struct agent_answer a;

	request.flags |= AGENT_NOWAIT;
	return ask(c, FRAME_CHECK, &request, &f, &a) == 0 && a.code_asked;
}
