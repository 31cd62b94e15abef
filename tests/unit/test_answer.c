/* Whose request musterd works for; what that work is stands in for itself here. */
#include "tests/unit/unit.h"

#include <sys/socket.h>

#include "agentd/answer.h"
#include "agentd/auth.h"
#include "agentd/counters.h"
#include "agentd/engine.h"
#include "agentd/turn.h"
#include "common/agent.h"
#include "common/login.h"

#define DORA 1500

static struct policy policy;
static struct agent_answer answered;
static int asked; /* how often the directory was to be asked */
static int pretended; /* and how often only as if */
static int verified;  /* how often about a password */
static const char *expected_password; /* "": as much time is to pass */
static bool password_ldap;

int engine_refresh(struct engine *e, const char *id, int64_t max_age_ms, int64_t deadline_ms)
{
	(void)e, (void)id, (void)max_age_ms, (void)deadline_ms;
	asked++;
	return 0;
}

void engine_pretend(struct engine *e, const char *name, int64_t max_age_ms, int64_t most_ms)
{
	(void)e, (void)name, (void)max_age_ms, (void)most_ms;
	pretended++;
}

void engine_poke(struct engine *e, const char *id, int64_t max_age_ms)
{
	(void)e, (void)id, (void)max_age_ms;
	asked++;
}

int subject_load(const char *name, struct subject *s)
{
	s->policy = policy;
	s->policy.password_ldap = password_ldap;
	if (strcmp(name, "dora") != 0)
		return -ESRCH;
	s->account = (struct account){.id = "d", .name = "dora", .uid = DORA};
	return 0;
}

void subject_done(struct subject *s)
{
	(void)s;
}

struct verdict subject_verdict(const struct subject *s, enum verdict_phase phase, bool tally_locked)
{
	(void)s, (void)phase, (void)tally_locked;
	return (struct verdict){.reason = REASON_OK};
}

enum reason subject_load_reason(int r)
{
	return r == -ESRCH ? REASON_UNKNOWN_USER : REASON_UNAVAILABLE;
}

struct login login_check(const struct subject *s, const struct login_try *t, const struct login_directory *d)
{
	(void)s, (void)d;
	assert_string_equal(t->code, "654321");
	return (struct login){.reason = REASON_WRONG_CODE};
}

enum reason login_unasked(const struct subject *s)
{
	(void)s;
	return REASON_OK;
}

struct login_word auth_ask(struct auth *a, const struct subject *s, const char *password, const char *code)
{
	(void)a, (void)s;
	verified++;
	assert_string_equal(password, expected_password);
	assert_string_equal(code, *expected_password ? "654321" : "");
	return (struct login_word){.reason = REASON_UNAVAILABLE};
}

int turn_take(void)
{
	return 0;
}

void turn_give(void)
{
}

void counters_answer(const char *service, enum reason reason)
{
	(void)service, (void)reason;
}

void counters_refresh(int r)
{
	(void)r;
}

static void read_answer(int sock)
{
	CLEANUP(frame_done) struct frame f = {.fd = -1};

	assert_int_equal(wire_recv(sock, &f, wire_now_ms() + 1000), 0);
	assert_int_equal(f.type, FRAME_WORKING);
	assert_int_equal(wire_recv(sock, &f, wire_now_ms() + 1000), 0);
	assert_int_equal(f.type, FRAME_ANSWER);
	assert_int_equal(agent_answer_unpack(f.payload.data, f.payload.len, &answered), 0);
	answered.user = NULL; /* the frame's */
}

/* What PEER gets who asks about USER. */
static int ask(const char *user, uid_t peer, enum frame_type type, uint32_t flags)
{
	const struct agent_request q = {.phase = VERDICT_AUTH, .flags = flags, .user = user,
					.password = "x",
					.service = "vlock",
					.code = type == FRAME_PASSWORD ? "654321" : ""};
	const struct answer_options o = {.root = peer == 0};
	CLEANUP(frame_done) struct frame f = {.type = type, .fd = -1};
	int pair[2], r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(agent_request_pack(&q, &f.payload), 0);
	asked = pretended = 0;
	r = answer(pair[0], &f, peer, &o);
	close(pair[0]);
	if (r == 0)
		read_answer(pair[1]);
	close(pair[1]);
	return r;
}

static void test_root_asks_about_anybody(void **state)
{
	(void)state;
	assert_int_equal(ask("dora", 0, FRAME_CHECK, 0), 0);
	assert_int_equal(asked, 1);
	assert_int_equal(pretended, 0);
	assert_int_equal(ask("emil", 0, FRAME_CHECK, 0), 0);
	assert_int_equal(asked, 1);
	assert_int_equal(pretended, 1); /* it takes as long */
}

/* Root asks what the directory says of a password, and the code goes with it; of a name that nobody has, the time is asked for. */
static void test_password_of_the_directory(void **state)
{
	(void)state;
	password_ldap = true;
	verified = 0;
	expected_password = "x";
	assert_int_equal(ask("dora", 0, FRAME_PASSWORD, 0), 0);
	assert_int_equal(verified, 1);
	assert_int_equal(answered.reason, REASON_UNAVAILABLE);
	expected_password = "";
	assert_int_equal(ask("emil", 0, FRAME_PASSWORD, 0), 0);
	assert_int_equal(verified, 2);
	assert_int_equal(answered.reason, REASON_UNKNOWN_USER);
	password_ldap = false;
}

static void test_users_ask_about_themselves(void **state)
{
	(void)state;
	assert_int_equal(ask("dora", DORA, FRAME_CHECK, 0), 0);
	assert_int_equal(asked, 1);
	assert_int_equal(ask("dora", DORA, FRAME_PASSWORD, AGENT_NOWAIT), 0);
	assert_int_equal(asked, 1);
}

/* Not even a request to the directory, whose limits are everybody's. */
static void test_not_about_others(void **state)
{
	static const char *const users[] = {"dora", "emil"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		assert_int_equal(ask(users[i], DORA + 1, FRAME_CHECK, 0), -EPERM);
		assert_int_equal(asked, 0);
		assert_int_equal(ask(users[i], DORA + 1, FRAME_PASSWORD, AGENT_NOWAIT), -EPERM);
		assert_int_equal(asked, 0);
	}
}

/* That the password was right, and the code was not, is for the journal alone. */
static void test_wrong_code(void **state)
{
	(void)state;
	assert_int_equal(ask("dora", DORA, FRAME_PASSWORD, 0), 0);
	assert_int_equal(answered.reason, REASON_WRONG_PASSWORD);
	assert_int_equal(answered.password, AGENT_PASSWORD_WRONG);
}

/* Who may not read pam.snapshot hears whether to ask for a code. */
static void test_code_asked(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		policy = (struct policy){.totp_wanted = i & 1};
		if (i & 2)
			policy.totp_services = (struct strlist)STRLIST("sshd\0all\0", 2);
		if (i & 4)
			policy.totp_except = (struct strlist)STRLIST("vlock\0", 1);
		assert_int_equal(ask("dora", DORA, FRAME_CHECK, AGENT_NOWAIT), 0);
		assert_int_equal(answered.code_asked, i == 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root_asks_about_anybody),
		cmocka_unit_test(test_password_of_the_directory),
		cmocka_unit_test(test_users_ask_about_themselves),
		cmocka_unit_test(test_not_about_others),
		cmocka_unit_test(test_wrong_code),
		cmocka_unit_test(test_code_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
