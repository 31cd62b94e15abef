/* What JumpCloud's API says, to records: without a network, from replies as they are published and as they were recorded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "agentd/fetch/jumpcloud.h"
#include "common/macros.h"
#include "tests/unit/document_dump.h"

#define SYSTEM "5f0000000000000000000001"
#define ALICE  "5a0000000000000000000001"
#define BOB    "5a0000000000000000000002"
#define CAROL  "5a0000000000000000000003"
#define OPS    "6a0000000000000000000001"
#define EMPTY  "6a0000000000000000000002"
#define ORG    "7a0000000000000000000001"

#define USERS	  "/v2/systems/" SYSTEM "/users?"
#define FILTERED  USERS "filter=id:eq:" ALICE "&"
#define GROUPS	  "/v2/systems/" SYSTEM "/usergroups?"
#define NAMES	  "/v2/usergroups?"
#define SCHEDULED "/v2/bulk/userstates/eventlist/next?users="
#define RECORDS	  "/search/systemusers"
#define SINGLE	  "/systemusers/"
#define ORGS	  "/organizations?"
#define ORG_GET	  "/organizations/" ORG "?"

/* An answer to the next request whose path begins so; each is given once, those with MANY always. */
struct answer {
	const char *path;
	int error; /* or 0 */
	int64_t total;
	const char *text;
	bool many;
};
#define NO_TOTAL -1

struct fake {
	const struct answer *answers;
	size_t n;
	bool used[32];
	size_t step;	  /* bytes at a time; 0: all */
	struct buf asked; /* what was asked, a line each … */
	bool silent;	  /* … or is not noted */
};

static void note(struct fake *f, const struct jumpcloud_request *q)
{
	AUTO_FREE char *line = str_format("%s %s\n", q->post ? "POST" : "GET", q->path);

	assert_non_null(line);
	assert_int_equal(buf_add(&f->asked, line, strlen(line)), 0);
}

static int give(const struct fake *f, const struct jumpcloud_request *q, const char *text)
{
	size_t len = strlen(text), step = f->step ? f->step : len;
	int r = 0;

	for (size_t done = 0; r == 0 && done < len; done += step)
		r = q->body(q->context, text + done, step < len - done ? step : len - done);
	return r;
}

static int ask(void *context, const struct jumpcloud_request *q, struct jumpcloud_reply *ret)
{
	struct fake *f = context;

	if (!f->silent)
		note(f, q);
	for (size_t i = 0; i < f->n; i++) {
		const struct answer *a = &f->answers[i];

		if (f->used[i] || strncmp(q->path, a->path, strlen(a->path)) != 0)
			continue;
		f->used[i] = !a->many;
		ret->total = a->total;
		if (a->error)
			snprintf(ret->text, sizeof(ret->text), "refused");
		return a->error ? a->error : give(f, q, a->text);
	}
	fail_msg("nobody answers %s", q->path);
	return -EIO;
}

static const struct jumpcloud_options options = { .system_id = SYSTEM, .org_id = "", .now_ms = 1000 };

struct run {
	struct fake fake;
	struct dump dump;
	struct jumpcloud_memory memory;
	char text[JUMPCLOUD_TEXT_SIZE];
};

static int sync_again(struct run *r, const struct answer *answers, size_t n)
{
	const struct jumpcloud_api api = { ask, &r->fake };
	const struct document_sink sink = dump_sink(&r->dump);
	int result;

	buf_done(&r->dump.text);
	buf_done(&r->fake.asked);
	memset(r->fake.used, 0, sizeof(r->fake.used));
	r->fake.answers = answers;
	r->fake.n = n;
	r->text[0] = '\0';
	result = jumpcloud_sync(&api, &options, &r->memory, &sink, r->text);
	assert_int_equal(buf_add(&r->dump.text, "", 1), 0);
	assert_int_equal(buf_add(&r->fake.asked, "", 1), 0);
	return result;
}

static void done(struct run *r)
{
	buf_done(&r->dump.text);
	buf_done(&r->fake.asked);
	jumpcloud_memory_done(&r->memory);
}

static void expect_records(struct run *r, const struct answer *answers, size_t n, const char *records)
{
	int result = sync_again(r, answers, n);

	if (result < 0)
		fail_msg("%d: %s", result, r->text);
	assert_string_equal((char *)r->dump.text.data, records);
}

#define EXPECT(run, answers, records) expect_records(run, answers, ARRAY_SIZE(answers), records)

static void expect_error(const struct answer *answers, size_t n, int error, const char *text)
{
	struct run r = { .fake = { .step = 0 } };
	int result = sync_again(&r, answers, n);

	if (result != error || !strstr(r.text, text))
		fail_msg("%d, not %d: '%s', not '%s'", result, error, r.text, text);
	done(&r);
}

#define EXPECT_ERROR(answers, error, text) expect_error(answers, ARRAY_SIZE(answers), error, text)

/* Bound directly; through a group, with its attributes on the way. */
#define DIRECT(id, compiled)                                                                              \
	"{\"id\":\"" id "\",\"type\":\"user\",\"compiledAttributes\":" compiled                          \
	",\"paths\":[[{\"attributes\":null,\"to\":{\"attributes\":null,\"id\":\"" id "\",\"type\":\"user\"}}]]}"
#define OPS_ATTRIBUTES "{\"Hello\":\"World\",\"posixGroups\":[{\"id\":3000,\"name\":\"ops\"}]}"
#define BY_OPS(id, compiled)                                                                              \
	"{\"compiledAttributes\":" compiled ",\"paths\":[[{\"attributes\":null,\"to\":{\"attributes\":"   \
	OPS_ATTRIBUTES ",\"id\":\"" OPS "\",\"type\":\"user_group\"}},{\"attributes\":null,\"to\":{"      \
	"\"attributes\":null,\"id\":\"" id "\",\"type\":\"user\"}}]],\"id\":\"" id "\",\"type\":\"user\"}"
#define SUDO(nopasswd) "{\"sudo\":{\"enabled\":true,\"withoutPassword\":" nopasswd "}}"
#define RECORD(id, name, more)                                                                            \
	"{\"_id\":\"" id "\",\"id\":\"" id "\",\"username\":\"" name "\",\"state\":\"ACTIVATED\","       \
	"\"activated\":true,\"employeeIdentifier\":null,\"attributes\":[]" more "}"
#define RESULTS(total, items) "{\"totalCount\":" total ",\"results\":[" items "]}"
#define NOTHING_SCHEDULED { SCHEDULED, 0, NO_TOTAL, "{\"events_count\":0,\"results\":[]}", true }
#define NO_GROUPS	  { GROUPS, 0, 0, "[]", true }, { NAMES, 0, 0, "[]", true }
#define NO_POLICY	  { ORGS, -EPERM, NO_TOTAL, NULL, true }
#define NOTHING_ELSE	  NOTHING_SCHEDULED, NO_GROUPS, NO_POLICY

static const struct answer everything[] = {
	{ USERS, 0, 3, "[" DIRECT(BOB, SUDO("true")) "," BY_OPS(ALICE, "null") "," DIRECT(CAROL, SUDO("false")) "]", false },
	{ SCHEDULED, 0, NO_TOTAL,
	  "{\"results\":[{\"systemUserId\":\"" ALICE "\",\"state\":\"SUSPENDED\",\"scheduledDate\":"
	  "\"2030-01-01T00:00:00.000Z\",\"scheduledJobId\":\"x\"},{\"systemUserId\":\"" ALICE "\",\"state\":"
	  "\"ACTIVATED\",\"scheduledDate\":\"2029-01-01T00:00:00.000Z\"},{\"systemUserId\":\"unknown\",\"state\":"
	  "\"ACTIVATED\",\"scheduledDate\":\"2029-01-01T00:00:00.000Z\"}],\"events_count\":3}", false },
	{ RECORDS, 0, NO_TOTAL,
	  RESULTS("4",
		  RECORD(CAROL, "carol.long", ",\"systemUsername\":\"carol\",\"sudo\":true,\"passwordless_sudo\":true,"
			 "\"organization\":\"" ORG "\",\"systemToken\":\"secret\",\"home\":\"/srv/x\",\"password_hash\":\"$6$x$y\","
			 "\"scheduled\":7") ","
		  RECORD("5aaaaaaaaaaaaaaaaaaaaaaa", "stranger", "") ","
		  RECORD(ALICE, "alice", ",\"unix_uid\":5001,\"unix_guid\":5002,\"displayname\":\"Alice A\",\"email\":\"a@x\","
			 "\"systemUsername\":\"\",\"account_locked\":true,\"account_locked_date\":\"2021-02-12T17:45:42.369Z\","
			 "\"mfa\":{\"configured\":true,\"exclusion\":false},\"totp_enabled\":true,"
			 "\"enable_user_portal_multifactor\":true,"
			 "\"disableDeviceMaxLoginAttempts\":true,\"public_key\":\"ssh-ed25519 "
			 "AAAAC3NzaC1lZDI1NTE5AAAAIJ0x9gYBhCeCcPYXyKPrRJ6Tk5K1UtKVAcUzlwDDEyzQ old\",\"ssh_keys\":[]") ","
		  RECORD(BOB, "bob", ",\"suspended\":true,\"password_never_expires\":true,\"password_expired\":true,"
			 "\"password_date\":null,\"password_expiration_date\":\"2021-02-12T17:45:42.369Z\"")), false },
	{ GROUPS, 0, 2,
	  "[{\"id\":\"" EMPTY "\",\"type\":\"user_group\",\"compiledAttributes\":{\"posixGroups\":[{\"id\":3001,\"name\":"
	  "\"nobody-yet\"}]},\"paths\":[]},{\"id\":\"" OPS "\",\"type\":\"user_group\",\"paths\":null}]", false },
	{ NAMES, 0, 2, "[{\"id\":\"" OPS "\",\"name\":\"Operators\",\"attributes\":null},{\"id\":\"" EMPTY
		       "\",\"name\":\"Nobody yet\"}]", false },
	{ ORG_GET, 0, NO_TOTAL,
	  "{\"id\":\"" ORG "\",\"displayName\":null,\"settings\":{\"passwordCompliance\":\"custom\",\"passwordPolicy\":{"
	  "\"enableMaxLoginAttempts\":true,\"maxLoginAttempts\":6,\"lockoutTimeInSeconds\":600}}}", false },
};

static const char everything_dump[] =
	"account " ALICE " alice 5001:5002 ACTIVATED gecos=Alice A email=a@x locked totp_enabled mfa no_lockout "
	"locked=1613151942 ACTIVATED@1861920000 SUSPENDED@1893456000 key=ssh-ed25519 AAAAC3NzaC1l\n"
	"account " BOB " bob 0:0 ACTIVATED suspended expired never_expires sudo nopasswd expires=1613151942\n"
	"account " CAROL " carol 0:0 ACTIVATED username=carol.long sudo nopasswd\n"
	"group " OPS " \"Operators\" ops=3000\n"
	"members of=" OPS " " ALICE "\n"
	"group " EMPTY " \"Nobody yet\" nobody-yet=3001\n"
	"lockout attempts=6 time=600\n";

static void test_everything(void **state)
{
	struct run r = { .fake = { .step = 0 } };

	(void)state;
	EXPECT(&r, everything, everything_dump);
	assert_string_equal((char *)r.fake.asked.data,
			    "GET " USERS "limit=100&skip=0\n"
			    "GET " SCHEDULED ALICE "," BOB "," CAROL "&limit=100&skip=0\n"
			    "POST /search/systemusers\n"
			    "GET " GROUPS "limit=100&skip=0\n"
			    "GET " NAMES "fields=id,name&filter=id:in:" OPS "%7C" EMPTY "&limit=100&skip=0\n"
			    "GET /organizations/" ORG "?fields=settings\n");
	/* What seldom changes is known now. */
	EXPECT(&r, everything, everything_dump);
	assert_null(strstr((char *)r.fake.asked.data, "usergroups"));
	assert_null(strstr((char *)r.fake.asked.data, "organizations"));
	done(&r);
}

static void test_pieces(void **state)
{
	for (size_t step = 1; step < 40; step += 3) {
		struct run r = { .fake = { .step = step } };

		(void)state;
		EXPECT(&r, everything, everything_dump);
		done(&r);
	}
}

/* Bound to nobody: nothing is asked about nobody. */
static void test_nobody(void **state)
{
	static const struct answer answers[] = { { USERS, 0, 0, "[]", false }, NO_GROUPS, NO_POLICY };
	struct run r = { .fake = { .step = 0 } };

	(void)state;
	EXPECT(&r, answers, "");
	done(&r);
}

/* Sudo is what was compiled for the user, or the user's own for all systems; anything else is none. */
static void test_sudo(void **state)
{
	static const struct {
		const char *user, *record, *dump;
	} cases[] = {
		{ DIRECT(ALICE, SUDO("false")), "", " sudo" },
		{ DIRECT(ALICE, SUDO("true")), "", " sudo nopasswd" },
		{ DIRECT(ALICE, "{\"sudo\":{\"enabled\":false,\"withoutPassword\":true}}"), "", "" },
		{ DIRECT(ALICE, "{\"sudo\":{\"enabled\":\"true\"}}"), "", "" },
		{ DIRECT(ALICE, "{\"sudo\":true}"), "", "" },
		{ DIRECT(ALICE, "{\"sudo\":null}"), "", "" },
		{ DIRECT(ALICE, "7"), "", "" },
		{ DIRECT(ALICE, "null"), ",\"sudo\":true", " sudo" },
		{ DIRECT(ALICE, "null"), ",\"sudo\":true,\"passwordless_sudo\":true", " sudo nopasswd" },
		{ DIRECT(ALICE, "null"), ",\"passwordless_sudo\":true", "" },
		{ DIRECT(ALICE, SUDO("false")), ",\"passwordless_sudo\":true", " sudo" },
		{ DIRECT(ALICE, SUDO("true")), ",\"sudo\":true", " sudo nopasswd" },
		{ "{\"id\":\"" ALICE "\",\"type\":\"user\",\"paths\":7}", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_FREE char *users = str_format("[%s]", cases[i].user);
		AUTO_FREE char *records = str_format(RESULTS("1", "{\"_id\":\"" ALICE "\",\"username\":\"alice\",\"suspended\":false,"
									   "\"activated\":true%s}"), cases[i].record);
		AUTO_FREE char *dump = str_format("account " ALICE " alice 0:0 ACTIVATED%s\n", cases[i].dump);
		const struct answer answers[] = {
			{ USERS, 0, 1, users, false }, { RECORDS, 0, NO_TOTAL, records, false }, NOTHING_ELSE
		};
		struct run r = { .fake = { .step = 0 } };

		EXPECT(&r, answers, dump);
		done(&r);
	}
}

/* What is wrong with one user leaves out that one. */
static void test_rejects(void **state)
{
	static const struct answer answers[] = {
		{ USERS, 0, 3, "[" BY_OPS(ALICE, "null") "," DIRECT(BOB, "null") "," DIRECT(CAROL, "null") "]", false },
		{ RECORDS, 0, NO_TOTAL,
		  RESULTS("3", RECORD(ALICE, "root", "") "," RECORD(BOB, "bob", ",\"unix_uid\":\"5\"") ","
			       "{\"_id\":\"" CAROL "\",\"username\":\"carol\",\"activated\":true,\"state\":\"FROZEN\",\"ssh_keys\":["
			       "{\"public_key\":\"x\"}]}"), false },
		{ GROUPS, 0, 1, "[{\"id\":\"" EMPTY "\",\"type\":\"user_group\",\"compiledAttributes\":{\"posixGroups\":["
				"{\"id\":0,\"name\":\"root\"},{\"id\":3000,\"name\":\"fine\"}]}}]", false },
		{ NAMES, 0, 1, "[{\"id\":\"" EMPTY "\",\"name\":\"E\"}]", false },
		{ NAMES, -EPERM, NO_TOTAL, NULL, false },
		NOTHING_SCHEDULED, NO_POLICY,
	};
	struct run r = { .fake = { .step = 0 } };

	(void)state;
	EXPECT(&r, answers,
	       "reject user " ALICE " root name_reserved (username: a name of the system)\n"
	       "reject user " BOB " bob uid_type (unix_uid: string, not int)\n"
	       "reject key " CAROL " carol key_invalid (not one public key, or options before it)\n"
	       "account " CAROL " carol 0:0 NONE\n"
	       "reject group " OPS " - name_unknown (JumpCloud does not tell its name; no [lease] goes by it)\n"
	       "group " OPS " \"\" ops=3000\n"
	       "members of=" OPS " " ALICE "\n"
	       "reject posix_group " EMPTY " root name_reserved ()\n"
	       "group " EMPTY " \"E\" fine=3000\n");
	done(&r);
}

/* Nor has anybody a group whose attributes cannot be read. */
static void test_bad_group(void **state)
{
	static const struct answer answers[] = {
		{ USERS, 0, 1, "[{\"id\":\"" ALICE "\",\"type\":\"user\",\"paths\":[[{\"to\":{\"id\":\"" OPS
			       "\",\"type\":\"user_group\",\"attributes\":{\"posixGroups\":[7]}}}]]}]", false },
		{ RECORDS, 0, NO_TOTAL, RESULTS("1", RECORD(ALICE, "alice", "")), false },
		{ NAMES, 0, 1, "[{\"id\":\"" OPS "\",\"name\":\"Operators\"}]", false },
		NOTHING_ELSE,
	};
	struct run r = { .fake = { .step = 0 } };

	(void)state;
	EXPECT(&r, answers, "account " ALICE " alice 0:0 ACTIVATED\nreject group " OPS
			    " Operators posix_type (posixGroups: an item is not an object)\n");
	done(&r);
}

/* Before 2021 there was no `state`. */
static void test_old_records(void **state)
{
	static const struct answer answers[] = {
		{ USERS, 0, 3, "[" DIRECT(ALICE, "null") "," DIRECT(BOB, "null") "," DIRECT(CAROL, "null") "]", false },
		{ RECORDS, 0, NO_TOTAL,
		  RESULTS("3", "{\"_id\":\"" ALICE "\",\"username\":\"alice\",\"suspended\":true,\"activated\":true},"
			       "{\"id\":\"" BOB "\",\"username\":\"bob\",\"suspended\":false,\"activated\":false},"
			       "{\"id\":\"" CAROL "\",\"username\":\"carol\",\"activated\":true}"), false },
		NOTHING_ELSE,
	};
	struct run r = { .fake = { .step = 0 } };

	(void)state;
	EXPECT(&r, answers, "account " ALICE " alice 0:0 SUSPENDED suspended\naccount " BOB " bob 0:0 ACTIVATED pending\n"
	       "account " CAROL " carol 0:0 NONE\n");
	done(&r);
}

/* Not found among the others: found, gone, not to be read. */
static void test_missing(void **state)
{
	static const struct answer answers[] = {
		{ USERS, 0, 3, "[" DIRECT(ALICE, "null") "," DIRECT(BOB, "null") "," DIRECT(CAROL, "null") "]", false },
		{ RECORDS, 0, NO_TOTAL, RESULTS("0", ""), false },
		{ SINGLE ALICE "?fields=_id%20username%20", 0, NO_TOTAL, RECORD(ALICE, "alice", ""), false },
		{ SINGLE BOB, -ENOENT, NO_TOTAL, NULL, false },
		{ SINGLE CAROL, -EPERM, NO_TOTAL, NULL, false },
		NOTHING_ELSE,
	};
	static const struct answer busy[] = {
		{ USERS, 0, 1, "[" DIRECT(ALICE, "null") "]", false },
		{ RECORDS, 0, NO_TOTAL, RESULTS("0", ""), false },
		{ SINGLE, -EBUSY, NO_TOTAL, NULL, false },
		NOTHING_ELSE,
	};
	static const struct answer other[] = {
		{ USERS, 0, 1, "[" DIRECT(ALICE, "null") "]", false },
		{ RECORDS, 0, NO_TOTAL, RESULTS("0", ""), false },
		{ SINGLE, 0, NO_TOTAL, RECORD(BOB, "bob", ""), false },
		NOTHING_ELSE,
	};
	struct run r = { .fake = { .step = 0 } };

	(void)state;
	EXPECT(&r, answers, "account " ALICE " alice 0:0 ACTIVATED\nkept " CAROL "\n");
	done(&r);
	EXPECT_ERROR(busy, -EBUSY, "users: refused");
	EXPECT_ERROR(other, -EBADMSG, "not the one that was asked for");
}

/* What one user may write into his record keeps nobody else from being read. */
static void test_unreadable(void **state)
{
	static const struct answer answers[] = {
		{ USERS, 0, 3, "[" DIRECT(ALICE, "null") "," DIRECT(BOB, "null") "," DIRECT(CAROL, "null") "]", false },
		{ RECORDS, 0, NO_TOTAL,
		  RESULTS("3", RECORD(ALICE, "alice", ",\"displayname\":\"\\ud800\"") "," RECORD(BOB, "bob", "") ","
			       RECORD(CAROL, "carol", ",\"displayname\":\"\xff\"")), false },
		{ SINGLE ALICE, 0, NO_TOTAL, RECORD(ALICE, "alice", ",\"displayname\":\"\\ud800\""), false },
		{ SINGLE CAROL, 0, NO_TOTAL, RECORD(CAROL, "carol", ""), false },
		NOTHING_ELSE,
	};
	struct run r = { .fake = { .step = 0 } };

	(void)state;
	EXPECT(&r, answers,
	       "reject user " ALICE " - unicode (\\x5cu0000 or half a surrogate pair)\n"
	       "account " BOB " bob 0:0 ACTIVATED\n"
	       "account " CAROL " carol 0:0 ACTIVATED\n");
	done(&r);
}

/* N users from FIRST on, as a page of the list. */
static char *page_of(uint32_t first, uint32_t n)
{
	struct buf b = { 0 };

	assert_int_equal(buf_add(&b, "[", 1), 0);
	for (uint32_t i = first; i < first + n; i++) {
		AUTO_FREE char *user = str_format("%s{\"id\":\"%024x\",\"type\":\"user\",\"paths\":[]}", i > first ? "," : "", i);

		assert_int_equal(buf_add(&b, user, strlen(user)), 0);
	}
	assert_int_equal(buf_add(&b, "]", 2), 0);
	return (char *)b.data;
}

#define RECORDS_LATER { RECORDS, 0, NO_TOTAL, RESULTS("0", ""), true }, { SINGLE, -EPERM, NO_TOTAL, NULL, true }

static uint32_t count_lines(const char *text, const char *line)
{
	uint32_t n = 0;

	while ((text = strstr(text, line))) {
		text += strlen(line);
		n++;
	}
	return n;
}

static void test_pages(void **state)
{
	AUTO_FREE char *first = page_of(0, 100), *second = page_of(99, 100), *last = page_of(198, 52);
	AUTO_FREE char *moved = page_of(100, 100), *one = page_of(198, 1), *two = page_of(198, 2);
	const struct answer good[] = {
		{ USERS "limit=100&skip=0", 0, 250, first, false }, { USERS "limit=100&skip=99", 0, 250, second, false },
		{ USERS "limit=100&skip=198", 0, 250, last, false }, RECORDS_LATER, NOTHING_ELSE,
	};
	const struct answer silent[] = { /* about how many there are */
		{ USERS "limit=100&skip=0", 0, NO_TOTAL, first, false }, { USERS "limit=100&skip=99", 0, NO_TOTAL, second, false },
		{ USERS "limit=100&skip=198", 0, NO_TOTAL, one, false }, RECORDS_LATER, NOTHING_ELSE,
	};
	const struct answer once[] = { /* one has left meanwhile; then it is read again */
		{ USERS "limit=100&skip=0", 0, 250, first, false }, { USERS "limit=100&skip=99", 0, 249, second, false },
		{ USERS "limit=100&skip=0", 0, 200, first, false }, { USERS "limit=100&skip=99", 0, 200, second, false },
		{ USERS "limit=100&skip=198", 0, 200, two, false }, RECORDS_LATER, NOTHING_ELSE,
	};
	const struct answer swapped[] = { /* one has left, and another has come: nobody may be missed */
		{ USERS "limit=100&skip=0", 0, 200, first, false }, { USERS "limit=100&skip=99", 0, 200, moved, false },
		{ USERS "limit=100&skip=0", 0, 200, first, false }, { USERS "limit=100&skip=99", 0, 200, second, false },
		{ USERS "limit=100&skip=198", 0, 200, two, false }, RECORDS_LATER, NOTHING_ELSE,
	};
	const struct answer always[] = {
		{ USERS "limit=100&skip=0", 0, 200, first, true }, { USERS "limit=100&skip=99", 0, 200, moved, true },
	};
	const struct answer stuck[] = { /* never more than the one that is known */
		{ USERS "limit=100&skip=0", 0, 200, first, true }, { USERS "limit=100&skip=99", 0, 200, second, true },
		{ USERS "limit=100&skip=198", 0, 200, one, true },
	};
	const struct answer short_of[] = { { USERS, 0, 5, "[]", true } };
	const struct answer many[] = { { USERS, 0, 50001, first, true } };
	struct run r = { .fake = { .step = 0 } };

	(void)state;
	assert_int_equal(sync_again(&r, good, ARRAY_SIZE(good)), 0);
	assert_int_equal(count_lines((char *)r.fake.asked.data, "POST "), 3);
	/* Twenty were asked for one by one, nobody may be read: all are kept. */
	assert_int_equal(count_lines((char *)r.fake.asked.data, "GET " SINGLE), JUMPCLOUD_SINGLES_MAX);
	assert_int_equal(count_lines((char *)r.dump.text.data, " 0000000000"), 250);
	assert_memory_equal(r.dump.text.data, "kept ", 5);
	assert_int_equal(sync_again(&r, silent, ARRAY_SIZE(silent)), 0);
	assert_int_equal(count_lines((char *)r.dump.text.data, " 0000000000"), 199);
	assert_int_equal(sync_again(&r, once, ARRAY_SIZE(once)), 0);
	assert_int_equal(count_lines((char *)r.dump.text.data, " 0000000000"), 200);
	assert_int_equal(sync_again(&r, swapped, ARRAY_SIZE(swapped)), 0);
	assert_int_equal(count_lines((char *)r.dump.text.data, " 0000000000"), 200);
	done(&r);
	EXPECT_ERROR(always, -EAGAIN, "it changed while it was read");
	EXPECT_ERROR(stuck, -EAGAIN, "it changed while it was read");
	EXPECT_ERROR(short_of, -EAGAIN, "it changed while it was read");
	EXPECT_ERROR(many, -EFBIG, "more than 50000");
}

/* A reply that is not what was asked for ends the sync. */
static void test_bad_lists(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "ends too early" },
		{ "{}", "not what was asked for" },
		{ "null", "not what was asked for" },
		{ "[null]", "no user with an id" },
		{ "[7]", "no user with an id" },
		{ "[{\"id\":\"" ALICE "\"}]", "no user with an id" },
		{ "[{\"id\":\"" ALICE "\",\"type\":\"user_group\"}]", "no user with an id" },
		{ "[{\"type\":\"user\"}]", "no user with an id" },
		{ "[{\"id\":\"../x\",\"type\":\"user\"}]", "no user with an id" },
		{ "[{\"id\":\"" ALICE "\",\"_id\":\"" BOB "\",\"type\":\"user\"}]", "no user with an id" },
		{ "[{\"id\":\"" ALICE "\",\"id\":\"" ALICE "\",\"type\":\"user\"}]", "same key twice" },
		{ "[{\"id\":\"\\u0000\",\"type\":\"user\"}]", "\\u0000" },
		{ "[" DIRECT(ALICE, "NaN") "]", "JSON value" },
		{ "[" DIRECT(ALICE, "null") "", "ends too early" },
		{ "[" DIRECT(ALICE, "null") "] x", "line 1" },
		{ "[" DIRECT(ALICE, "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]") "]", "nested too deeply" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct answer answers[] = { { USERS, 0, NO_TOTAL, cases[i].text, true } };

		EXPECT_ERROR(answers, -EBADMSG, cases[i].why);
	}
}

static void test_bad_records(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "[]", "not what was asked for" },
		{ "{}", "no \"results\" in it" },
		{ "{\"totalCount\":0,\"results\":{}}", "not the one list" },
		{ "{\"results\":[],\"results\":[]}", "not the one list" },
		{ "{\"totalCount\":0,\"totalCount\":0,\"results\":[]}", "there twice" },
		{ "{\"totalCount\":-1,\"results\":[]}", "a count that is none" },
		{ "{\"totalCount\":\"1\",\"results\":[]}", "a count that is none" },
		{ RESULTS("1", "{\"username\":\"x\"}"), "one without an id" },
		{ RESULTS("2", RECORD(ALICE, "alice", "") "," RECORD(ALICE, "alice", "")), "there twice" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct answer answers[] = {
			{ USERS, 0, 1, "[" DIRECT(ALICE, "null") "]", false }, { RECORDS, 0, NO_TOTAL, cases[i].text, false },
			NOTHING_ELSE,
		};

		EXPECT_ERROR(answers, -EBADMSG, cases[i].why);
	}
}

static void test_scheduled(void **state)
{
	static const struct {
		int error;
		const char *text, *why; /* NULL: nobody minds */
	} cases[] = {
		{ -EPERM, NULL, NULL },
		{ -ENOENT, NULL, NULL },
		{ -EBUSY, NULL, "scheduled states: refused" },
		{ 0, "{\"results\":[],\"events_count\":1}", "changed" },
		{ 0, "{\"results\":[{}]}", "one without user, state or date" },
		{ 0, "{\"results\":[{\"systemUserId\":\"" ALICE "\",\"state\":\"SUSPENDED\",\"scheduledDate\":\"x\"}]}",
		  "one without user, state or date" },
		{ 0, "{\"results\":[{\"systemUserId\":\"" ALICE "\",\"state\":\"GONE\",\"scheduledDate\":\"2030-01-01\"}]}", NULL },
		{ 0, "{\"results\":[{\"systemUserId\":\"" ALICE "\",\"state\":\"STAGED\",\"scheduledDate\":\"2030-01-01\"}]}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct answer answers[] = {
			{ USERS, 0, 1, "[" DIRECT(ALICE, "null") "]", false },
			{ SCHEDULED, cases[i].error, NO_TOTAL, cases[i].text, false },
			{ RECORDS, 0, NO_TOTAL, RESULTS("1", RECORD(ALICE, "alice", "")), false }, NO_GROUPS, NO_POLICY,
		};
		struct run r = { .fake = { .step = 0 } };
		int result = sync_again(&r, answers, ARRAY_SIZE(answers));

		if (!cases[i].why)
			assert_string_equal((char *)r.dump.text.data, "account " ALICE " alice 0:0 ACTIVATED\n");
		assert_int_equal(result == 0, !cases[i].why);
		assert_non_null(strstr(r.text, cases[i].why ? cases[i].why : ""));
		done(&r);
	}
}

#define SETTINGS(s) "{\"_id\":\"" ORG "\",\"settings\":" s "}"
#define POLICY	    "{\"maxLoginAttempts\":3}"

static void test_policy(void **state)
{
	static const struct {
		const char *organisations, *settings, *dump;
	} cases[] = {
		{ RESULTS("1", "{\"_id\":\"" ORG "\"}"), SETTINGS("{\"passwordPolicy\":" POLICY "}"), "lockout attempts=3\n" },
		{ RESULTS("1", "{\"id\":\"" ORG "\"}"),
		  SETTINGS("{\"passwordCompliance\":\"custom\",\"passwordPolicy\":" POLICY "}"), "lockout attempts=3\n" },
		{ RESULTS("1", "{\"id\":\"" ORG "\"}"),
		  SETTINGS("{\"passwordCompliance\":\"pci3\",\"passwordPolicy\":" POLICY "}"), "" },
		{ RESULTS("1", "{\"id\":\"" ORG "\"}"), SETTINGS("{\"passwordPolicy\":null}"), "" },
		{ RESULTS("1", "{\"id\":\"" ORG "\"}"), SETTINGS("{\"passwordPolicy\":{\"maxLoginAttempts\":-1}}"), "" },
		{ RESULTS("1", "{\"id\":\"" ORG "\"}"), SETTINGS("null"), "" },
		{ RESULTS("2", "{\"id\":\"" ORG "\"},{\"id\":\"" BOB "\"}"), NULL, "" }, /* which is ours? */
		{ RESULTS("0", ""), NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct answer answers[] = {
			{ USERS, 0, 0, "[]", false }, NO_GROUPS, { ORGS, 0, NO_TOTAL, cases[i].organisations, false },
			{ cases[i].settings ? ORG_GET : "none", 0, NO_TOTAL, cases[i].settings, false },
		};
		struct run r = { .fake = { .step = 0 } };

		EXPECT(&r, answers, cases[i].dump);
		done(&r);
	}
}

static void test_refused(void **state)
{
	static const struct answer refused[] = { { USERS, -EPERM, NO_TOTAL, NULL, true } },
				   gone[] = { { USERS, -ENOENT, NO_TOTAL, NULL, true } };

	(void)state;
	EXPECT_ERROR(refused, -EPERM, "users of this system: refused");
	EXPECT_ERROR(gone, -EPROTO, "JumpCloud does not know system_id " SYSTEM);
}

static int refresh(const struct answer *answers, size_t n, char **ret_dump, char *text)
{
	struct run r = { .fake = { .answers = answers, .n = n } };
	const struct jumpcloud_api api = { ask, &r.fake };
	const struct document_sink sink = dump_sink(&r.dump);
	int result = jumpcloud_refresh(&api, &options, ALICE, &sink, text);

	assert_int_equal(buf_add(&r.dump.text, "", 1), 0);
	*ret_dump = (char *)r.dump.text.data;
	buf_done(&r.fake.asked);
	return result;
}

static void test_refresh(void **state)
{
	static const struct answer record = { SINGLE ALICE, 0, NO_TOTAL, RECORD(ALICE, "alice", ""), false },
				   reserved = { SINGLE ALICE, 0, NO_TOTAL, RECORD(ALICE, "root", ""), false },
				   deleted = { SINGLE ALICE, -ENOENT, NO_TOTAL, NULL, false },
				   bound = { USERS, 0, 2, "[" DIRECT(BOB, "null") "," DIRECT(ALICE, SUDO("true")) "]", false },
				   unbound = { USERS, 0, 1, "[" DIRECT(BOB, "null") "]", true },
				   filtered = { FILTERED, 0, 1, "[" DIRECT(ALICE, "null") "]", false },
				   empty = { FILTERED, 0, 0, "[]", false },
				   of_all = { FILTERED, 0, 2, "[" DIRECT(BOB, "null") "]", true },
				   no_filter = { FILTERED, -EPROTO, NO_TOTAL, NULL, false },
				   no_answer = { FILTERED, -EBUSY, NO_TOTAL, NULL, false },
				   cut = { USERS, 0, 2, "[" DIRECT(BOB, "null") "]", true },
				   lost = { USERS, -ENOENT, NO_TOTAL, NULL, true };
	static const struct {
		const struct answer *answers[3];
		int result;
		const char *dump;
	} cases[] = {
		{ { &record, &bound }, 0, "account " ALICE " alice 0:0 ACTIVATED sudo nopasswd\n" },
		{ { &record, &filtered }, 0, "account " ALICE " alice 0:0 ACTIVATED\n" },
		/* a filter that is not understood says nothing */
		{ { &record, &empty, &bound }, 0, "account " ALICE " alice 0:0 ACTIVATED sudo nopasswd\n" },
		{ { &record, &of_all, &bound }, 0, "account " ALICE " alice 0:0 ACTIVATED sudo nopasswd\n" },
		{ { &record, &no_filter, &bound }, 0, "account " ALICE " alice 0:0 ACTIVATED sudo nopasswd\n" },
		{ { &record, &no_answer, &bound }, -EBUSY, "" },
		{ { &record, &empty, &unbound }, 0, "removed " ALICE "\n" },
		{ { &record, &unbound }, 0, "removed " ALICE "\n" },
		{ { &deleted, &bound }, 0, "removed " ALICE "\n" },
		{ { &deleted, &unbound }, 0, "removed " ALICE "\n" },
		{ { &deleted, &lost }, -EPROTO, "" }, /* nobody is gone where nothing is known */
		{ { &deleted, &no_answer }, -EBUSY, "" },
		{ { &record, &cut }, -EAGAIN, "" }, /* a list that is not whole removes nobody */
		{ { &record, &lost }, -EPROTO, "" }, /* nor does one that is not there */
		{ { &reserved, &bound }, 0, "reject user " ALICE " root name_reserved (username: a name of the system)\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct answer *const *a = cases[i].answers;
		const struct answer answers[] = { *a[0], *a[1], *(a[2] ? a[2] : a[1]) };
		char text[JUMPCLOUD_TEXT_SIZE] = "";
		AUTO_FREE char *dump = NULL;

		assert_int_equal(refresh(answers, ARRAY_SIZE(answers), &dump, text), cases[i].result);
		assert_string_equal(dump, cases[i].dump);
		assert_true(cases[i].result == 0 || text[0]);
	}
}

/* The body of the recorded reply in FILE, which is one line of it; NULL: there is none on this host. */
static char *recorded(const char *file)
{
	const char *shared = getenv("MUSTER_SHARED"), *srcdir = getenv("srcdir");
	AUTO_FREE char *path = str_format("%s%s/jumpcloud/fixtures/%s", shared ? shared : srcdir ? srcdir : ".",
					  shared ? "" : "/../shared", file);
	static char fixture[65536];
	char *body, *end;
	FILE *f = fopen(path, "re");

	if (!f)
		return NULL;
	fixture[fread(fixture, 1, sizeof(fixture) - 1, f)] = '\0';
	fclose(f);
	body = strstr(fixture, "\"body\": ");
	assert_non_null(body);
	body += strlen("\"body\": ");
	end = strstr(body, ",\n  \"body_text\"");
	end = end ? end : strstr(body, "\n },\n \"note\"");
	assert_non_null(end);
	return str_format("%.*s", (int)(end - body), body);
}

/* Not all of one organisation: the user of the one reply is the user of the other, and the group has no POSIX group. */
static void test_recorded(void **state)
{
	AUTO_FREE char *users = recorded("recorded/07_v2_applications_617c3664e6f8ae27f7e1201e_users__limit-100_skip-0.json");
	AUTO_FREE char *records = recorded("recorded/03_systemusers__limit-100_skip-0.json");
	AUTO_FREE char *names = recorded("recorded/05_v2_usergroups__limit-100_skip-0.json");
	AUTO_FREE char *organisations = recorded("recorded/02_organizations.json");
	const struct answer answers[] = {
		{ USERS, 0, 1, users, false },	 { RECORDS, 0, NO_TOTAL, records, false }, NOTHING_SCHEDULED,
		{ GROUPS, 0, 0, "[]", false },	 { NAMES, 0, 2, names, false },
		{ ORGS, 0, NO_TOTAL, organisations, false }, { "/organizations/60259a2ad81e1a474d4e7c83", -EPERM, NO_TOTAL, NULL, false },
	};
	struct run r = { .fake = { .step = 7 } };

	(void)state;
	if (!users || !records || !names || !organisations)
		skip();
	EXPECT(&r, answers,
	       "account 6026bec6b8207255280d5981 testuser 5001:5001 ACTIVATED gecos=First Last email=user@example.com pending "
	       "created=1613151942\n"
	       "group 6026da081f24755306c2ee0d \"My Test Group\"\n"
	       "members of=6026da081f24755306c2ee0d 6026bec6b8207255280d5981\n");
	done(&r);
}

static void test_transcribed(void **state)
{
	AUTO_FREE char *users = recorded("transcribed/v2_systems_ID_users.json");
	const struct answer answers[] = {
		{ USERS, 0, 1, users, false },
		{ RECORDS, 0, NO_TOTAL, RESULTS("1", RECORD("5cdc80416e59bc2c5bbe63ef", "dora", "")), false }, NOTHING_ELSE,
	};
	struct run r = { .fake = { .step = 0 } };

	(void)state;
	if (!users)
		skip();
	EXPECT(&r, answers, "account 5cdc80416e59bc2c5bbe63ef dora 0:0 ACTIVATED sudo\n");
	done(&r);
}

/* Every allocation of the driver's own, one after another. */
static unsigned int allocations, fail_allocation;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_malloc(size_t size)
{
	return ++allocations == fail_allocation ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return ++allocations == fail_allocation ? NULL : __real_calloc(n, size);
}

static int take_account(void *context, const struct account *a)
{
	(void)a;
	++*(unsigned int *)context;
	return 0;
}

static int take_group(void *context, const struct dir_group *g)
{
	(void)g;
	++*(unsigned int *)context;
	return 0;
}

static int take_members(void *context, const struct membership *m)
{
	(void)m;
	++*(unsigned int *)context;
	return 0;
}

static int take_lockout(void *context, const struct lockout_policy *p)
{
	(void)p;
	++*(unsigned int *)context;
	return 0;
}

static int take_reject(void *context, const struct reject *r)
{
	fail_msg("%s", r->reason);
	++*(unsigned int *)context;
	return 0;
}

static int sync_counting(unsigned int *ret_records)
{
	struct fake f = { .answers = everything, .n = ARRAY_SIZE(everything), .silent = true };
	const struct jumpcloud_api api = { ask, &f };
	const struct document_sink sink = { take_account, take_group,	take_members, take_members,
					    take_members, take_lockout, take_reject,  ret_records };
	struct jumpcloud_memory memory = { .groups_known = false };
	char text[JUMPCLOUD_TEXT_SIZE];
	int r;

	*ret_records = allocations = 0;
	r = jumpcloud_sync(&api, &options, &memory, &sink, text);
	jumpcloud_memory_done(&memory);
	return r;
}

/* Whenever there is no memory: nothing less is taken for the whole. */
static void test_no_memory(void **state)
{
	unsigned int needed, records;

	(void)state;
	assert_int_equal(sync_counting(&records), 0);
	assert_int_equal(records, 7);
	needed = allocations;
	assert_in_range(needed, 20, 1000);
	for (fail_allocation = 1; fail_allocation <= needed; fail_allocation++)
		assert_int_equal(sync_counting(&records), -ENOMEM);
	fail_allocation = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything), cmocka_unit_test(test_pieces),      cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_sudo),	   cmocka_unit_test(test_rejects),     cmocka_unit_test(test_old_records),
		cmocka_unit_test(test_missing),	   cmocka_unit_test(test_pages), cmocka_unit_test(test_unreadable),      cmocka_unit_test(test_bad_lists),
		cmocka_unit_test(test_bad_records), cmocka_unit_test(test_scheduled),  cmocka_unit_test(test_policy),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_refresh),     cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_transcribed), cmocka_unit_test(test_bad_group),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
